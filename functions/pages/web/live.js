// Keeps what is shown up to date: quickly while mail is under way, rarely otherwise, and not at all while nobody looks. It
// changes rows where they stand; who is new is only announced, so that nothing moves under the pointer.
import { announce, byId } from "./dom.js";
import { plural } from "./texts.js";
import { session } from "./sign_in.js";
import { find, isUnderWay, put, setRefusal } from "./people.js";
import { address, ids, newcomers, rowOf, view } from "./list.js";
import { read } from "./place.js";

const QUICK = 2_000;
const SLOWEST = 30_000;
const QUIET = [5_000, 60_000]; // what others do is seen, too: the later, the longer nobody has touched the page
const QUICK_LOOKS = 15;
const PAGES_A_LOOK = 3;
const PEOPLE_A_LOOK = 5;
const NOBODY_THERE = 15 * 60_000;

let timer = null;
let looks = 0;
let looking = false;
let lastUse = Date.now();
const settled = new Map(); // id -> updated_at of those who are not in this list any more, who waits longest first

const watched = () => ids().some((id) => find(id) && isUnderWay(find(id))) || isOpenUnderWay();
const isOpenUnderWay = () => { const user = find(read().user); return Boolean(user && isUnderWay(user)); };
const mayLook = () => session.me && !session.over && view.ready && !read().view && !document.hidden && navigator.onLine;

/** Something was done, so something will happen soon. */
export function wake() {
  looks = 0;
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!mayLook()) return;
  const live = watched();
  const idle = Date.now() - lastUse;
  if (!live && idle > NOBODY_THERE) return;
  const pause = live ? Math.min(QUICK * 1.35 ** Math.max(0, looks - QUICK_LOOKS), SLOWEST) : Math.min(Math.max(idle / 10, QUIET[0]), QUIET[1]);
  timer = setTimeout(look, pause);
}

async function look() {
  if (looking || !mayLook()) return;
  looking = true;
  looks += 1;
  const { state, q, pages } = view;
  const same = () => state === view.state && q === view.q && pages === view.pages;
  const due = pages.filter((page, index) => index > 0 && page.onScreen && inPage(page).some((id) => isUnderWay(find(id))));
  try {
    for (const page of [pages[0], ...due.slice(0, PAGES_A_LOOK)].filter(Boolean)) {
      const answer = await session.call("GET", address(state, q, page.cursor));
      if (!same()) return;
      if (!answer.ok) break;
      await takeIn(page, answer.body.data, page === pages[0]);
    }
    const open = read().user;
    if (open && !(rowOf(open)?.page === pages[0])) await lookAt(open);
  } finally {
    looking = false;
    plan();
  }
}

const inPage = (page) => [...page.body.querySelectorAll("input")].map((box) => box.value).filter(find);

async function takeIn(page, users, first) {
  const there = new Set(users.map((user) => user.id));
  for (const user of users) if (rowOf(user.id)) put(user);
  // Who has changed is first, and then who has not been looked at for longest.
  const turns = [...settled.keys()];
  const turn = (id) => (settled.get(id) === find(id).updated_at ? turns.indexOf(id) : -1);
  const left = inPage(page).filter((id) => !there.has(id) && (isUnderWay(find(id)) || turn(id) < 0)).sort((a, b) => turn(a) - turn(b));
  for (const id of left.slice(0, PEOPLE_A_LOOK)) await lookAt(id);
  if (first) countNew(users);
}

async function lookAt(id) {
  const answer = await session.call("GET", `/v1/users/${id}`);
  if (answer.ok) put(answer.body);
  else if (answer.problem.status === 404 && find(id)) setRefusal(id, { problem: answer.problem });
  settled.delete(id);
  if (find(id)) settled.set(id, find(id).updated_at);
}

function countNew(users) {
  const { length } = newcomers(users);
  const button = byId("show-new");
  const words = length > 0 ? plural("users.new", length) : "";
  if (words && words !== button.textContent) announce(words);
  button.textContent = words;
  button.hidden = !words;
}

for (const event of ["list:new", "list:topped"]) {
  addEventListener(event, () => {
    byId("show-new").hidden = true;
    byId("show-new").textContent = "";
    settled.clear();
    wake();
  });
}
addEventListener("list:changed", plan);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
addEventListener("online", look);
addEventListener("offline", () => clearTimeout(timer));
for (const event of ["pointerdown", "keydown"]) {
  addEventListener(event, () => {
    const away = Date.now() - lastUse > NOBODY_THERE;
    lastUse = Date.now();
    if (away) look();
  });
}
