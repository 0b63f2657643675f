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

// What the API gives as a reason is English, and may quote a foreign mail server, in brackets.
const REASONS = [
  ["no_mailbox", /^There is no such mailbox\.|most likely there is no such mailbox\./],
  ["mailbox_full", /^The mailbox is full\./],
  ["may_pass", /for a reason that may pass\.|does not take the mail now\.|holds back mail from SES\./],
  ["content", /takes no mail of this size\.|did not like the mail's content\.|^SES did not want to send the mail/],
  ["spam", /^The person has called the mail spam\./],
  ["unsubscribed", /^The person has unsubscribed/],
  ["in_turn", /^Much mail is waiting|^The mail service is busy/],
  ["ended", /^The invitation ended before/],
  ["suppressed", /^(The address gets no mail|SES sends nothing to this address), since/],
  ["lost_for_good", /It is not sent again\.$|answer was lost three times/],
  ["lost", /^The mail may have gone or not/],
  ["address", /^SES refused the mail\.|^SES can't mail this address\./],
  ["template", /^The mail's template/],
  ["settings", /^What was decided/],
  ["given_up", /^SES did not take the mail in/],
  ["quota", /^SES's daily quota/],
  ["paused", /^SES has paused/],
  ["sender", /^The sender's address is not verified/],
  ["misconfigured", /^SES refused the call\.|^The mailer may not send:|^DynamoDB does/],
];

/** Why, in the page's language where that is known; whole: with the words of the mail server. */
export function because(reason, whole = true) {
  const key = `users.reason.${REASONS.find(([, pattern]) => pattern.test(reason))?.[0]}`;
  const known = has(key);
  const first = reason.split(/(?<=\.)\s/, 1)[0];
  const words = known ? element("span", {}, text(key)) : element("span", { lang: "en", dir: "ltr" }, first);
  const rest = whole && (known ? /\(.*\)$/.exec(reason)?.[0] : reason.slice(first.length).trim());
  return element("span", { class: "reason", title: whole ? null : known ? text(key) : reason }, words, rest && [" ", isolated(rest, { lang: "en", dir: "ltr" })]);
}

/** Who, by name if they have one. */
export const inviter = (by) => isolated(by?.name ?? by?.id ?? "");

/** Which permissions are missing, and who can give them. The server says the latter, but in English only. */
export function missing(scopes, me) {
  const who = me?.who_can_grant ?? "";
  const group = /\bgroup administrators\b/.test(who);
  return [text("users.needs", { scope: scopes.join(", ") }), " ", (language() === "en" && who) || text(group ? "users.denied.ask_group" : "users.denied.ask")];
}

/** The server's words, which are English, after ours. */
export const quoted = (words) => words && [" ", element("span", { lang: "en", dir: "ltr" }, words)];

/** What `explain` says, in an element. */
export const explained = ({ detail, hint, lang, quote }, tag = "p", properties = {}) =>
  element(tag, { ...properties, lang }, detail, hint && ` ${hint}`, quoted(quote));

/** An address that, if it is too long for its line, is broken before its domain. */
export const breakable = (email) => [email.slice(0, email.lastIndexOf("@") + 1), element("wbr"), email.slice(email.lastIndexOf("@") + 1)];

/** How a person is called in a sentence. */
export const called = (user) => user.name ?? user.email;
