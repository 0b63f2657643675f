// The page for invited people: looks the invitation up, and then does nothing but what the person submits. It calls only
// /v1/accept and what lies below it.
import { call, explain, isPassing } from "./api.js";
import { announce, byId, toast, webAddress } from "./dom.js";
import { apply, choose, dateTime, fill, has, language, load, offerLanguages, text } from "./texts.js";

const product = document.querySelector('meta[name="usher:product_name"]').content;
const main = document.querySelector("main");
const SLOW = 6000;

// The token lives in this variable only: not in the address bar, the history, the document or any storage.
let token = takeToken();
let invitation = null;
// The language that the person chose here. It goes along when they register.
let chosen = null;
// What was sent without an answer, so that it may have been done all the same.
let unanswered = new Set();
// Says what is shown once more, in whatever language the page has by now.
let describe = () => {};
// The problem in the alert of the form that is shown.
let complaint = null;
let busy = false;
// Ends what is under way when another invitation is opened.
let visit = new AbortController();

/** Takes the token out of the fragment, whatever a mail program or a person has put around it. */
function takeToken() {
  const { hash, pathname, search } = location;
  if (!hash) return null;
  history.replaceState(null, "", pathname + search);
  let plain = hash;
  try {
    plain = decodeURIComponent(hash);
  } catch { /* junk that is no encoding: read as it is */ }
  plain = plain.replace(/\s+/g, "");
  return (/inv_[\w-]{86}/.exec(plain) ?? /inv_[\w-]+/.exec(plain))?.[0] ?? null;
}

/** Shows one section. `say` fills it, and is called again when the language changes. */
function show(view, say, sign = "") {
  const first = !main.dataset.view;
  main.dataset.view = view;
  main.dataset.sign = sign;
  for (const section of main.querySelectorAll(":scope > section")) section.hidden = section.id !== view;
  complaint = null;
  describe = say;
  speakAgain();
  if (first && view === "loading") return;
  byId("title").focus({ preventScroll: true });
  scrollTo(0, 0);
}

function speakAgain() {
  apply();
  nameButtons();
  describe();
  showComplaint();
}

function title(key, values = {}) {
  fill(byId("title"), key, values);
  entitle(text(key, values), Object.values(values).includes(product));
}

function entitle(plain, complete = false) {
  document.title = complete ? plain : text("common.page_title", { title: plain, product });
}

/** Reads the texts of a language. Without any, all that is left to say stands in the document. */
async function speak(tag) {
  const known = has("common.language");
  if (known && language() === tag) return true;
  try {
    await load(tag);
  } catch {
    if (!known) showUnreached();
    else toast(text("problem.offline"), { kind: "alert" });
    return known;
  } finally {
    if (has("common.language")) offerLanguages(byId("language"));
  }
  speakAgain();
  return true;
}

function showUnreached() {
  main.dataset.view = "unreached";
  for (const section of main.querySelectorAll(":scope > section")) section.hidden = section.id !== "unreached";
  byId("reload").hidden = false;
}

async function start() {
  visit.abort();
  visit = new AbortController();
  const { signal } = visit;
  invitation = null;
  unanswered = new Set();
  setBusy(null);
  byId("name").value = "";
  byId("name").dir = "";
  // Both at once: on a slow network each way there and back counts.
  const answer = token && lookUp(signal);
  if (!(await speak(has("common.language") ? language() : choose())) || signal.aborted) return;
  if (!token) return showNoToken();
  show("loading", () => {
    entitle(text("accept.loading"));
    fill(byId("title"), "accept.loading");
  });
  const slow = setTimeout(() => { byId("loading-text").textContent = text("accept.slow"); }, SLOW);
  const { body, problem } = await answer;
  clearTimeout(slow);
  byId("loading-text").textContent = "";
  if (signal.aborted) return;
  if (problem) return showProblem(problem);
  invitation = body;
  if (!chosen) await speak(choose([invitation.locale]));
  if (!signal.aborted) showInvitation();
}

const lookUp = (signal) => call("POST", "/v1/accept/lookup", { token }, { signal });

function showInvitation() {
  const { email, name, inviter, message, expires_at: expires } = invitation;
  byId("note").hidden = !message;
  byId("note-text").textContent = message ?? "";
  byId("name-hint").hidden = !name;
  byId("name-error").hidden = true;
  byId("name").removeAttribute("aria-invalid");
  show("invitation", () => {
    if (inviter?.name) title("accept.title_from", { inviter: inviter.name, product });
    else title("accept.title", { product });
    fill(byId("invited"), "accept.invited", { email });
    fill(byId("name-hint"), "accept.name_hint", { name });
    fill(byId("expires"), "accept.expires", { date: dateTime(expires) });
  });
}

function showDeclining() {
  show("declining", () => {
    title("accept.decline_title");
    fill(byId("decline-text"), "accept.decline_text", { product, email: invitation.email });
  });
}

/** A page of its own with what happened, what to do, and at most one way on: a form, a button or a link. */
function showMessage({ sign, say, hint, renew = false, retry = false, link = null, reference = null }) {
  byId("renew").hidden = !renew;
  byId("retry").hidden = !retry;
  byId("onward").hidden = !link;
  byId("message-hint").hidden = !hint;
  byId("reference").hidden = !reference;
  if (link) byId("onward").href = link.url;
  show("message", () => {
    say(byId("message-text"));
    if (hint) hint(byId("message-hint"));
    if (link) fill(byId("onward"), link.key, { product });
    if (reference) byId("reference").textContent = text("common.reference", { id: reference });
  }, sign);
}

function showNoToken() {
  showMessage({
    sign: "link",
    say: (place) => {
      title("accept.no_token_title");
      fill(place, "accept.no_token");
    },
    hint: (place) => fill(place, "accept.no_token_hint"),
  });
}

function showCreated(name, email, link) {
  showMessage({
    sign: "good", link,
    say: (place) => {
      if (name) title("accept.created_title_named", { name });
      else title("accept.created_title");
      fill(place, "accept.created", { product, email });
    },
    hint: link ? null : (place) => fill(place, "accept.close"),
  });
}

const showDeclined = () => showMessage({
  sign: "good",
  say: (place) => {
    title("accept.declined_title");
    fill(place, "accept.declined");
  },
  hint: (place) => fill(place, "accept.close"),
});

const showRenewed = () => showMessage({
  sign: "mail",
  say: (place) => {
    title("accept.renewed_title");
    fill(place, "accept.renewed");
  },
  hint: (place) => fill(place, "accept.close"),
});

const SIGNS = { invitation_expired: "time", invitation_not_found: "link", invitation_revoked: "stop", invitation_declined: "stop", invitation_already_used: "good", invitation_still_valid: "mail", address_taken: "good" };

/** Whether this settles the matter, so that there is nothing to be tried again. */
const isFinal = (problem) => Object.hasOwn(SIGNS, problem.code ?? "");

function showProblem(problem) {
  const explained = () => explain(problem, "accept.problem");
  const put = (place, words, lang) => {
    place.textContent = words;
    place.lang = lang ?? language();
  };
  showMessage({
    sign: SIGNS[problem.code] ?? "link",
    say: (place) => {
      const { title: heading, detail, lang } = explained();
      byId("title").textContent = heading;
      entitle(heading);
      put(place, detail, lang);
    },
    hint: explained().hint ? (place) => put(place, explained().hint, explained().lang) : null,
    renew: problem.code === "invitation_expired",
    retry: !isFinal(problem),
    link: problem.code === "invitation_already_used" ? onward({ ...invitation, ...problem }) : null,
    reference: isFinal(problem) ? null : problem.request_id,
  });
}

/** Where to go next: where the invitation says, else where people sign in. */
function onward({ redirect_url: redirect, sign_in_url: signIn }) {
  if (webAddress(redirect)) return { url: webAddress(redirect), key: "accept.continue" };
  return webAddress(signIn) && { url: webAddress(signIn), key: "accept.sign_in" };
}

// In the alert of the form that was sent, which stays as it is. `apply` must not fill it, since only we know the problem.
function showComplaint() {
  const alerts = main.querySelectorAll(".alert");
  for (const alert of alerts) alert.hidden = !complaint || alert.closest("form") !== complaint.form;
  if (!complaint) return;
  const { problem, form } = complaint;
  const { detail, hint, lang } = explain(problem, "accept.problem");
  const reference = problem.request_id && problem.status >= 500 && text("common.reference", { id: problem.request_id });
  form.querySelector(".alert").replaceChildren(...[detail, hint, reference].filter(Boolean).map((words) => {
    const line = document.createElement("p");
    line.textContent = words;
    line.lang = lang ?? language();
    return line;
  }));
}

/** Marks a form as under way, or all as not. Its button keeps the focus: it is only marked as disabled. */
function setBusy(form) {
  busy = Boolean(form);
  for (const button of main.querySelectorAll("form [data-busy]")) {
    if (button.form === form) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  nameButtons();
}

function nameButtons() {
  for (const button of main.querySelectorAll("form [data-busy]")) {
    button.textContent = text(button.ariaDisabled ? button.dataset.busy : button.dataset.text);
  }
}

/**
 * Sends a form, once at a time. A problem that can be mended or waited out leaves the form as it is; one that settles the
 * matter takes its place. If an earlier try had no answer, what it was to do may be done: then the API says `done`.
 */
async function send(form, path, body, { done, succeeded }) {
  if (busy) return;
  const { signal } = visit;
  complaint = null;
  showComplaint();
  setBusy(form);
  announce(text(form.querySelector("[data-busy]").dataset.busy));
  let waiting;
  const slow = setTimeout(() => { waiting = toast(text("accept.slow"), { seconds: 60 }); }, SLOW);
  const { body: answer, problem } = await call("POST", path, { token, ...body }, { signal });
  clearTimeout(slow);
  waiting?.remove();
  if (signal.aborted) return;
  setBusy(null);
  if (!problem) return succeeded(answer);
  if (unanswered.has(path) && done === problem.code) return succeeded(problem);
  if (isPassing(problem) && problem.status !== 429) unanswered.add(path);
  if (isFinal(problem)) return showProblem(problem);
  complaint = { form, problem };
  showComplaint();
  form.querySelector(".alert").scrollIntoView({ block: "nearest" });
}

function accept() {
  const field = byId("name");
  const name = field.value.trim();
  byId("name-error").hidden = Boolean(name);
  field.setAttribute("aria-invalid", String(!name));
  if (!name) return field.focus();
  return send(byId("accept"), "/v1/accept", { name, locale: chosen ?? undefined }, {
    done: "invitation_already_used",
    succeeded: ({ user, ...rest }) => showCreated(user?.name ?? name, user?.email ?? invitation.email, onward({ ...invitation, ...rest })),
  });
}

function goBack() {
  if (busy) return;
  showInvitation();
  byId("ask-decline").focus();
}

byId("accept").addEventListener("submit", (event) => {
  event.preventDefault();
  accept();
});
byId("decline").addEventListener("submit", (event) => {
  event.preventDefault();
  send(byId("decline"), "/v1/accept/decline", {}, { done: "invitation_declined", succeeded: showDeclined });
});
byId("renew").addEventListener("submit", (event) => {
  event.preventDefault();
  send(byId("renew"), "/v1/accept/renew", {}, { done: "invitation_not_found", succeeded: showRenewed });
});
byId("name").addEventListener("input", ({ target }) => {
  // The direction of the name; while there is none, the page's.
  target.dir = target.value ? "auto" : "";
  byId("name-error").hidden = true;
  byId("name").removeAttribute("aria-invalid");
});
byId("ask-decline").addEventListener("click", () => { if (!busy) showDeclining(); });
byId("back").addEventListener("click", goBack);
document.addEventListener("keydown", ({ key }) => { if (key === "Escape" && main.dataset.view === "declining") goBack(); });
byId("retry").addEventListener("click", start);
byId("reload").addEventListener("click", start);
byId("language").addEventListener("change", async ({ target }) => {
  chosen = target.value;
  await speak(chosen);
});

// Another invitation opened in this tab changes only the fragment. All begins anew, so that never one is shown and
// another one accepted.
addEventListener("hashchange", () => {
  const other = takeToken();
  if (!other) return;
  token = other;
  start();
});
// The way back from where the person went may show a page from long ago.
addEventListener("pageshow", async ({ persisted }) => {
  if (!persisted || busy || main.dataset.view !== "invitation") return;
  const { signal } = visit;
  const { problem } = await lookUp(signal);
  if (problem && isFinal(problem) && !signal.aborted && !busy) showProblem(problem);
});
// Looking up changes nothing, so it need not wait for the person.
addEventListener("online", () => { if (!byId("retry").hidden && main.dataset.view === "message") start(); });

start();
