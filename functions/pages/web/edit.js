// The form to correct somebody: address, name, language and groups. What is typed is kept until it is saved or given up.
import { element, toast } from "./dom.js";
import { codeOf } from "./api.js";
import { addLanguages, has, languages, text } from "./texts.js";
import { memory, mine, session } from "./sign_in.js";
import { busyWith, find, put, setBusy } from "./people.js";
import { sayRefused, sentences } from "./actions.js";
import { called, explained } from "./words.js";
import { wake } from "./live.js";
import { hash } from "./place.js";

const KEPT = "usher.edit";
let kept = null;
session.beforeLeave(() => { if (kept?.size > 0) memory.set(mine(KEPT), Object.fromEntries(kept)); });

// What was typed, by the id of whom it is about. Whose it is, is known only once somebody has signed in.
function drafts() {
  if (!session.me) return new Map();
  kept ??= new Map(Object.entries(memory.get(mine(KEPT)) ?? {}));
  memory.drop(mine(KEPT));
  return kept;
}

/** Whether something typed about them is not saved yet. */
export const hasDraft = (id) => drafts().has(id);

const valuesOf = (user) => ({ email: user.email, name: user.name ?? "", locale: user.locale, groups: user.groups.join(", ") });
const groupsOf = (typed) => [...new Set(typed.split(/[\s,;،؛]+/).filter(Boolean))];

/** Shows the form in `place`; `left` is called when it goes. */
export function edit(user, place, left) {
  if (place.firstChild) return place.querySelector("input").focus();
  // What is sent is what the person changed, not what has become different meanwhile: that may be another administrator's work.
  const draft = drafts().get(user.id);
  let before = draft?.before ?? valuesOf(user);
  const values = { ...before, ...draft?.typed };
  const fields = {
    email: element("input", { type: "email", dir: "ltr", autocomplete: "off", autocapitalize: "none", spellcheck: false }),
    name: element("input", { type: "text", dir: "auto", autocomplete: "off", maxLength: 100 }),
    locale: element("select"),
    groups: element("input", { type: "text", dir: "ltr", autocomplete: "off", autocapitalize: "none", spellcheck: false }),
  };
  const problem = element("div");
  const save = element("button", { type: "submit" }, text("common.save"));
  const cancel = element("button", { type: "button", class: "plain", on: { click: () => end() } }, text("common.cancel"));
  const ways = element("p", { class: "ways" }, save, cancel);
  const form = element("form", { class: "edit", noValidate: true, "aria-label": text("users.do.edit") },
    Object.entries(fields).map(([name, field]) => labelled(name, field)), problem, ways);
  addLanguages(fields.locale, [...languages(), user.locale, values.locale]);
  for (const [name, field] of Object.entries(fields)) field.value = values[name];

  // Nobody else may see what languages the tenant has mails in.
  if (session.can("settings:write")) session.call("GET", "/v1/settings").then(({ body }) => addLanguages(fields.locale, body?.locales ?? []));

  const typed = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value.trim()]));
  const end = () => {
    drafts().delete(user.id);
    form.remove();
    left();
  };
  form.addEventListener("input", () => {
    drafts().set(user.id, { before, typed: typed() });
    fields.email.removeAttribute("aria-invalid");
    drawHint();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (save.getAttribute("aria-disabled") !== "true") send();
  });

  // What a new address means is said before it is saved.
  function drawHint() {
    const now = find(user.id) ?? user;
    const hint = form.querySelector("#edit-email-help");
    const changed = fields.email.value.trim().toLowerCase() !== before.email.toLowerCase();
    hint.textContent = changed ? text(now.state === "accepted" ? "users.edit.email.registered" : ["revoked", "declined"].includes(now.state) ? "users.edit.email.silent" : "users.edit.email.mailed") : "";
  }

  async function send() {
    const sent = typed();
    const changes = changesOf(before, sent);
    if (Object.keys(changes).length === 0) return end();
    if (busyWith(user.id)) return;
    problem.replaceChildren();
    save.setAttribute("aria-disabled", "true");
    save.textContent = text("common.saving");
    setBusy(user.id, "edit");
    const answer = await session.call("PATCH", `/v1/users/${user.id}`, changes);
    setBusy(user.id, null);
    save.removeAttribute("aria-disabled");
    save.textContent = text("common.save");
    if (!answer.ok) return refuse(answer.problem);
    const mailed = changes.email && changes.email.toLowerCase() !== before.email.toLowerCase() && answer.body.state === "pending";
    put(answer.body);
    // What was typed while it was being saved is still to be saved.
    const draft = drafts().get(user.id);
    if (draft && Object.keys(changesOf(sent, draft.typed)).length > 0) {
      before = sent;
      drafts().set(user.id, { ...draft, before });
      drawHint();
    } else {
      end();
    }
    wake();
    toast(text(mailed ? "users.said.corrected" : "users.said.saved", { who: called(answer.body) }));
  }

  function refuse(why) {
    // Who has closed the form is told all the same; what they had typed is there when they open it again.
    if (!form.isConnected) return sayRefused(find(user.id) ?? user, why);
    const code = codeOf(why);
    const other = why.user_id && element("p", {}, element("a", { href: hash({ user: why.user_id }) }, text("users.open_other")));
    problem.replaceChildren(element("div", { class: "alert", role: "alert", id: "edit-problem" }, explained(sentences(why)), other));
    const field = fields[ABOUT[code]] ?? fields[why.field?.split(/[.[]/)[0]];
    if (!field) return ways.before(problem);
    // Below the field: on a phone, the form is longer than the screen.
    field.closest(".field").append(problem);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `edit-${field.name}-help edit-problem`);
    field.focus();
  }

  place.replaceChildren(form);
  drawHint();
  fields.email.focus();
}

const ABOUT = { address_taken: "email", already_registered: "email", suppressed: "email", invalid_email: "email", domain_not_allowed: "email", daily_limit: "email" };

function labelled(name, field) {
  Object.assign(field, { id: `edit-${name}`, name });
  field.setAttribute("aria-describedby", `edit-${name}-help`);
  const help = element("p", { class: "help", id: `edit-${name}-help`, role: name === "email" ? "status" : null }, has(`users.edit.${name}.help`) ? text(`users.edit.${name}.help`) : "");
  return element("div", { class: "field" }, element("label", { htmlFor: field.id }, text(`users.edit.${name}`)), field, help);
}

function changesOf(before, { email, name, locale, groups }) {
  const [old, now] = [groupsOf(before.groups), groupsOf(groups)];
  return {
    ...(email !== before.email && { email }),
    ...(name !== before.name && { name: name || null }),
    ...(locale !== before.locale && { locale }),
    ...(old.join() !== now.join() && { groups: now }),
  };
}
