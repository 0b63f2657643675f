// The page for invited people: looks the invitation up, and then does nothing but what the person submits. It calls only
// /v1/accept and what lies below it.
import { call, explain, isPassing } from "./api.js";
import { announce, byId, toast, webAddress } from "./dom.js";
import { choose, dateTime, fill, has, language, load, offerLanguages, text } from "./texts.js";
import { complain, entitle, isBusy, present, product, setBusy, show, showMessage, showSection, shown, speakAgain, title } from "./accept_stage.js";

const SLOW = 6000;
const PATIENCE = 3000;

// The token lives in this variable only: not in the address bar, the history, the document or any storage.
let token = takeToken();
let invitation = null;
// The language that the person chose here. It goes along when they register.
let chosen = null;
// What was sent without an answer, so that it may have been done all the same.
let unanswered = new Set();
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
  return (/inv_[\w-]{86}|dec_[\w-]{64}/.exec(plain) ?? /(?:inv|dec)_[\w-]+/.exec(plain))?.[0] ?? null;
}

/** Whether the link is the mail's "not me", which leads to one question only. */
const isOnlyToDecline = () => token.startsWith("dec_");

/**
 * Reads the texts of a language. Without any, all that is left to say stands in the document; quietly, what there is in
 * another language will do.
 */
async function speak(tag, { quietly = false } = {}) {
  const known = has("common.language");
  const spoken = known && language() === tag;
  try {
    await load(tag);
  } catch {
    if (!known) showUnreached();
    else if (!quietly) toast(text("problem.offline"), { kind: "alert" });
    return known;
  } finally {
    if (has("common.language")) offerLanguages(byId("language"));
  }
  if (!spoken) speakAgain();
  return true;
}

function showUnreached() {
  showSection("unreached");
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
  byId("loading-text").textContent = "";
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
  present(invitation.product_name);
  // In the invitation's language, unless that keeps the person waiting: then it comes when it comes.
  if (!chosen) await Promise.race([speak(choose([invitation.locale, invitation.default_locale]), { quietly: true }), new Promise((resolve) => { setTimeout(resolve, PATIENCE); })]);
  if (signal.aborted) return;
  if (isOnlyToDecline()) showDeclining();
  else showInvitation();
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
  const { email } = invitation;
  byId("back").hidden = isOnlyToDecline();
  show("declining", () => {
    title("accept.decline_title");
    fill(byId("decline-text"), "accept.decline_text", { product, email });
  });
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
    // Only who has registered may go where the invitation leads; others may have an account already.
    link: onward({ redirect_url: problem.code === "invitation_already_used" ? invitation?.redirect_url : null, sign_in_url: problem.sign_in_url }),
    reference: isFinal(problem) ? null : problem.request_id,
  });
}

/** Where to go next: where the invitation says, else where people sign in. */
function onward({ redirect_url: redirect, sign_in_url: signIn }) {
  if (webAddress(redirect)) return { url: webAddress(redirect), key: "accept.continue" };
  return webAddress(signIn) && { url: webAddress(signIn), key: "accept.sign_in" };
}

/**
 * Sends a form, once at a time. A problem that can be mended or waited out leaves the form as it is; one that settles the
 * matter takes its place. If an earlier try had no answer, what it was to do may be done: then the API says `done`.
 */
async function send(form, path, body, { done, succeeded }) {
  if (isBusy()) return;
  const { signal } = visit;
  complain(form, null);
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
  complain(form, problem);
}

function accept() {
  const field = byId("name");
  const name = field.value.trim();
  byId("name-error").hidden = Boolean(name);
  field.setAttribute("aria-invalid", String(!name));
  if (!name) return field.focus();
  return send(byId("accept"), "/v1/accept", { name, locale: chosen ?? undefined }, {
    done: "invitation_already_used",
    // By the name that the answer says: which of several that were sent is the account's, only the API knows.
    succeeded: ({ user, ...rest }) => showCreated(user?.name, user?.email ?? invitation.email, onward({ ...invitation, ...rest })),
  });
}

function goBack() {
  if (isBusy() || isOnlyToDecline()) return;
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
byId("ask-decline").addEventListener("click", () => { if (!isBusy()) showDeclining(); });
byId("back").addEventListener("click", goBack);
document.addEventListener("keydown", ({ key }) => { if (key === "Escape" && shown() === "declining") goBack(); });
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
  // It may be another person's, who has chosen nothing yet.
  chosen = null;
  start();
});
// The way back from where the person went may show a page from long ago.
addEventListener("pageshow", async ({ persisted }) => {
  if (!persisted || isBusy() || shown() !== "invitation") return;
  const { signal } = visit;
  const { problem } = await lookUp(signal);
  if (problem && isFinal(problem) && !signal.aborted && !isBusy()) showProblem(problem);
});
// Looking up changes nothing, so it need not wait for the person.
addEventListener("online", () => { if (!byId("retry").hidden && shown() === "message") start(); });

start();
