// Signs administrators in at any OIDC issuer, by authorization code and PKCE. Tokens live in this module's variables and
// nowhere else: a reload forgets them, and the issuer's own session brings them back.
import { call } from "./api.js";

const JOURNEY = "usher.journey"; // what has to survive the way to the issuer and back
const SIGNED_IN = "usher.signed_in"; // that this tab was signed in, so a reload need not ask
const EARLY = 30_000; // tokens are renewed before they end, as requests take time

let access = null; // {token, until}
let refresh = null;
let renewing = null;
let onEnded = () => {};
const leaving = new Set();

function setting(name) {
  return document.querySelector(`meta[name="usher:${name}"]`)?.content ?? "";
}

// Storage may be switched off; then a reload asks for the button once more.
export const memory = {
  get(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
  set(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* see above */ } },
  drop(key) { try { sessionStorage.removeItem(key); } catch { /* see above */ } },
};

/** Under which name something is kept for who is signed in, so that nobody else who signs in here gets it. */
export const mine = (key) => `${key}:${session.me?.tenant ?? ""}:${session.me?.id ?? ""}`;

export const session = {
  me: null,
  known: null, // resolves when `me` is known, to whether they may see users
  over: false,
  health: null,
  // A hook is called before the page goes to the issuer, so that nothing typed is lost. Answers how to take it back.
  beforeLeave(hook) { leaving.add(hook); return () => leaving.delete(hook); },
  can(scope) { return session.me?.scopes?.includes(scope) ?? false; },
  async call(method, path, body, options = {}) {
    if (!lasts(EARLY)) {
      const { offline } = await renew();
      if (!lasts(0)) return offline ? { problem: { offline } } : ended();
    }
    const answer = await call(method, path, body, { ...options, token: access.token });
    if (answer.problem?.status !== 401) return answer;
    if (!(await renew()).token) return ended();
    return call(method, path, body, { ...options, token: access.token });
  },
};

export const isConfigured = () => setting("authorize_url") !== "";
export const wasSignedIn = () => memory.get(SIGNED_IN) === true;
export const whenEnded = (action) => { onEnded = action; };
export const canSignIn = () => Boolean(globalThis.crypto?.subtle);

function ended() {
  access = null;
  session.over = true;
  onEnded();
  return { problem: { status: 401, code: "not_signed_in" } };
}

const lasts = (spare) => Boolean(access && Date.now() < access.until - spare);

// Callers at the same time share one renewal: an issuer may take each refresh token only once.
function renew() {
  if (!refresh) return {};
  renewing ??= ask({ grant_type: "refresh_token", refresh_token: refresh })
    .then((answer) => {
      if (answer.refused) refresh = null;
      return answer;
    })
    .finally(() => { renewing = null; });
  return renewing;
}

// Asks the token endpoint. {token}, {refused: its error} or {offline}.
async function ask(parameters) {
  let response;
  let body = null;
  try {
    response = await fetch(setting("token_url"), {
      method: "POST", cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
      headers: { accept: "application/json" },
      body: new URLSearchParams({ ...parameters, client_id: setting("client_id") }),
      signal: AbortSignal.timeout(30_000),
    });
    body = await response.json().catch(() => null);
  } catch {
    return { offline: true };
  }
  if (response.status >= 500) return { offline: true };
  if (!response.ok || typeof body?.access_token !== "string") return { refused: String(body?.error ?? response.status) };
  access = { token: body.access_token, until: Date.now() + (Number(body.expires_in) || 300) * 1000 };
  refresh = body.refresh_token ?? refresh;
  session.over = false;
  return { token: true };
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
const secret = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const home = () => `${location.origin}/`;

// Leaves for the issuer. `place` is where in the page to come back to.
export async function signIn(place = location.hash) {
  for (const hook of leaving) hook();
  const [state, verifier] = [secret(), secret()];
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  memory.set(JOURNEY, { state, verifier, place });
  const url = new URL(setting("authorize_url"));
  for (const [name, value] of Object.entries({
    response_type: "code", client_id: setting("client_id"), redirect_uri: home(), scope: setting("scopes"),
    state, code_challenge: challenge, code_challenge_method: "S256",
  })) url.searchParams.set(name, value);
  location.assign(url.href);
}

// Takes up what the issuer sent back with, if it did: {came: false}, {signedIn: true} or {refused | offline}. A code that we
// did not ask for is somebody else's attempt to have us signed in as them, and is thrown away unread.
export async function comeBack() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state") && !answer.has("code") && !answer.has("error")) return { came: false };
  const journey = memory.get(JOURNEY);
  const ours = journey && answer.get("state") === journey.state;
  history.replaceState(null, "", `/${ours ? journey.place : ""}`);
  if (!ours) return { came: false };
  memory.drop(JOURNEY);
  if (!answer.has("code")) {
    forget();
    return { refused: answer.get("error") ?? "no_code" };
  }
  const parameters = { grant_type: "authorization_code", code: answer.get("code"), redirect_uri: home(), code_verifier: journey.verifier };
  const result = await ask(parameters);
  if (result.token) memory.set(SIGNED_IN, true);
  else forget();
  return result.token ? { signedIn: true } : result;
}

// Without the mark, a reload shows the button instead of going to the issuer by itself again and again.
export function forget() {
  access = null;
  refresh = null;
  memory.drop(SIGNED_IN);
}

// Ends the sign-in here and, where it has a place for that, at the issuer. Says whether the page is being left.
export function signOut() {
  forget();
  // What was typed stays with the person, not with whoever uses this browser next.
  try { sessionStorage.clear(); } catch { /* then there is nothing */ }
  const logout = setting("logout_url");
  if (!logout) return false;
  const url = new URL(logout);
  url.searchParams.set("client_id", setting("client_id"));
  // The one is Cognito's name for it, the other OpenID Connect's.
  for (const name of ["logout_uri", "post_logout_redirect_uri"]) url.searchParams.set(name, home());
  location.assign(url.href);
  return true;
}

// A tab that was put aside by the browser and brought back still has its tokens in memory; after signing out it must not.
addEventListener("pageshow", (event) => { if (event.persisted && !wasSignedIn()) location.reload(); });

// Says in time that the sign-in is over, even if nobody calls anything.
setInterval(() => {
  if (access && !refresh && Date.now() > access.until) ended();
}, 5_000);
