// Sends many invitations again: those selected, or all of a state, call by call, with what did not work row by row.
import { ask, element, empty, openDialog, toast } from "./dom.js";
import { explain, isPassing } from "./api.js";
import { has, plural, text } from "./texts.js";
import { session } from "./sign_in.js";
import { drawSelection, set } from "./many.js";
import { explained } from "./words.js";
import { wake } from "./live.js";
import { hash } from "./place.js";

const A_CALL = 500;
const MOST_SHOWN = 500;
const WORTH_REPEATING = new Set(["too_soon", "unavailable"]);
// What a call may have done whose answer was lost is not done twice: {key, until}, by the id or the state of whom it was for.
// Whoever asks for it much later wants another mail.
const doubted = new Map();
const DOUBTED_FOR = 10 * 60_000;
const doubt = (who, key) => doubted.set(who, { key, until: Date.now() + DOUBTED_FOR });
const keyFor = (who, fresh) => (doubted.get(who)?.until > Date.now() ? doubted.get(who).key : fresh);
const call = (body, idempotencyKey) => session.call("POST", "/v1/invitations/resend", body, { idempotencyKey, timeout: 60_000 });

/** Sends to those with these ids. */
export async function resendSelected(ids) {
  const sure = ids.length === 1 || await ask({
    title: plural("users.ask.selected", ids.length), body: text("users.ask.resend.text"), confirm: text("users.do.resend"),
  });
  if (sure) run(inCalls(ids), ids.length);
}

/** Sends to all in this state. `known`: how many are shown; `more`: whether there are others. */
export async function resendState(state, known, more) {
  const sure = await ask({
    title: text(`users.ask.all.${state}`),
    body: [plural(more ? "users.ask.known_and_more" : "users.ask.known", known), text("users.ask.resend.text")],
    confirm: text("users.do.resend"),
  });
  if (sure) run(ofState(state));
}

// Each step is the body of a call and its key; what it is answered decides on the next one.
function* inCalls(ids) {
  const one = crypto.randomUUID();
  for (const [key, same] of Map.groupBy(ids, (id) => keyFor(id, one))) {
    for (let from = 0; from < same.length; from += A_CALL) yield [{ ids: same.slice(from, from + A_CALL) }, key];
  }
}
function* ofState(state) {
  const key = keyFor(state, crypto.randomUUID());
  let after = null;
  do {
    const answer = yield [after ? { state, after } : { state }, key];
    after = answer.list_metadata?.after;
  } while (after);
  doubted.delete(state);
}

async function run(steps, total = null) {
  const words = element("p", { role: "status" }, text("users.bulk.running"));
  const bar = element("progress", { max: total ?? 1, "aria-label": text("users.bulk.title") });
  const body = element("div", {}, words, bar);
  const stop = element("button", { type: "button", class: "plain", on: { click: () => dialog.close("") } }, text("users.bulk.stop"));
  let open = true;
  const dialog = openDialog({ title: text("users.bulk.title"), content: [body], actions: [stop], className: "bulk", closed: () => { open = false; } });
  const sum = { total: 0, resent: 0, failed: [] };
  const progress = () => {
    if (total) bar.value = sum.total;
    words.textContent = plural("users.bulk.so_far", sum.total);
  };
  // Who is not answered for stays selected, to be sent to after all.
  let [step, lost] = [steps.next(), false];
  while (!step.done && open) {
    const [asked, key] = step.value;
    const answer = await call(asked, key);
    lost = !answer.ok && !(answer.problem.status < 500);
    if (answer.ok) {
      add(sum, answer.body);
      progress();
      wake();
      for (const id of asked.ids ?? []) {
        set(id, false);
        doubted.delete(id);
      }
      for (const { outcome, user_id } of answer.body.results) if (outcome === "unavailable" && user_id) doubt(user_id, key);
      step = steps.next(answer.body);
    } else {
      if (lost) for (const who of asked.ids ?? [asked.state]) doubt(who, key);
      if (!open || !await again(body, answer.problem)) break;
    }
  }
  drawSelection();
  finish(dialog, open, sum, step.done ? "" : text(lost ? "users.bulk.lost" : "users.bulk.stopped"));
}

function add(sum, { counts, results }) {
  sum.total += counts.total;
  sum.resent += counts.resent;
  sum.failed.push(...results.filter((row) => row.outcome !== "resent"));
}

// Whether the same call is to be made once more. What was done before is done; what comes after waits.
function again(place, problem) {
  return new Promise((resolve) => {
    const dialog = place.closest("dialog");
    const stop = dialog.querySelector("footer button");
    const decide = (value) => () => {
      empty(box, stop);
      box.remove();
      resolve(value);
    };
    const retry = element("button", { type: "button", on: { click: decide(true) } }, text("common.retry"));
    const box = element("div", { class: "alert" }, explained(explain(problem), "p", { role: "alert" }), isPassing(problem) && retry);
    if (!isPassing(problem)) stop.textContent = text("common.close");
    place.append(box);
    dialog.addEventListener("close", decide(false), { once: true });
    if (isPassing(problem)) retry.focus();
  });
}

function finish(dialog, open, sum, rest) {
  if (open) dialog.close("");
  const done = plural("users.bulk.done", sum.resent);
  if (sum.failed.length === 0) toast(`${done} ${rest}`);
  else showFailed(done, sum.failed, rest);
}

function showFailed(done, failed, rest) {
  const repeat = failed.filter((row) => WORTH_REPEATING.has(row.outcome) && row.user_id).map((row) => row.user_id);
  const rows = failed.slice(0, MOST_SHOWN).map((row) => element("tr", {},
    element("th", { scope: "row", dir: "ltr" }, row.user_id
      ? element("a", { href: hash({ user: row.user_id }), on: { click: () => dialog.close("") } }, row.email ?? row.user_id)
      : row.email ?? ""),
    element("td", { lang: has(`outcome.${row.outcome}`) ? null : "en" }, reason(row))));
  const table = element("table", { class: "results" },
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, text("users.person")), element("th", { scope: "col" }, text("users.bulk.why")))),
    element("tbody", {}, rows));
  const retry = element("button", { type: "button", on: { click: () => { dialog.close(""); run(inCalls(repeat), repeat.length); } } }, plural("users.bulk.retry", repeat.length));
  const close = element("button", { type: "button", class: "plain", on: { click: () => dialog.close("") } }, text("common.close"));
  const dialog = openDialog({
    title: text("users.bulk.result"), className: "bulk",
    content: [element("p", {}, done, " ", plural("users.bulk.failed", failed.length)), table, rest && element("p", {}, rest),
      failed.length > MOST_SHOWN && element("p", { class: "quiet" }, plural("users.bulk.unshown", failed.length - MOST_SHOWN))],
    actions: [repeat.length > 0 && retry, close].filter(Boolean),
  });
}

const reason = ({ outcome, detail }) => (has(`users.outcome.${outcome}`) ? text(`users.outcome.${outcome}`) : has(`outcome.${outcome}`) ? text(`outcome.${outcome}`) : detail ?? outcome);
