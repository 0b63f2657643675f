// What happened to somebody and their mails, newest first, in words.
import { element, empty } from "./dom.js";
import { explain } from "./api.js";
import { dateTime, fill, has, text } from "./texts.js";
import { session } from "./sign_in.js";
import { ago, because, explained, inviter } from "./words.js";

const PAGE = 20;
const NEW_LINK = new Set(["invited", "resent", "renewed", "address_changed"]);
const LOOK = { accepted: "good", restored: "good", mail_delivered: "good", mail_bounced: "bad", mail_complained: "bad", mail_failed: "bad", revoked: "bad", declined: "bad", mail_unknown: "doubtful", mail_delayed: "doubtful", mail_put_off: "doubtful", expired: "doubtful" };

/** {element, refresh: reads it anew, soon: does so when what was just done stands in it}. */
export function makeTimeline(id) {
  const list = element("ol", { class: "timeline", tabIndex: -1 });
  const more = element("button", { type: "button", class: "plain small", hidden: true, on: { click: () => read(after) } }, text("users.history.more"));
  const problem = element("div");
  const whole = element("div", {}, list, problem, more);
  let events = [];
  let after = null;
  let timers = [];

  async function read(cursor) {
    const parameters = new URLSearchParams({ limit: PAGE, ...(cursor && { after: cursor }) });
    const answer = await session.call("GET", `/v1/users/${id}/history?${parameters}`);
    if (!whole.isConnected) return;
    empty(problem, list);
    if (!answer.ok) {
      problem.append(element("div", { class: "alert", role: "alert" }, explained(explain(answer.problem)),
        element("button", { type: "button", class: "plain small", on: { click: () => read(cursor) } }, text("common.retry"))));
      return;
    }
    const known = new Set(events.map(key));
    const fresh = answer.body.data.filter((event) => !known.has(key(event)));
    // A newer look at the beginning does not move the place from which older ones follow.
    if (cursor || events.length === 0) after = answer.body.list_metadata.after;
    if (fresh.length === 0 && events.length > 0) return;
    const focused = document.activeElement === more;
    const first = events.length;
    events = cursor ? [...events, ...fresh] : [...fresh, ...events];
    list.replaceChildren(...draw(events));
    more.hidden = !after;
    if (focused && more.hidden) focusOn(list.children[first]);
  }

  return {
    element: whole,
    refresh: () => read(null),
    // It is written a moment after what it tells.
    soon() {
      for (const timer of timers) clearTimeout(timer);
      timers = [400, 1500, 4000].map((pause) => setTimeout(() => whole.isConnected && read(null), pause));
    },
  };
}

function focusOn(item) {
  if (!item) return;
  item.tabIndex = -1;
  item.focus();
}

const key = ({ kind, at, attempt }) => `${kind} ${at} ${attempt}`;

// Drawn from the oldest, as what comes before decides what a mail means: one that follows another of which nobody knows
// whether it went may be the second with the same link.
function draw(events) {
  let doubt = false;
  const items = events.toReversed().map((event) => {
    if (NEW_LINK.has(event.kind)) doubt = false;
    const twice = doubt && event.kind === "mail_sent";
    if (event.kind === "mail_unknown") doubt = true;
    return item(event, twice);
  });
  return items.reverse();
}

function item({ kind, at, by, fields, reason }, twice) {
  const what = element("p", {}, element("strong", {}, has(`history.${kind}`) ? text(`history.${kind}`) : kind));
  const who = element("span", { class: "who-by" });
  if (by) fill(who, "users.history.by", { who: inviter(by).textContent });
  return element("li", { class: LOOK[kind] ?? "" },
    what,
    fields && element("p", {}, fields.map((field) => text(`users.detail.${field}`)).join(text("users.comma"))),
    element("p", { class: "quiet" }, element("time", { dateTime: at }, dateTime(at, { dateStyle: "medium", timeStyle: "short" })), " · ", ago(at), by && [" · ", who]),
    reason && element("p", {}, because(reason)),
    kind === "mail_unknown" && element("p", { class: "quiet" }, text("users.history.unknown")),
    twice && element("p", { class: "warning" }, text("users.history.twice")));
}
