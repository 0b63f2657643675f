// One person: everything about them, what can be done, and what happened. On wide screens beside the list, on small ones
// in its place.
import { byId, element, empty, isolated, webAddress } from "./dom.js";
import { explain } from "./api.js";
import { dateTime, has, nameOf, number, text } from "./texts.js";
import { session } from "./sign_in.js";
import { busyWith, find, put, refusalOf, watch } from "./people.js";
import { actionsFor, busyText, denied as sayDenied, refusalBox } from "./actions.js";
import { ago, badge, breakable, explained, inviter, mail, missing, tick } from "./words.js";
import { leavePerson, onPlace } from "./place.js";
import { rowOf } from "./list.js";
import { edit, hasDraft } from "./edit.js";
import { makeTimeline } from "./timeline.js";

const SHORT = { dateStyle: "medium", timeStyle: "short" };
const SOURCES = { tenant_default: "users.locale_source.tenant_default", external_default: "users.locale_source.tenant_default", fallback: "users.locale_source.fallback" };
const panel = byId("person");
const beside = matchMedia("(width >= 1200px)");
let open = null; // {id, parts, timeline}
let opener = null;

/** Opens whom the place names, or closes. */
export function follow({ user: id }) {
  if (id === (open?.id ?? "")) return;
  if (!id) return close();
  opener = document.activeElement?.closest?.("#page") ? document.activeElement : opener;
  show(id);
}

function show(id) {
  const title = element("h2", { id: "person-title", tabIndex: -1 });
  const parts = Object.fromEntries(["sub", "state", "notices", "refusal", "actions", "form", "details"].map((name) => [name, element("div", { class: `p-${name}` })]));
  const shut = element("button", { type: "button", class: "icon", "aria-label": text("common.close"), on: { click: leave } }, "×");
  const timeline = makeTimeline(id);
  open = { id, title, parts, timeline, drawn: "" };
  panel.replaceChildren(
    element("div", { class: "panel-head" }, element("div", {}, title, parts.sub), shut),
    element("div", { class: "dialog-body", tabIndex: -1 }, parts.state, parts.notices, parts.refusal, parts.actions, parts.form,
      element("section", { "aria-labelledby": "p-details" }, element("h3", { id: "p-details" }, text("users.details")), parts.details),
      element("section", { "aria-labelledby": "p-history" }, element("h3", { id: "p-history" }, text("users.history")), timeline.element)));
  if (!panel.open) panel.show();
  cover();
  draw();
  title.focus();
  for (const row of byId("table").querySelectorAll("tr.open")) row.classList.remove("open");
  rowOf(id)?.tr.classList.add("open");
  if (find(id) && hasDraft(id) && session.can("users:write")) startEdit();
  load(id);
}

async function load(id) {
  const answer = await session.call("GET", `/v1/users/${id}`);
  if (open?.id !== id) return;
  if (answer.ok) {
    empty(open.parts.notices, open.title);
    put(answer.body);
    draw();
    open.timeline.refresh();
    if (hasDraft(id) && !open.parts.form.firstChild) startEdit();
  } else if (!find(id)) {
    const words = explain(answer.problem);
    open.title.textContent = words.title;
    open.parts.notices.replaceChildren(element("div", { class: "alert", role: "alert" }, explained(words)),
      answer.problem.status === 404 ? "" : element("button", { type: "button", class: "plain", on: { click: () => load(id) } }, text("common.retry")));
  }
}

function close() {
  const { id } = open;
  open = null;
  panel.close();
  panel.replaceChildren();
  cover();
  const row = rowOf(id);
  row?.tr.classList.remove("open");
  // Back to where one came from; a row that was drawn meanwhile is a better place than a lost one.
  const back = opener?.isConnected && opener !== document.body ? opener : row?.link ?? byId("main");
  opener = null;
  back.focus();
}

function leave() {
  close();
  leavePerson();
}

// Where the panel covers the page, nothing below it can be reached.
function cover() {
  byId("page").inert = panel.open && !beside.matches;
}

function draw() {
  const user = find(open.id);
  if (!user) return;
  open.title.replaceChildren(isolated(user.name ?? user.email));
  open.parts.sub.replaceChildren(user.name ? isolated(user.email, { class: "quiet" }) : "");
  open.parts.state.replaceChildren(badge(user), " ", element("span", { class: "p-mail" }, mail(user, { whole: true })));
  open.parts.notices.replaceChildren(...notices(user).filter(Boolean));
  drawActions(user);
  drawRefusal(user);
  open.parts.details.replaceChildren(details(user));
  const now = JSON.stringify(user);
  if (open.drawn && open.drawn !== now) open.timeline.soon();
  open.drawn = now;
}

function drawRefusal(user) {
  const refusal = refusalOf(user.id);
  if (open.refusal === refusal) return;
  const { actions, refusal: place } = open.parts;
  empty(place, actions.querySelector(`[data-action=${open.refusal?.action}]`) ?? open.title);
  if (refusal) place.append(refusalBox(user, refusal));
  open.refusal = refusal;
}

function notices(user) {
  const note = (kind, ...words) => element("p", { class: kind }, words);
  const lacking = ["users:invite", "users:write"].filter((scope) => !session.can(scope));
  return [
    user.suppressed && refusalOf(user.id)?.problem.code !== "suppressed" && note("warning", text(`users.suppressed.${user.suppressed.reason}`), " ", session.can("users:write") ? text("users.suppressed.way") : ""),
    user.state === "declined" && !user.suppressed && note("note", text("users.declined.note")),
    lacking.length > 0 && element("p", { class: "note", id: "p-missing" }, missing(lacking, session.me)),
  ];
}

// Buttons that stay keep their focus; where one goes, what takes its place gets it.
function drawActions(user) {
  const bar = open.parts.actions;
  const focused = bar.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  const old = new Map([...bar.children].map((button) => [button.dataset.action, button]));
  const buttons = actionsFor(user).map(({ name, label, scope, run, kind }) => {
    const button = old.get(name) ?? element("button", { type: "button", dataset: { action: name } });
    const [busy, allowed] = [busyWith(user.id), session.can(scope)];
    button.className = `small ${kind} ${allowed ? "" : "denied"}`;
    button.textContent = busy === name ? busyText(name) : label;
    if (busy || !allowed) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
    if (!allowed) button.setAttribute("aria-describedby", "p-missing");
    button.onclick = () => {
      if (busyWith(user.id)) return;
      if (!allowed) return sayDenied(scope);
      run(find(user.id) ?? user);
    };
    return button;
  });
  if (buttons.length !== bar.childElementCount || buttons.some((button, index) => bar.children[index] !== button)) bar.replaceChildren(...buttons);
  if (focused) (buttons.find((button) => button.dataset.action === focused) ?? buttons.find((button) => button.dataset.action === "restore") ?? buttons[0])?.focus();
}

function startEdit() {
  const [{ id, parts }, user] = [open, find(open.id)];
  const focus = (name) => parts.actions.querySelector(`[data-action=${name}]`)?.focus();
  edit(user, parts.form, () => { if (open?.id === id) focus("edit"); });
}

function details(user) {
  const at = (instant) => instant && [element("time", { dateTime: instant }, dateTime(instant, SHORT)), " ", element("span", { class: "quiet" }, "(", ago(instant), ")")];
  const link = webAddress(user.redirect_url);
  const code = (value) => element("code", { dir: "ltr" }, value);
  const source = SOURCES[user.locale_source] && element("span", { class: "quiet" }, " ", text(SOURCES[user.locale_source]));
  const entries = {
    email: element("bdi", { dir: "ltr" }, breakable(user.email)),
    name: user.name && isolated(user.name),
    locale: [isolated(nameOf(user.locale)), source],
    groups: user.groups.length > 0 && user.groups.map((group, index) => [index > 0 && ", ", isolated(group)]),
    invited: [at(user.invited_at), element("br"), inviter(user.invited_by)],
    expires: (user.state === "pending" || user.state === "expired") && at(user.expires_at),
    accepted: at(user.accepted_at),
    revoked: at(user.revoked_at),
    declined: at(user.declined_at),
    mails: number(user.send_count),
    last_mail: at(user.last_sent_at),
    redirect_url: link && element("a", { href: link, rel: "noreferrer", dir: "ltr" }, link),
    external_id: user.external_id && code(user.external_id),
    metadata: user.metadata && element("pre", { dir: "ltr", tabIndex: 0, "aria-label": text("users.detail.metadata") }, JSON.stringify(user.metadata, null, 2)),
    id: code(user.id),
  };
  return element("dl", {}, Object.entries(entries).filter(([, value]) => value).map(([name, value]) =>
    element("div", {}, element("dt", {}, text(`users.detail.${name}`)), element("dd", {}, value))));
}

addEventListener("person:edit", () => { if (open && find(open.id)) startEdit(); });
watch((id) => { if (open?.id === id && find(id)) draw(); });
onPlace(follow);
beside.addEventListener("change", cover);
setInterval(() => { if (open && !document.hidden) tick(panel); }, 10_000);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !open || event.defaultPrevented) return;
  if (document.querySelector("dialog:modal, :popover-open") || (event.target.type === "search" && event.target.value)) return;
  event.preventDefault();
  leave();
});
// Beside a panel that covers only part of the page, a click closes it as one expects.
document.addEventListener("click", (event) => {
  if (open && byId("page").inert && (event.target === document.body || event.target === document.documentElement)) leave();
});

/** Draws the open person anew, as in another language. */
export function redrawPerson() {
  if (open) show(open.id);
}
