// Calls the API, and says in the page's language what went wrong.
import { has, language, relative, text } from "./texts.js";

/**
 * Calls a route. Answers {ok: true, status, body}, or {problem}: the API's own problem with its status and, as
 * `retry_after`, the seconds until trying again can help; {offline: true} if there is no connection, {timed_out: true}
 * if nothing came in time (whether the call has done its work is unknown), {aborted: true} if `signal` ended it.
 */
export async function call(method, path, body, { token, signal, idempotencyKey, version, timeout = 30000 } = {}) {
  const headers = { accept: "application/json, application/problem+json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  if (idempotencyKey) headers["idempotency-key"] = idempotencyKey;
  if (version) headers["if-match"] = version;
  const late = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(path, {
      method, headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    if (response.status === 204) return { ok: true, status: 204, body: {} };
    const value = parsed(await response.text());
    // The API always answers with an object. Whatever else comes with a 200 is a proxy's, and says nothing of what was done.
    if (response.ok && !value) return { problem: { status: 502 } };
    if (response.ok) return { ok: true, status: response.status, body: value };
    return { problem: { ...value, status: response.status, retry_after: seconds(response.headers.get("retry-after")) } };
  } catch {
    if (signal?.aborted) return { problem: { aborted: true } };
    return { problem: late.aborted ? { timed_out: true } : { offline: true } };
  }
}

// An answer that is no object is a proxy's own error page, or nothing.
function parsed(content) {
  try {
    const value = JSON.parse(content);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function seconds(header) {
  if (!header) return null;
  const after = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return after > 0 ? Math.ceil(after) : null;
}

const BY_STATUS = { 401: "not_signed_in", 403: "forbidden", 404: "not_found", 408: "timed_out", 413: "too_large", 429: "too_many_requests", 502: "temporarily_unavailable", 503: "temporarily_unavailable", 504: "timed_out" };

/** What kind of problem it is: the API's code, or one of ours for what did not come from the API. */
export function codeOf(problem) {
  if (problem.offline) return "offline";
  if (problem.timed_out) return "timed_out";
  return problem.code ?? BY_STATUS[problem.status] ?? "internal_error";
}

// Whose words say what no sentence of ours does: which value is wrong, and why.
const QUOTED = new Set(["invalid_claim", "invalid_email", "invalid_field", "mail_not_sent", "mail_refused"]);

/**
 * {title, detail, hint} of a problem in the page's language: AREA.CODE.title, AREA.CODE and AREA.CODE.hint of the
 * catalogue, in the first of the areas that knows the code; `problem` is always the last. What none knows is said in the
 * server's words, which are English: then `lang` says so. `quote` are words of the server that belong after those of another
 * language.
 */
export function explain(problem, ...areas) {
  const code = codeOf(problem);
  const key = [...areas, "problem"].map((area) => `${area}.${code}`).find(has);
  const values = { ...problem, wait: wait(problem.retry_after) };
  const title = text(has(`${key}.title`) ? `${key}.title` : "problem.title", values);
  if (key) {
    const [detail, hint] = [text(key, values), has(`${key}.hint`) ? text(`${key}.hint`, values) : ""];
    const quote = key.startsWith("problem.") && QUOTED.has(code) ? problem.detail : null;
    return quote && language() === "en" ? { title, detail: `${detail} ${quote}`, hint, lang: null } : { title, detail, hint, lang: null, quote };
  }
  if (problem.detail) return { title, detail: problem.detail, hint: problem.hint ?? "", lang: "en" };
  return { title, detail: text("problem.internal_error"), hint: text("problem.internal_error.hint"), lang: null };
}

// "in 2 minutes", rounded up: who comes back then must not be too soon again.
function wait(after) {
  if (!after) return text("common.in_a_moment");
  const unit = [3600, 60].find((unit) => after > 1.5 * unit) ?? 1;
  const now = Date.now();
  return relative(now + Math.ceil(after / unit) * unit * 1000, { now });
}

/** Whether trying the same again, without changing anything, can help. */
export const isPassing = (problem) => Boolean(problem.offline || problem.timed_out || problem.status >= 500 || problem.status === 429 || problem.code === "conflict");
