// The page on which administrators see who was invited, and invite.
import { byId, element, openDialog, toast } from "./dom.js";
import { explain } from "./api.js";
import { apply, choose, fill, load, need, offerLanguages, text } from "./texts.js";
import { canSignIn, comeBack, forget, isConfigured, memory, mine, session, signIn, signOut, wasSignedIn, whenEnded } from "./sign_in.js";
import { STATES, VIEWS, go, hash, onPlace, read } from "./place.js";
import { redraw, show, showNew, view } from "./list.js";
import { follow, redrawPerson } from "./person.js";
import { drawSelection } from "./many.js";
import { askDoctor, drawHealth } from "./notices.js";
import { wake } from "./live.js";
import { missing, quoted } from "./words.js";
import { denied } from "./actions.js";

const product = document.querySelector('meta[name="usher:product_name"]').content;
const LANGUAGE = "usher.language";
const preference = {
  get() { try { return localStorage.getItem(LANGUAGE); } catch { return null; } },
  set(tag) { try { localStorage.setItem(LANGUAGE, tag); } catch { /* then it holds until the page is left */ } },
};
let redrawGate = () => {};

async function start() {
  if (isInvitation()) return toAcceptPage();
  // First of all, as it takes the code off the address bar.
  const coming = comeBack();
  try {
    await load(choose([preference.get()])).catch(() => load("en"));
  } catch {
    byId("main").dataset.loaded = "false";
    byId("reload").addEventListener("click", (event) => {
      event.preventDefault();
      location.reload();
    });
    return;
  }
  byId("main").dataset.loaded = "true";
  drawTexts();
  if (!isConfigured()) return gate("not_configured");
  if (!canSignIn()) return gate("insecure");
  const back = await coming;
  if (back.refused) return gate(back.refused === "access_denied" ? "denied" : "refused", { error: back.refused });
  if (back.offline) return gate("offline");
  if (back.signedIn) return enter();
  if (wasSignedIn()) return leaveForIssuer();
  return gate("welcome");
}

function drawTexts() {
  apply();
  drawViews(read());
  offerLanguages(byId("language"));
  byId("states").replaceChildren(element("ul", {}, ["", ...STATES].map((state) => element("li", {}, element("a", { dataset: { state } }, text(`users.tab.${state || "all"}`))))));
  drawTabs(read());
  drawConnection();
}

function drawTabs({ state }) {
  for (const link of byId("states").querySelectorAll("a")) {
    link.href = hash({ state: link.dataset.state, user: "", view: "" });
    if (link.dataset.state === state) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const NAMES = { "": "users.heading", mail: "users.mail", settings: "users.settings" };

function drawViews({ view: now }) {
  document.title = text("common.page_title", { title: text(now ? NAMES[now] : "users.title"), product });
  const link = (view) => element("a", { href: view ? hash({ view, on: "" }) : hash({ state: wanted?.state, q: wanted?.q, user: "", view: "" }), "aria-current": view === now ? "page" : null }, text(NAMES[view]));
  byId("views").replaceChildren(...["", ...VIEWS].map(link));
  byId("views").hidden = !session.can("settings:write");
}

// --- Before and without a sign-in ---

function gate(kind, values = {}) {
  redrawGate = () => {
    const title = element("h2", { tabIndex: -1 });
    const body = element("p");
    fill(title, `users.gate.${kind}.title`, { product, ...values });
    fill(body, `users.gate.${kind}`, { product, ...values });
    body.append(...quoted(values.quote) || []);
    const way = GATES[kind] ?? GATES.welcome;
    byId("gate").replaceChildren(title, body, ...way());
    return title;
  };
  for (const id of ["users", "view", "views", "search", "invite", "account"]) byId(id).hidden = true;
  byId("loading").hidden = true;
  byId("gate").hidden = false;
  const title = redrawGate();
  if (kind !== "welcome") title.focus();
}

const invited = () => element("p", { class: "quiet" }, text("users.gate.invited"));
const signInButton = () => {
  const button = element("button", { type: "button", class: "big", on: { click: () => leaveForIssuer(button) } }, text("users.sign_in"));
  return button;
};
const GATES = {
  welcome: () => [signInButton(), invited()],
  insecure: () => [invited()],
  not_configured: () => [
    element("ul", {}, ["SignInClientId", "SignInAuthorizeUrl", "SignInTokenUrl"].map((name) => element("li", {}, element("code", { dir: "ltr" }, name)))),
    element("p", {}, text("users.gate.not_configured.hint")),
    invited(),
  ],
};

async function leaveForIssuer(button) {
  button?.setAttribute("aria-disabled", "true");
  byId("main").setAttribute("aria-busy", "true");
  await signIn(location.hash);
}

// A page that the browser brings back from where the issuer was has a button that does nothing any more.
addEventListener("pageshow", (event) => { if (event.persisted && !session.me) location.reload(); });

let endedShown = false;
whenEnded(() => {
  if (endedShown || !session.me) return;
  endedShown = true;
  const again = element("button", { type: "button", autofocus: true, on: { click: () => leaveForIssuer(again) } }, text("users.ended.again"));
  openDialog({ title: text("users.ended.title"), content: [element("p", {}, text("users.ended.text"))], actions: [again], className: "ask ended", closed: () => { endedShown = false; } });
});

// --- Signed in ---

// The list is asked for together with who asks and what the mail doctor says, and drawn when the first is known and the
// second, too, if that does not take long: it stands above the list and would push it down.
async function enter() {
  byId("gate").hidden = true;
  byId("loading").hidden = false;
  const { state, q, view } = read();
  // The place may have come back from the issuer only now.
  drawTabs({ state });
  wanted = view ? null : { state, q };
  byId("q").value = q;
  const me = session.call("GET", "/v1/me");
  session.known = me.then(async ({ ok, body }) => {
    session.me = ok ? body : null;
    if (!session.can("users:read")) return false;
    drawNotices();
    await Promise.race([askDoctor(byId("health")), new Promise((resolve) => { setTimeout(resolve, 500); })]);
    return true;
  });
  const listed = view ? null : show({ state, q });
  const answer = await me;
  if (!answer.ok) return failedToEnter(answer.problem);
  drawMe();
  const may = await session.known;
  for (const [id, hidden] of [["loading", true], ["account", false]]) byId(id).hidden = hidden;
  drawViews(read());
  byId("invite").hidden = !may;
  if (read().view) await showView(read());
  else if (!may) return withoutPermission();
  else {
    for (const id of ["users", "search"]) byId(id).hidden = false;
    await listed;
    follow(read());
  }
  if (memory.get(mine(INVITING))) invite();
  memory.drop(mine(INVITING));
}

function failedToEnter(problem) {
  if (problem.status === 401) {
    forget();
    return gate("not_accepted");
  }
  gate(problem.offline || problem.timed_out ? "offline" : "failed", explain(problem));
}

function withoutPermission() {
  redrawGate = () => {
    const title = element("h2", { tabIndex: -1 });
    fill(title, "users.denied.title", { name: session.me.name || session.me.id });
    const again = element("button", { type: "button", on: { click: () => leaveForIssuer(again) } }, text("users.denied.again"));
    byId("gate").replaceChildren(title, element("p", {}, text("users.denied.purpose")), element("p", { class: "note" }, missing(["users:read"], session.me)), element("p", { class: "ways" }, again), invited());
    return title;
  };
  byId("gate").hidden = false;
  redrawGate().focus();
}

function drawMe() {
  fill(byId("who"), "users.signed_in_as", { name: session.me.name || session.me.id });
}

// With read but not more: said once above the list; the buttons say it too.
function drawNotices() {
  const lacking = ["users:invite", "users:write"].filter((scope) => !session.can(scope));
  byId("notices").replaceChildren(
    lacking.length > 0 ? element("p", { class: "note" }, missing(lacking, session.me)) : "",
    element("div", { id: "health" }));
  const invite = byId("invite");
  const can = session.can("users:invite");
  invite.classList.toggle("denied", !can);
  invite.title = can ? "" : text("users.needs", { scope: "users:invite" });
  if (can) invite.removeAttribute("aria-disabled");
  else invite.setAttribute("aria-disabled", "true");
  drawHealth(byId("health"));
}

async function invite(file) {
  if (!session.can("users:invite")) return denied("users:invite");
  const opened = await loadInvite().catch(() => null);
  if (!opened) return toast(explain({ offline: true }).detail, { kind: "alert", action: { label: text("common.retry"), run: () => invite(file) } });
  opened.openInvite({ session, file, onDone: invitedSome });
}

// A file that is let go anywhere on the page is a list of people, and must not take the page's place.
for (const event of ["dragover", "drop"]) {
  addEventListener(event, (event) => {
    if (event.defaultPrevented || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (event.type === "drop" && file && session.me) invite(file);
  });
}

// The dialog is as large as the rest of the page, so it comes when somebody reaches for it; then all of it at once, so that
// no module has to wait for one that names it.
const INVITE = ["invite_box", "invite_options", "invite_results", "invite_rows", "invite_send", "invite_table", "paste", "csv"];
let style = null;
function loadInvite() {
  style ??= new Promise((resolve, reject) => {
    const preloads = INVITE.map((name) => element("link", { rel: "modulepreload", href: new URL(`./${name}.js`, import.meta.url).href }));
    const sheet = element("link", { rel: "stylesheet", href: new URL("./invite.css", import.meta.url).href, on: { load: resolve, error: reject } });
    document.head.append(...preloads, sheet);
  }).catch((error) => {
    style = null;
    throw error;
  });
  return Promise.all([import("./invite.js"), style, need("invite"), need("health").catch(() => {})]).then(([module]) => module);
}
for (const event of ["pointerenter", "focus"]) {
  byId("invite").addEventListener(event, () => { if (session.can("users:invite")) loadInvite().catch(() => {}); }, { once: true });
}

// Who was inviting when their sign-in ended goes on there.
const INVITING = "usher.inviting";
session.beforeLeave(() => memory.set(mine(INVITING), Boolean(document.querySelector("dialog.invite"))));

async function invitedSome() {
  wake();
  if (view.pages.length > 0 && view.pages[0].body.childElementCount > 0) await showNew({ goThere: false });
  else await show(read());
  askDoctor(byId("health"));
}

byId("invite").addEventListener("click", () => invite());
byId("sign-out").addEventListener("click", () => {
  if (signOut()) return;
  session.me = null;
  location.replace("/");
});
byId("language").addEventListener("change", async (event) => {
  const tag = event.target.value;
  try {
    await load(tag);
  } catch {
    event.target.value = document.documentElement.lang;
    return toast(explain({ offline: true }).detail, { kind: "alert" });
  }
  preference.set(tag);
  drawTexts();
  if (!byId("gate").hidden) redrawGate();
  if (!session.me) return;
  drawMe();
  if (session.can("users:read")) {
    drawNotices();
    redraw();
    drawSelection();
    redrawPerson();
  }
  if (read().view) await showView(read());
  else if (byId("users").hidden) return;
  byId("account").focus();
});

// --- Mail and settings, which come when somebody goes there ---

let views = null;

async function showView(place) {
  for (const id of ["users", "search", "gate"]) byId(id).hidden = true;
  byId("view").hidden = false;
  views ??= await import("./views.js").catch(() => null);
  if (views) return views.showView(place, text(NAMES[place.view]), leaveForIssuer);
  const again = element("button", { type: "button", class: "plain small", on: { click: () => showView(read()) } }, text("common.retry"));
  return byId("view").replaceChildren(element("div", { class: "alert", role: "alert" }, element("p", {}, explain({ offline: true }).detail), again));
}

function leaveView() {
  views?.leaveView();
  byId("view").hidden = true;
}

// --- Search and tabs ---

let typing = null;
const search = () => {
  clearTimeout(typing);
  typing = null;
  const q = byId("q").value.trim();
  if (q !== read().q) go({ q }, { replace: true });
};
byId("q").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 250);
});
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});

onPlace((place) => {
  // What was typed a moment ago is searched for in the new place.
  if (typing && place.q === wanted?.q && byId("q").value.trim() !== place.q) return search();
  drawTabs(place);
  if (!session.me) return;
  drawViews(place);
  if (place.view) return showView(place);
  const back = !byId("view").hidden;
  leaveView();
  if (!session.can("users:read")) return withoutPermission();
  for (const id of ["users", "search"]) byId(id).hidden = false;
  if (byId("q").value.trim() !== place.q) byId("q").value = place.q;
  if (place.state === wanted?.state && place.q === wanted.q) return back && wake();
  wanted = place;
  show(place);
});
let wanted = read();

// --- The connection ---

const drawConnection = () => {
  byId("connection").hidden = navigator.onLine;
  byId("connection").textContent = navigator.onLine ? "" : text("users.offline");
};
addEventListener("online", drawConnection);
addEventListener("offline", drawConnection);

// Somebody invited whose link was cut short to the wrong page.
const isInvitation = () => /^#(inv|dec)_/.test(location.hash);
const toAcceptPage = () => location.replace(`/accept${location.hash}`);
addEventListener("hashchange", () => { if (isInvitation()) toAcceptPage(); });

start();
