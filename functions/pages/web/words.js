// A user in words.
import { element, isolated } from "./dom.js";
import { dateTime, has, language, relative, text } from "./texts.js";

const STATE_LOOK = { accepted: "good", expired: "waiting" };
const MAIL_LOOK = { bounced: "bad", complained: "bad", failed: "bad", unknown: "doubtful", delayed: "doubtful", suppressed: "bad" };

export const badge = (user) => element("span", { class: `badge ${STATE_LOOK[user.state] ?? ""}` }, text(`state.${user.state}`));

/** An instant as one says it ("3 min ago"), kept up to date by `tick`; exactly when it is pointed at. */
export function ago(instant) {
  return instant && element("time", { class: "ago", dateTime: instant, title: dateTime(instant) }, relative(instant, { style: "short" }));
}

/** Brings what `ago` has made up to date. */
export function tick(root) {
  for (const time of root.querySelectorAll("time.ago")) {
    const now = relative(time.dateTime, { style: "short" });
    if (time.textContent !== now) time.textContent = now;
  }
}

/** What became of the mail: words, when, and why. */
export function mail(user, { whole = false } = {}) {
  const { status, at, reason } = user.delivery;
  const words = element("span", { class: `delivery ${MAIL_LOOK[status] ?? ""}` }, text(`delivery.${status}`));
  const when = status !== "not_requested" && [text("users.comma"), ago(at)];
  return [element("span", {}, words, when), reason && because(reason, whole)];
}

// What the API gives as a reason is English, and may quote a foreign mail server. The sentences that come most often are
// in the catalogue.
const REASONS = [
  ["no_mailbox", /^There is no such mailbox\.|most likely there is no such mailbox\./],
  ["mailbox_full", /^The mailbox is full\./],
  ["may_pass", /for a reason that may pass\.|does not take the mail now\./],
  ["spam", /^The person has called the mail spam\./],
  ["in_turn", /^Much mail is waiting/],
  ["ended", /^The invitation ended before/],
  ["suppressed", /^The address gets no mail, since/],
  ["lost", /^The mail may have gone or not/],
];

/** Why, in the page's language where that is known; whole: with the words of the mail server. */
export function because(reason, whole = true) {
  const key = `users.reason.${REASONS.find(([, pattern]) => pattern.test(reason))?.[0]}`;
  const first = reason.split(/(?<=\.)\s/, 1)[0];
  const words = has(key) ? element("span", {}, text(key)) : element("span", { lang: "en", dir: "ltr" }, first);
  const rest = whole && reason.slice(first.length).trim();
  return element("span", { class: "reason", title: whole ? null : reason }, words, rest && [" ", isolated(rest, { lang: "en", dir: "ltr" })]);
}

/** Who, by name if they have one. */
export const inviter = (by) => isolated(by?.name ?? by?.id ?? "");

/** Which permissions are missing, and who can give them: in the server's words, which are English. */
export function missing(scopes, me) {
  const who = me?.who_can_grant;
  const words = who && element("span", { lang: "en", dir: "ltr" }, who);
  return [text("users.needs", { scope: scopes.join(", ") }), " ", language() === "en" && who ? words : [text("users.denied.ask"), " ", words]];
}

/** An address that, if it is too long for its line, is broken before its domain. */
export const breakable = (email) => [email.slice(0, email.lastIndexOf("@") + 1), element("wbr"), email.slice(email.lastIndexOf("@") + 1)];

/** How a person is called in a sentence. */
export const called = (user) => user.name ?? user.email;
