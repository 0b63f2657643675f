// The list of people: page by page below each other, so that nobody loses their place.
import { announce, byId, element, empty } from "./dom.js";
import { explain } from "./api.js";
import { plural, text } from "./texts.js";
import { session } from "./sign_in.js";
import { find, keepOnly, put, watch } from "./people.js";
import { makeRow } from "./row.js";
import { explained, tick } from "./words.js";
import { go, read } from "./place.js";
import { showEmpty } from "./notices.js";

const PAGE = 50;
const table = byId("table");

/** What is shown: {state, q}, and for each page of it the cursor that led there. */
export const view = { state: "", q: "", pages: [], after: null, ready: false };
const rows = new Map(); // id -> {tr, box, link, draw, page}
let asking = null; // the first page's request; a newer one ends it
let asksMore = false;

const onScreen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.page.onScreen = isIntersecting;
    if (isIntersecting) tick(target);
  }
}, { rootMargin: "200px" });

export const shown = () => rows.size;
export const rowOf = (id) => rows.get(id);
export const ids = () => [...rows.keys()];
/** Everybody shown, from the top. */
export const inOrder = () => [...table.querySelectorAll("tbody input")].map((box) => box.value);

export function address(state, q, after, limit = PAGE) {
  const parameters = Object.entries({ state, q, limit, after }).filter(([, value]) => value);
  return `/v1/users?${new URLSearchParams(parameters)}`;
}

/** Shows the list from its beginning. Until it has come, the old one stays. Resolves to the problem, if there is one. */
export async function show({ state, q }) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  table.setAttribute("aria-busy", "true");
  empty(byId("list-problem"), byId("main"));
  const answer = await session.call("GET", address(state, q), undefined, { signal });
  if (signal.aborted || answer.problem?.aborted || !await session.known) return null;
  table.removeAttribute("aria-busy");
  if (!answer.ok) {
    // A list of something else than the tab says would be worse than none.
    if (state !== view.state || q !== view.q) clear();
    showProblem(byId("list-problem"), answer.problem, () => show({ state, q }));
    drawFrame();
    return answer.problem;
  }
  Object.assign(view, { state, q, ready: true });
  clear();
  take(answer.body, null);
  drawFrame();
  announce(rows.size > 0 ? countText() : text("users.nobody"));
  return null;
}

function clear() {
  onScreen.disconnect();
  for (const body of table.tBodies) body.replaceChildren();
  for (const body of [...table.tBodies]) body.remove();
  rows.clear();
  byId("more-problem").replaceChildren();
  Object.assign(view, { pages: [], after: null });
  keepOnly(new Set([read().user]));
  dispatchEvent(new Event("list:new"));
}

// Draws a page and remembers how to ask for it again.
function take(answer, cursor, { first = false } = {}) {
  const users = answer.data.map(put).filter((user) => !rows.has(user.id));
  const body = element("tbody", { role: "rowgroup" });
  const page = { cursor, body, onScreen: false };
  body.page = page;
  for (const user of users) {
    const row = makeRow(user.id);
    rows.set(user.id, { ...row, page });
    body.append(row.tr);
  }
  if (first) {
    table.tHead.after(body);
    view.pages = [page, ...view.pages];
    // What was the first page begins below them now.
    if (view.pages[1]) view.pages[1].cursor = answer.list_metadata.after;
  } else {
    table.append(body);
    view.pages.push(page);
    view.after = answer.list_metadata.after;
  }
  onScreen.observe(body);
  return users;
}

const countText = () => plural(view.after ? "users.shown_of_more" : "users.shown", rows.size);

/** Draws what stands around the rows. */
export function drawFrame() {
  const some = rows.size > 0;
  table.hidden = !some;
  byId("count").textContent = some ? countText() : "";
  byId("more").hidden = !view.after;
  const failed = byId("list-problem").childElementCount > 0;
  byId("empty").hidden = some || failed || !view.ready;
  if (!byId("empty").hidden) showEmpty(byId("empty"), view);
  dispatchEvent(new Event("list:changed"));
}

/** Draws everything anew, as in another language. */
export function redraw() {
  for (const row of rows.values()) row.draw();
  drawFrame();
}

function showProblem(place, problem, again) {
  const words = explain(problem);
  place.replaceChildren(element("div", { class: "alert", role: "alert" },
    element("p", {}, element("strong", {}, words.title)),
    explained(words),
    problem.request_id && element("p", { class: "quiet" }, text("common.reference", { id: problem.request_id })),
    element("button", { type: "button", class: "plain", on: { click: again } }, text("common.retry"))));
}

/** Appends the next page. The focus stays where it is, unless the button goes away under it. */
export async function more() {
  if (asksMore || !view.after) return;
  asksMore = true;
  const [button, { signal }, cursor] = [byId("more"), asking, view.after];
  button.setAttribute("aria-disabled", "true");
  button.textContent = text("common.loading");
  empty(byId("more-problem"), button);
  const answer = await session.call("GET", address(view.state, view.q, cursor), undefined, { signal });
  asksMore = false;
  button.removeAttribute("aria-disabled");
  button.textContent = text("users.more");
  if (signal.aborted || answer.problem?.aborted) return;
  if (!answer.ok) return showProblem(byId("more-problem"), answer.problem, more);
  const focused = document.activeElement === button;
  const users = take(answer.body, cursor);
  drawFrame();
  if (focused && button.hidden && users.length > 0) rows.get(users[0].id).link.focus({ preventScroll: true });
  announce(plural("users.added", users.length));
}

/**
 * Those of the newest who are not shown. Where people have left the list, others whom nobody has loaded yet stand at the
 * page's end: these are not new.
 */
export function newcomers(users) {
  const lastShown = users.findLastIndex((user) => rows.has(user.id));
  return users.filter((user, index) => !rows.has(user.id) && (index < lastShown || lastShown < 0 || !view.after));
}

/** Puts people who were invited meanwhile on top, on demand, and goes there. */
export async function showNew({ goThere = true } = {}) {
  const { state, q } = view;
  const { signal } = asking;
  empty(byId("list-problem"), byId("main"));
  const ask = (limit) => session.call("GET", address(state, q, null, limit), undefined, { signal });
  let answer = await ask();
  const users = answer.body?.data ?? [];
  const touches = users.some((user) => rows.has(user.id));
  const count = touches ? users.lastIndexOf(newcomers(users).at(-1)) + 1 : 0;
  // Asked for alone, as the cursor behind them is the one that leads to what is shown already.
  if (count > 0) answer = await ask(count);
  if (signal.aborted || answer.problem?.aborted) return;
  if (!answer.ok) return showProblem(byId("list-problem"), answer.problem, () => showNew({ goThere }));
  if (!touches) await show({ state, q });
  else if (count > 0) take(answer.body, null, { first: true });
  drawFrame();
  dispatchEvent(new Event("list:topped"));
  if (!goThere) return;
  scrollTo({ top: 0 });
  table.querySelector("tbody a")?.focus({ preventScroll: true });
}

/** Takes an erased person off the list; the focus goes to whoever stood below. */
export function remove(id) {
  const row = rows.get(id);
  if (!row) return;
  const all = inOrder();
  const next = all[all.indexOf(id) + 1] ?? all[all.indexOf(id) - 1];
  row.tr.remove();
  rows.delete(id);
  drawFrame();
  (rows.get(next)?.link ?? byId("invite")).focus();
}

watch((id) => { if (find(id)) rows.get(id)?.draw(); });
byId("more").addEventListener("click", more);
byId("show-new").addEventListener("click", () => showNew());

// A row opens its person wherever it is clicked, except where it does something else.
table.addEventListener("click", (event) => {
  const row = event.target.closest("tbody tr");
  if (!row || event.target.closest("a, button, label, input, .refusal") || getSelection().toString()) return;
  go({ user: row.querySelector("input").value });
});

setInterval(() => {
  if (document.hidden) return;
  for (const body of table.tBodies) if (body.page.onScreen) tick(body);
}, 10_000);
