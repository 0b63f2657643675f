// What the page for invited people does: see the functions below. It calls nothing but /v1/accept.
"use strict";

const TEXTS = {
  en: {
    pageTitle: "Invitation",
    loading: "Looking up your invitation …",
    titleFrom: "{inviter} invites you to {product}",
    title: "You’re invited to {product}",
    invited: "The invitation is for {email}.",
    noteLabel: "A personal note for you",
    note: "“{message}”",
    nameLabel: "Your name",
    accept: "Create account",
    accepting: "Creating your account …",
    expires: "Valid until {date}.",
    decline: "Not me, do not invite me again",
    declineTitle: "Decline this invitation?",
    declineText: "This link will stop working, and {product} will send no more invitations to {email}.",
    declineConfirm: "Yes, do not invite me again",
    declining: "Declining …",
    back: "Back to the invitation",
    acceptedTitle: "Your account is ready",
    acceptedNamedTitle: "Welcome, {name}!",
    acceptedText: "Your account for {product} has been created with the address {email}.",
    continue: "Continue to {product}",
    close: "You can close this page.",
    declinedTitle: "You will not be invited again",
    declinedText: "We have declined the invitation. You can close this page.",
    renew: "Send me a fresh link",
    renewing: "Sending …",
    renewedTitle: "A fresh link is on its way",
    renewedText: "We send it to the address that was invited. Please look into your inbox, and into the spam folder if nothing arrives within a few minutes.",
    retry: "Try again",
    noTokenTitle: "Please open your link again",
    noTokenText: "This page works only when you open it with the link from your invitation e-mail. The link does not stay in the address bar, so that nobody can read it there. Go back to the e-mail and open it once more.",
    offlineTitle: "No connection",
    offline: "We could not reach the server. Please check your connection and try again.",
    slowDown: "That was a little too soon. Please try again {wait}.",
    later: "in a moment",
    failedTitle: "That did not work",
    failed: "Something went wrong on our side. Please try again in a moment.",
    reference: "Reference for support: {id}",
    invitation_not_found: ["This link is not valid", "It may be incomplete, or a newer invitation has replaced it. Please open the link in the latest e-mail you received from us."],
    invitation_expired: ["This link has expired", "You can have a fresh link sent to the address that was invited."],
    invitation_revoked: ["This invitation was withdrawn", "If you think that is a mistake, please ask the person who invited you."],
    invitation_declined: ["This invitation was declined", "If you have changed your mind, please ask the person who invited you for a new invitation."],
    invitation_already_used: ["Your account already exists", "This link has done its work: it can be used only once. You can simply sign in."],
  },
  de: {
    pageTitle: "Einladung",
    loading: "Ihre Einladung wird geladen …",
    titleFrom: "{inviter} lädt Sie zu {product} ein",
    title: "Sie sind zu {product} eingeladen",
    invited: "Die Einladung gilt für {email}.",
    noteLabel: "Eine persönliche Nachricht für Sie",
    note: "„{message}“",
    nameLabel: "Ihr Name",
    accept: "Konto erstellen",
    accepting: "Ihr Konto wird erstellt …",
    expires: "Gültig bis {date}.",
    decline: "Das bin ich nicht, bitte nicht mehr einladen",
    declineTitle: "Einladung ablehnen?",
    declineText: "Dieser Link wird ungültig, und {product} schickt keine weiteren Einladungen an {email}.",
    declineConfirm: "Ja, nicht mehr einladen",
    declining: "Wird abgelehnt …",
    back: "Zurück zur Einladung",
    acceptedTitle: "Ihr Konto ist bereit",
    acceptedNamedTitle: "Willkommen, {name}!",
    acceptedText: "Ihr Konto für {product} wurde mit der Adresse {email} erstellt.",
    continue: "Weiter zu {product}",
    close: "Sie können diese Seite schließen.",
    declinedTitle: "Sie werden nicht mehr eingeladen",
    declinedText: "Die Einladung ist abgelehnt. Sie können diese Seite schließen.",
    renew: "Neuen Link zusenden",
    renewing: "Wird gesendet …",
    renewedTitle: "Ein neuer Link ist unterwegs",
    renewedText: "Wir schicken ihn an die Adresse, die eingeladen wurde. Bitte sehen Sie in Ihrem Posteingang nach und, falls in den nächsten Minuten nichts ankommt, auch im Spam-Ordner.",
    retry: "Noch einmal versuchen",
    noTokenTitle: "Bitte öffnen Sie Ihren Link erneut",
    noTokenText: "Diese Seite funktioniert nur über den Link aus Ihrer Einladung. Er bleibt nicht in der Adresszeile stehen, damit ihn dort niemand mitlesen kann. Öffnen Sie ihn bitte noch einmal aus der E-Mail.",
    offlineTitle: "Keine Verbindung",
    offline: "Der Server ist nicht erreichbar. Bitte prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
    slowDown: "Das war etwas zu schnell. Bitte versuchen Sie es {wait} noch einmal.",
    later: "gleich",
    failedTitle: "Das hat nicht geklappt",
    failed: "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es gleich noch einmal.",
    reference: "Kennung für Rückfragen: {id}",
    invitation_not_found: ["Dieser Link ist nicht gültig", "Vielleicht ist er unvollständig, oder eine neuere Einladung hat ihn ersetzt. Bitte öffnen Sie den Link aus unserer letzten E-Mail an Sie."],
    invitation_expired: ["Dieser Link ist abgelaufen", "Sie können sich einen neuen Link an die eingeladene Adresse schicken lassen."],
    invitation_revoked: ["Diese Einladung wurde zurückgezogen", "Wenn Sie das für ein Versehen halten, wenden Sie sich bitte an die Person, die Sie eingeladen hat."],
    invitation_declined: ["Diese Einladung wurde abgelehnt", "Wenn Sie es sich anders überlegt haben, bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung."],
    invitation_already_used: ["Ihr Konto gibt es bereits", "Dieser Link hat seinen Zweck erfüllt: Er funktioniert nur einmal. Sie können sich einfach anmelden."],
  },
};

const $ = (id) => document.getElementById(id);
const supported = (tag) => {
  const language = String(tag || "").toLowerCase().split(/[-_]/)[0];
  return Object.hasOwn(TEXTS, language) ? language : null;
};

let language = (navigator.languages || [navigator.language]).map(supported).find(Boolean) || "en";
let invitation = null;
let busy = false;

// The token lives in this variable only: not in the address bar, the history or any storage.
const token = (/^#(inv_[A-Za-z0-9_-]+)/.exec(location.hash) || [])[1] || null;
if (location.hash) history.replaceState(null, "", location.pathname + location.search);

// A second invitation opened in the same tab changes only the fragment. Starting over is the surest way
// never to show one invitation and accept another.
addEventListener("hashchange", () => { if (location.hash.startsWith("#inv_")) location.reload(); });

function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Fills an element with a sentence in which the given values stand out, without ever parsing HTML.
function fill(element, key, values) {
  const parts = TEXTS[language][key].split(/\{(\w+)\}/);
  element.replaceChildren(...parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const strong = document.createElement("strong");
    strong.textContent = values[part];
    return strong;
  }));
}

function speak(tag) {
  language = supported(tag) || language;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
}

function show(id) {
  for (const element of document.querySelectorAll("main > section, #loading")) element.hidden = element.id !== id;
  for (const alert of document.querySelectorAll(".alert")) alert.hidden = true;
  const heading = $(id).querySelector("h1");
  if (!heading) return;
  document.title = heading.textContent;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function showOutcome({ title, body, hint, button, link, reference }) {
  $("outcome-title").textContent = title;
  $("outcome-text").textContent = body;
  $("outcome-hint").textContent = hint || "";
  $("outcome-hint").hidden = !hint;
  $("renew").hidden = button !== "renew";
  $("retry").hidden = button !== "retry";
  $("continue").hidden = !link;
  if (link) {
    $("continue").href = link;
    $("continue").textContent = text("continue", { product: invitation.product_name });
  }
  $("reference").textContent = reference ? text("reference", { id: reference }) : "";
  $("reference").hidden = !reference;
  show("outcome");
}

// Returns {ok, body} or {problem}; a failed connection is a problem as well.
async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, application/problem+json" },
      body: JSON.stringify({ token, ...body }),
      cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout ? AbortSignal.timeout(30000) : undefined,
    });
    const content = await response.text();
    let value = null;
    try { value = JSON.parse(content); } catch { /* an empty answer, or a proxy's own error page */ }
    if (typeof value !== "object") value = null;
    if (response.ok) return { ok: true, body: value || {} };
    return { problem: { ...value, status: response.status, retryAfter: response.headers.get("retry-after") } };
  } catch {
    return { problem: { offline: true } };
  }
}

function waitFrom(retryAfter) {
  const seconds = /^\d+$/.test(retryAfter || "") ? Number(retryAfter) : (Date.parse(retryAfter || "") - Date.now()) / 1000;
  if (!(seconds > 0)) return text("later");
  const [amount, unit] = seconds < 60 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.RelativeTimeFormat(language).format(Math.ceil(amount), unit);
}

// [title, what happened, what to do]
function explain(problem) {
  if (problem.offline) return [text("offlineTitle"), text("offline"), ""];
  if (problem.code === "too_soon" || problem.status === 429) return [text("failedTitle"), text("slowDown", { wait: waitFrom(problem.retryAfter) }), ""];
  const [title, body] = /^invitation_/.test(problem.code) && TEXTS[language][problem.code] || [];
  if (title) return [title, body, ""];
  if (problem.detail) return [text("failedTitle"), problem.detail, problem.hint || ""];
  return [problem.title || text("failedTitle"), problem.hint || text("failed"), ""];
}

const isFinal = (problem) => /^invitation_/.test(problem.code) && Object.hasOwn(TEXTS.en, problem.code);

function showProblem(problem) {
  const [title, body, hint] = explain(problem);
  const final = isFinal(problem);
  showOutcome({
    title, body, hint,
    button: problem.code === "invitation_expired" ? "renew" : final ? null : "retry",
    link: problem.code === "invitation_already_used" ? webAddress(invitation && invitation.redirect_url) || webAddress(problem.sign_in_url) : null,
    reference: final ? null : problem.request_id,
  });
}

// A problem one can mend or wait out leaves the form as it is; one that settles the matter replaces it.
function report(problem, section) {
  if (isFinal(problem)) return showProblem(problem);
  const [, body, hint] = explain(problem);
  const reference = problem.status !== 429 && problem.request_id;
  const lines = [body, hint, reference && text("reference", { id: problem.request_id })];
  const alert = $(section).querySelector(".alert");
  alert.replaceChildren(...lines.filter(Boolean).map((line) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    return paragraph;
  }));
  alert.hidden = false;
  alert.scrollIntoView({ block: "nearest" });
}

// Only one request at a time. aria-disabled instead of disabled keeps the keyboard focus on the button.
async function once(button, action) {
  if (busy) return;
  busy = true;
  button.closest("section").querySelector(".alert").hidden = true;
  button.setAttribute("aria-disabled", "true");
  button.textContent = text(button.dataset.busy);
  try {
    await action();
  } finally {
    busy = false;
    button.removeAttribute("aria-disabled");
    button.textContent = text(button.dataset.text);
  }
}

function webAddress(value) {
  try {
    const url = new URL(value);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

function formatted(instant) {
  const date = new Date(instant);
  if (!instant || Number.isNaN(date.getTime())) return null;
  const locale = language === "en" && /^en-/.test(navigator.language) ? navigator.language : language === "en" ? "en-GB" : language;
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(date);
}

function showInvitation() {
  const { email, name, inviter, product_name: product, message, expires_at: expires } = invitation;
  const from = inviter && inviter.name;
  $("invitation-title").textContent = from ? text("titleFrom", { inviter: from, product }) : text("title", { product });
  fill($("invited-address"), "invited", { email });
  fill($("decline-text"), "declineText", { product, email });
  $("note").hidden = !message;
  $("note-text").textContent = message ? text("note", { message }) : "";
  $("name").value = name || "";
  const date = formatted(expires);
  $("expires").hidden = !date;
  if (date) fill($("expires"), "expires", { date });
  show("invitation");
}

async function lookUp() {
  if (busy) return;
  if (!token) return showOutcome({ title: text("noTokenTitle"), body: text("noTokenText") });
  busy = true;
  show("loading");
  $("loading").textContent = text("loading");
  const { ok, body, problem } = await post("/v1/accept/lookup");
  busy = false;
  if (!ok) return showProblem(problem);
  invitation = body;
  speak(invitation.locale);
  showInvitation();
}

async function accept() {
  const name = $("name").value.trim() || null;
  const { ok, body, problem } = await post("/v1/accept", { name, locale: invitation.locale || language });
  if (!ok) return report(problem, "invitation");
  const user = body.user || {};
  const called = user.name || name;
  const link = webAddress(body.redirect_url) || webAddress(body.sign_in_url);
  showOutcome({
    title: called ? text("acceptedNamedTitle", { name: called }) : text("acceptedTitle"),
    body: text("acceptedText", { product: invitation.product_name, email: user.email || invitation.email }),
    hint: link ? "" : text("close"),
    link,
  });
}

async function decline() {
  const { ok, problem } = await post("/v1/accept/decline");
  if (!ok) return report(problem, "decline");
  showOutcome({ title: text("declinedTitle"), body: text("declinedText") });
}

async function renew() {
  const { ok, problem } = await post("/v1/accept/renew");
  if (!ok) return report(problem, "outcome");
  showOutcome({ title: text("renewedTitle"), body: text("renewedText") });
}

function closeDecline() {
  if (busy) return;
  show("invitation");
  $("ask-decline").focus();
}

$("accept").addEventListener("submit", (event) => {
  event.preventDefault();
  once($("accept").querySelector("button"), accept);
});
$("ask-decline").addEventListener("click", () => { if (!busy) show("decline"); });
$("back").addEventListener("click", closeDecline);
$("decline").addEventListener("keydown", (event) => { if (event.key === "Escape") closeDecline(); });
$("confirm-decline").addEventListener("click", () => once($("confirm-decline"), decline));
$("renew").addEventListener("click", () => once($("renew"), renew));
$("retry").addEventListener("click", lookUp);

speak(language);
document.title = text("pageTitle");
lookUp();
