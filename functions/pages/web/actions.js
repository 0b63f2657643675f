// What can be done with one person. Each action runs once at a time, says at once that it does and then what happened; what
// went wrong is kept beside the person, with a way on.
import { ask, byId, element, openDialog, toast } from "./dom.js";
import { codeOf, explain, isPassing } from "./api.js";
import { fill, has, plural, text } from "./texts.js";
import { session } from "./sign_in.js";
import { busyWith, drop, find, put, setBusy, setRefusal } from "./people.js";
import { called, explained, missing } from "./words.js";
import { remove, rowOf } from "./list.js";
import { wake } from "./live.js";
import { go, hash, read } from "./place.js";

const path = (user, rest = "") => `/v1/users/${user.id}${rest}`;
const post = (user, rest, body) => session.call("POST", path(user, rest), body);

/**
 * Runs `perform` with somebody, unless something is being done with them. Resolves to its answer if it worked; `said` makes
 * of its body what is said then: {key, action}. `next` follows when it has worked, if only after a retry.
 */
export async function act(user, action, perform, said, next) {
  if (busyWith(user.id)) return null;
  setRefusal(user.id, null);
  setBusy(user.id, action);
  const answer = await perform();
  // Somebody else was quicker: what has become of the person decides on the way on.
  if ([404, 409].includes(answer.problem?.status)) await readAnew(user);
  setBusy(user.id, null);
  if (!answer.ok) {
    refuse(user, { problem: answer.problem, action, again: () => act(find(user.id) ?? user, action, perform, said, next) });
    return null;
  }
  if (answer.body.id === user.id) put(answer.body);
  wake();
  const now = find(user.id) ?? user;
  const { key, action: way } = said?.(answer.body) ?? {};
  if (key) toast(text(key, { who: called(now) }), { action: way });
  next?.(now);
  return answer;
}

async function readAnew(user) {
  const answer = await session.call("GET", path(user));
  if (answer.ok) put(answer.body);
}

// Said in the panel if the person is open there, else in their row. Where neither is seen, it waits in the panel.
function refuse(user, refusal) {
  const open = read().user === user.id && byId("person").open;
  const inRow = !open && isSeen(rowOf(user.id)?.tr);
  if (find(user.id)) setRefusal(user.id, { ...refusal, place: inRow ? "row" : "panel" });
  if (!open && !inRow) sayRefused(user, refusal.problem, isPassing(refusal.problem) && refusal.problem.status !== 429 ? refusal.again : null);
}

function isSeen(element) {
  if (!element || element.closest("[inert]")) return false;
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** Says at the edge of the page why something did not work, with the way to try again or to the person. */
export function sayRefused(user, problem, again) {
  const show = read().user !== user.id && { label: text("users.show_person"), run: () => go({ user: user.id }) };
  toast(element("span", {}, text("users.failed_for", { who: called(user) }), " ", explained({ ...sentences(problem), hint: "" }, "span")),
    { kind: "alert", action: again ? { label: text("common.retry"), run: again } : show });
}

const says = (key, action) => () => ({ key, action });

/** Sends the invitation again: once, however often it has to be tried. */
export function resend(user, options = {}) {
  const idempotencyKey = crypto.randomUUID();
  return act(user, "resend", () => session.call("POST", path(user, "/resend"), options, { idempotencyKey }), says("users.said.resent"));
}

// What goes against the person's own wish is done only after a question that says so: `why` is "declined" or "complained".
const isMeant = (user, why, confirm) => ask({ title: text(`users.ask.${why}`), body: text(`users.ask.${why}.text`, { who: called(user) }), confirm });

/** Invites somebody again whose invitation was revoked, or who declined. */
export async function reactivate(user) {
  if (user.state !== "declined" || await isMeant(user, "declined", text("users.do.reactivate"))) await resend(user, { reactivate: true });
}

export const revoke = (user) => act(user, "revoke", () => post(user, "/revoke"),
  says("users.said.revoked", { label: text("common.undo"), run: () => restore(find(user.id) ?? user) }));

export const restore = (user) => act(user, "restore", () => post(user, "/restore"), ({ state }) => {
  if (state !== "expired") return { key: "users.said.restored" };
  const action = session.can("users:invite") && { label: text("users.do.resend"), run: () => resend(find(user.id) ?? user) };
  return { key: "users.said.restored_expired", action };
});

/** Allows mail to the address again. */
export async function lift(user, confirm = text("users.do.lift"), next = null) {
  const why = user.suppressed?.reason;
  if (has(`users.ask.${why}`) && !await isMeant(user, why, confirm)) return null;
  return act(user, "lift", () => session.call("DELETE", path(user, "/suppression")), says("users.said.lifted"), next);
}

/** Allows mail again and sends it. */
export const liftAndResend = (user) => lift(user, text("users.do.lift_and_resend"), (now) => resend(now));

export async function copyLink(user) {
  const answer = await act(user, "link", () => session.call("GET", path(user, "/link")));
  if (!answer) return;
  const link = answer.body.accept_url;
  try {
    await navigator.clipboard.writeText(link);
    toast(text("users.said.copied", { who: called(user) }));
  } catch {
    showLink(user, link);
  }
}

// The browser does not let the page copy, so the person does.
function showLink(user, link) {
  const field = element("input", { type: "text", readOnly: true, value: link, dir: "ltr", id: "link", on: { focus: () => field.select() } });
  const heading = text("users.link.title", { who: called(user) });
  openDialog({ title: heading, content: [element("label", { htmlFor: "link" }, text("users.link.text")), field] });
  field.focus();
  field.select();
}

/** Opens the person, with the form to correct them. */
function correct(user) {
  if (read().user !== user.id) go({ user: user.id });
  dispatchEvent(new Event("person:edit"));
}

/** Erases somebody after they who ask have said twice that they mean it. */
export function erase(user) {
  const sure = element("input", { type: "checkbox", on: { change: () => { yes.disabled = !sure.checked; } } });
  const yes = element("button", { type: "button", class: "danger", disabled: true, on: { click: () => dialog.close("yes") } }, text("users.do.erase"));
  const no = element("button", { type: "button", class: "plain", autofocus: true, on: { click: () => dialog.close("") } }, text("common.cancel"));
  const who = element("p");
  fill(who, "users.erase.who", { who: user.email });
  const list = (key) => element("li", {}, text(key));
  const dialog = openDialog({
    title: text("users.erase.title"), className: "ask", actions: [no, yes],
    content: [
      who,
      element("h3", {}, text("users.erase.goes")),
      element("ul", {}, list("users.erase.goes.data"), list(user.state === "accepted" ? "users.erase.goes.account" : "users.erase.goes.link")),
      element("h3", {}, text("users.erase.stays")),
      element("ul", {}, list("users.erase.stays.trace"), (user.suppressed || user.state === "declined") && list("users.erase.stays.block")),
      element("label", {}, sure, text("users.erase.sure")),
    ],
    closed: (value) => { if (value === "yes") eraseNow(user); },
  });
}

async function eraseNow(user) {
  const answer = await act(user, "erase", () => session.call("DELETE", path(user)), says("users.said.erased"));
  if (answer) takeOff(user);
}

function takeOff(user) {
  if (read().user === user.id) go({ user: "" }, { replace: true });
  drop(user.id);
  remove(user.id);
}

/** Says which permission is missing for what somebody tried to do. */
export const denied = (scope) => toast(element("span", {}, missing([scope], session.me)));

/** What is said on a button while its action runs. */
export const busyText = (action) => text(`users.doing.${action}`);

/** The one action that stands in the row: what most want to do with somebody in this state. */
export function quickAction(user) {
  if (user.suppressed) return user.suppressed.reason === "bounced" && user.state !== "accepted" ? { label: text("users.do.correct"), scope: "users:write", run: correct } : null;
  if (user.state === "pending" || user.state === "expired") return { label: text("users.do.resend"), scope: "users:invite", run: (user) => resend(user) };
  if (user.state === "revoked" || user.state === "declined") return { label: text("users.do.reactivate"), scope: "users:invite", run: reactivate };
  return null;
}

/** Everything that can be done with somebody now: [{name, label, scope, run, kind}]. */
export function actionsFor(user) {
  const open = user.state === "pending" || user.state === "expired";
  const one = (name, scope, run, kind = "plain") => ({ name, label: text(`users.do.${name}`), scope, run, kind });
  return [
    user.suppressed && one("lift", "users:write", (user) => lift(user)),
    open && one("resend", "users:invite", (user) => resend(user), user.suppressed ? "plain" : ""),
    user.state === "revoked" && one("restore", "users:write", restore),
    (user.state === "revoked" || user.state === "declined") && one("reactivate", "users:invite", reactivate),
    user.state === "pending" && one("link", "users:invite", copyLink),
    one("edit", "users:write", correct),
    open && one("revoke", "users:write", revoke),
    one("erase", "users:write", erase, "plain danger-text"),
  ].filter(Boolean);
}

// Why an action did not work, beside the person it was for, and what to do instead.

/** An alert with the reason and the way on. Only the reason is read out by itself: a button may count seconds. */
export function refusalBox(user, refusal) {
  const { problem } = refusal;
  return element("div", { class: "alert" },
    explained(sentences(problem), "p", { role: "alert" }),
    problem.request_id && problem.status >= 500 && element("p", { class: "quiet" }, text("common.reference", { id: problem.request_id })),
    element("p", { class: "ways" }, wayOn(user, refusal), button(text("common.dismiss"), () => setRefusal(user.id, null), "plain")));
}

/** {detail, hint, lang, quote}. Some codes mean the invited person on one page and the administrator on the other. */
export function sentences(problem) {
  const key = `users.problem.${codeOf(problem)}`;
  if (has(key)) return { detail: text(key), hint: "" };
  // How long to wait is what the button counts.
  return countable(problem) ? { ...explain(problem), hint: "" } : explain(problem);
}

function wayOn(user, { problem, again }) {
  switch (problem.code) {
    case "too_soon":
    case "daily_limit":
      return again && countable(problem) && countdown(problem, again);
    case "suppressed":
      return user.suppressed && session.can("users:write") && button(text("users.do.lift_and_resend"), () => liftAndResend(user));
    case "revoked":
    case "invitation_revoked":
    case "declined":
    case "invitation_declined":
      return button(text("users.do.reactivate"), () => reactivate(user));
    case "expired":
      return button(text("users.do.resend"), () => resend(user));
    case "address_taken":
      return problem.user_id && element("a", { href: hash({ user: problem.user_id }) }, text("users.open_other"));
    case "user_not_found":
      return button(text("users.do.take_off"), () => takeOff(user));
    case "mail_on_its_way":
      return again && button(text("common.retry"), again);
    default:
      return again && isPassing(problem) && button(text("common.retry"), again);
  }
}

const countable = ({ code, retry_after: seconds }) => code === "too_soon" && seconds > 0 && seconds < 600;
const button = (label, click, kind = "") => element("button", { type: "button", class: `small ${kind}`, on: { click } }, label);

// The button says how long it takes until it works, and then works. It counts by the clock, as timers of hidden tabs stop.
function countdown(problem, again) {
  problem.over ??= Date.now() + problem.retry_after * 1000;
  const made = button("", () => { if (Date.now() >= problem.over) again(); });
  const draw = () => {
    const left = Math.ceil((problem.over - Date.now()) / 1000);
    made.textContent = left > 0 ? plural("users.retry_in", left) : text("common.retry");
    if (left > 0) made.setAttribute("aria-disabled", "true");
    else made.removeAttribute("aria-disabled");
    if (left > 0 && (made.isConnected || !made.drawn)) setTimeout(draw, 1000);
    made.drawn = true;
  };
  draw();
  return made;
}
