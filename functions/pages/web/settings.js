// The Settings view: what a tenant decides of its invitations. What is empty holds as the stack was deployed, and each field
// says what that is. What is typed is kept until it is saved or discarded.
import { element, once, toast } from "./dom.js";
import { addLanguages, language, nameOf, number, relative, text } from "./texts.js";
import { memory, mine, session } from "./sign_in.js";
import { explained, quoted } from "./words.js";
import { explain } from "./api.js";
import { problemBox } from "./problem_box.js";
import { askBeforeClosing, saidOf, versionOf } from "./unsaved.js";
import { withStyle } from "./style.js";

await withStyle(new URL("./mail.css", import.meta.url).href);

const KEPT = "usher.settings";
// What is out of any range is for the API to refuse, as the number it is.
const whole = (typed) => (/^\d+$/.test(typed) ? Math.min(Number(typed), Number.MAX_SAFE_INTEGER) : Number.NaN);
const words = (typed) => typed.split(/[\s,;،؛]+/).filter(Boolean);
const isEmpty = (value) => value === null || value === undefined || value === "";

// How each kind of setting is typed, and read again. What can't be read is NaN.
const KINDS = {
  text: { write: String, read: (typed) => typed },
  number: { write: String, read: whole },
  days: { write: (days) => days.join(", "), read: (typed) => (words(typed).map(whole).some(Number.isNaN) ? Number.NaN : words(typed).map(whole)) },
  lines: { write: (lines) => lines.join("\n"), read: words },
};
const GROUPS = [
  ["users.mail", [["product_name", "text"], ["sender_name", "text"], ["sender_address", "text", "email"], ["reply_to", "text", "email"], ["support_address", "text", "email"], ["logo_url", "text", "url"], ["brand_color", "text", "color"], ["default_locale", "text", "language"]]],
  ["settings.invitations", [["expires_in_days", "number"], ["reminder_days", "days"], ["daily_invitations", "number"]]],
  ["settings.limits", [["allowed_domains", "lines"], ["blocked_domains", "lines"], ["redirect_origins", "lines"]]],
];
// What holds where neither the tenant nor the deployment says anything.
const NOTHING = { sender_name: "settings.as_deployed", sender_address: "settings.as_deployed", allowed_domains: "settings.no_limit", daily_invitations: "settings.no_limit" };
const LEAST_CONTRAST = 4.5;

askBeforeClosing(() => Boolean(memory.get(mine(KEPT))));

let current = null;

export async function show(root, title) {
  if (!root.firstChild) root.replaceChildren(title, element("p", { class: "loading", role: "status" }, text("common.loading")));
  const view = { root, title };
  current = view;
  const answer = await session.call("GET", "/v1/settings");
  if (current !== view) return;
  if (answer.ok) draw(view, answer.body);
  else root.replaceChildren(title, problemBox(answer.problem, () => show(root, title)));
}

export function leave() {
  current = null;
  if (memory.get(mine(KEPT))) toast(text("decided.kept"));
}

function draw(view, first) {
  const { root, title } = view;
  let saved = first;
  let before = null; // what the person has changed is told from this
  const rows = new Map();
  const notice = element("div");
  const state = element("p", { class: "quiet", role: "status" });
  const save = element("button", { type: "submit" }, text("common.save"));
  const discard = element("button", { type: "button", class: "plain", on: { click: throwAway } }, text("decided.discard"));
  const fields = GROUPS.map(([legend, settings]) => element("fieldset", {}, element("legend", {}, text(legend)), settings.filter(([name]) => name in saved.settings).map((setting) => field(...setting))));
  const form = element("form", { class: "settings", noValidate: true }, fields, element("div", { class: "view-ways" }, save, discard));
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    once(save, text("common.saving"), send);
  });

  function field(name, kind, look) {
    const id = `settings-${name}`;
    const long = kind === "lines";
    const holds = saved.defaults[name];
    const shown = isEmpty(holds) || holds.length === 0 ? text(NOTHING[name] ?? "settings.none") : look === "language" ? text("settings.by_default", { value: nameOf(holds) }) : KINDS[kind].write(holds);
    const plain = { id, dir: kind === "text" && !look ? "auto" : "ltr", autocomplete: "off", autocapitalize: "none", spellcheck: false, placeholder: shown };
    const control = long ? element("textarea", { ...plain, rows: 3 })
      : look === "language" ? element("select", { id }, element("option", { value: "" }, shown))
        : element("input", { ...plain, type: look === "email" || look === "url" ? look : "text", inputMode: kind === "number" ? "numeric" : null });
    const help = element("p", { class: "help", id: `${id}-help` }, helpOf(name));
    const error = element("p", { class: "error", id: `${id}-error`, role: "alert", hidden: true });
    control.setAttribute("aria-describedby", `${help.id} ${error.id}`);
    // A list that is empty as deployed needs no way to be emptied.
    const none = Array.isArray(holds) && holds.length > 0 && element("input", { type: "checkbox" });
    rows.set(name, { kind, control, error, none });
    const beside = look === "color" && colorBeside(control, help, holds);
    return element("div", { class: `field ${long ? "long" : ""}` }, element("label", { htmlFor: id }, text(`settings.${name}`)), beside ? element("div", { class: "color" }, control, beside) : control,
      none && element("label", {}, none, text("settings.none")), help, error);
  }

  function helpOf(name) {
    const { sender_identity: identity } = saved;
    // Where SES has verified a single address, there is no other.
    const key = name === "sender_address" && identity.includes("@") ? null : HELP[name];
    return key ? text(key, { identity }) : "";
  }

  // --- What is typed ---

  const written = (settings) => Object.fromEntries([...rows].map(([name, { kind }]) => [name, { typed: isEmpty(settings[name]) ? "" : KINDS[kind].write(settings[name]), none: Array.isArray(settings[name]) && settings[name].length === 0 }]));
  const typed = () => Object.fromEntries([...rows].map(([name, { control, none }]) => [name, { typed: control.value, none: Boolean(none?.checked) }]));
  const differ = (one, other) => [...rows.keys()].filter((name) => one[name].typed.trim() !== other[name].typed.trim() || (rows.get(name).none && one[name].none !== other[name].none));

  function fill(values) {
    for (const [name, { control, none }] of rows) {
      const { typed, none: isNone } = values[name];
      if (control.tagName === "SELECT") addLanguages(control, [...saved.locales, typed]);
      control.value = typed;
      if (none) none.checked = isNone;
      control.dispatchEvent(new Event("change"));
    }
    drawState();
  }

  function changed({ target } = {}) {
    const row = [...rows.values()].find(({ control }) => control === target);
    if (row) clear(row);
    if (differ(typed(), before.values).length > 0) memory.set(mine(KEPT), { ...before, typed: typed() });
    else memory.drop(mine(KEPT));
    drawState();
  }

  function drawState() {
    for (const { control, none } of rows.values()) if (none) control.disabled = none.checked;
    const isChanged = differ(typed(), before.values).length > 0;
    discard.hidden = !isChanged;
    const { changed_at: at, changed_by: by } = saved;
    const said = [at && text("decided.saved", { when: relative(at), who: by?.name ?? by?.id ?? "" }), isChanged && text("decided.unsaved")].filter(Boolean).join(" ");
    if (state.textContent !== said) state.textContent = said;
  }

  function throwAway() {
    const given = typed();
    memory.drop(mine(KEPT));
    notice.replaceChildren();
    for (const row of rows.values()) clear(row);
    fill(before.values);
    title.focus();
    toast(text("decided.discarded"), { action: { label: text("common.undo"), run: () => { fill(given); changed(); } } });
  }

  function clear({ control, error }) {
    error.hidden = true;
    control.removeAttribute("aria-invalid");
  }

  function wrong(name, ...said) {
    const { control, error } = rows.get(name);
    error.replaceChildren(...said.filter(Boolean).flat());
    error.hidden = false;
    control.setAttribute("aria-invalid", "true");
    control.focus();
  }

  // --- Saving ---

  async function send() {
    for (const row of rows.values()) clear(row);
    const given = typed();
    const settings = Object.fromEntries([...rows].map(([name, { kind, none }]) => {
      const value = given[name].typed.trim();
      return [name, none?.checked ? [] : value ? KINDS[kind].read(value) : null];
    }));
    const unreadable = [...rows.keys()].find((name) => Number.isNaN(settings[name]));
    if (unreadable) return wrong(unreadable, text("settings.whole_numbers"));
    if (settings.logo_url && !/^https:/i.test(settings.logo_url)) return wrong("logo_url", text("settings.logo_url.help"));
    const answer = await session.call("PUT", "/v1/settings", settings, { version: before.version });
    if (answer.problem?.status === 412) return meanwhile();
    if (!answer.ok) return refuse(answer.problem);
    if (current !== view) return tookElsewhere(answer.body, given);
    notice.replaceChildren();
    const later = typed();
    const typedSince = differ(later, given);
    start(answer.body);
    if (typedSince.length > 0) {
      fill({ ...before.values, ...Object.fromEntries(typedSince.map((name) => [name, later[name]])) });
      changed();
    }
    return toast(text("settings.said_saved"));
  }

  // What was typed since then, in the view that has taken this one's place, is a change of what is saved.
  function tookElsewhere(answer, given) {
    const draft = memory.get(mine(KEPT));
    const values = written(answer.settings);
    const since = draft ? differ(draft.typed, given) : [];
    if (since.length === 0) memory.drop(mine(KEPT));
    else memory.set(mine(KEPT), { version: versionOf(answer), values, typed: { ...values, ...Object.fromEntries(since.map((name) => [name, draft.typed[name]])) } });
    toast(text("settings.said_saved"));
    return current && show(current.root, current.title);
  }

  function refuse(problem) {
    if (current !== view) return toast(explained(explain(problem), "span"), { kind: "alert" });
    const name = problem.field?.split(/[.[]/)[0];
    // The server names the field, beside which its words stand here.
    const words = problem.detail?.replace(/^The field \S+ (.)/, (_, first) => first.toUpperCase());
    if (rows.has(name)) return wrong(name, language() !== "en" && text("problem.invalid_field"), quoted(words));
    notice.replaceChildren(problemBox(problem, () => save.click()));
    return notice.scrollIntoView({ block: "nearest" });
  }

  // Somebody else has saved: what this person has not touched is as that one left it, the rest stays as they typed it.
  async function meanwhile() {
    const answer = await session.call("GET", "/v1/settings");
    if (!answer.ok) return refuse(answer.problem);
    if (current !== view) return toast(`${saidOf(answer.body)} ${text("decided.kept")}`, { kind: "alert" });
    return merge(answer.body);
  }

  function merge(answer) {
    const given = typed();
    const ours = differ(given, before.values);
    const old = before.values;
    start(answer);
    const theirs = differ(before.values, old);
    fill({ ...before.values, ...Object.fromEntries(ours.map((name) => [name, given[name]])) });
    changed();
    const both = ours.filter((name) => theirs.includes(name));
    const values = both.map((name) => element("li", {}, `${text(`settings.${name}`)}: `, element("strong", {}, before.values[name].typed.replaceAll("\n", ", ") || text("settings.none"))));
    notice.replaceChildren(element("div", { class: "warning", role: "alert" },
      element("p", {}, saidOf(saved), " ", text("settings.again")), both.length > 0 && element("ul", {}, values)));
    return save.focus();
  }

  function start(answer) {
    saved = answer;
    before = { version: versionOf(answer), values: written(answer.settings) };
    memory.drop(mine(KEPT));
    fill(before.values);
  }

  root.replaceChildren(element("div", { class: "view-head" }, title, state), notice, form);
  const draft = memory.get(mine(KEPT));
  start(first);
  if (saved.unreadable) notice.replaceChildren(element("p", { class: "warning" }, saidOf(saved)));
  if (draft) {
    before = { version: draft.version, values: draft.values };
    fill(draft.typed);
    changed();
    if (draft.version !== versionOf(first)) merge(first);
  }
}

const HELP = { sender_address: "settings.sender_address.help", support_address: "settings.support_address.help", logo_url: "settings.logo_url.help", reminder_days: "settings.reminder_days.help", allowed_domains: "settings.lines.help", blocked_domains: "settings.lines.help", redirect_origins: "settings.lines.help" };

// The browser's own field for colours beside the text, since it can't be empty; and whether white can be read on it.
function colorBeside(control, help, holds) {
  const picker = element("input", { type: "color", "aria-label": text("settings.brand_color"), on: { input: () => { control.value = picker.value; say(); } } });
  const say = () => {
    const color = /^#[0-9a-f]{6}$/i.test(control.value.trim()) ? control.value.trim().toLowerCase() : control.value.trim() ? null : holds;
    if (color) picker.value = color;
    const ratio = color && contrastToWhite(color);
    help.textContent = color ? text(ratio >= LEAST_CONTRAST ? "settings.contrast" : "settings.contrast_low", { ratio: number(Math.floor(ratio * 10) / 10), least: number(LEAST_CONTRAST) }) : "";
  };
  for (const event of ["input", "change"]) control.addEventListener(event, say);
  say();
  return picker;
}

// WCAG's contrast ratio.
function contrastToWhite(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}
