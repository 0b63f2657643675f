// The Invite dialog's calls: the requests that make up an invitation, their keys, and the draft that survives a reload.

const A_CALL = 500;

/** What a request says of one person. What a row does not say itself holds for all. */
const invitee = ({ email, name, locale, groups, externalId }) => ({
  email, name: name ?? undefined, locale: locale?.replaceAll("_", "-") ?? undefined, groups: groups ?? undefined, external_id: externalId ?? undefined,
});

const terms = ({ locale, groups, message, days, notify }) => ({
  locale: locale || undefined, groups: groups.length > 0 ? groups : undefined, message: message || undefined, expires_in_days: days, notify,
});

/** Asks what would become of everybody. All at once, since the mail doctor's warnings depend on how many there are. */
export const dryRun = (session, rows, options, signal) =>
  session.call("POST", "/v1/invitations?dry_run=true", { invitees: rows.map(invitee), ...terms(options) }, { signal, timeout: 60_000 });

/**
 * Invites, request by request: `each` gets the rows and results of every answered one and may answer false to stop,
 * `failed` the problem of one that was not, and resolves to whether it is to be repeated. Resolves to the rows that were not sent.
 */
export async function invite(session, rows, options, attempt, { each, failed }) {
  for (let from = 0; from < rows.length; from += A_CALL) {
    const part = rows.slice(from, from + A_CALL);
    const body = { invitees: part.map(invitee), ...terms(options) };
    const idempotencyKey = await keyOf(attempt, body);
    for (;;) {
      const answer = await session.call("POST", "/v1/invitations", body, { idempotencyKey, timeout: 60_000 });
      if (answer.ok) {
        if (each(part, answer.body.results) === false) return rows.slice(from + part.length);
        break;
      }
      if (!await failed(answer.problem)) return rows.slice(from);
    }
  }
  return [];
}

// The same content in the same attempt has the same key, even after a reload: whoever was invited by a request whose answer
// was lost is answered as invited, and gets one mail.
async function keyOf(attempt, body) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(body)));
  return `${attempt}-${Array.from(new Uint8Array(digest).slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Sends invitations again: in one attempt to each once, however often and with whom else it is asked for. */
export async function resend(session, ids, { locale, message, days }, reactivate, attempt) {
  const same = { locale: locale || undefined, message: message || undefined, expires_in_days: days, reactivate: reactivate || undefined };
  return session.call("POST", "/v1/invitations/resend", { ids, ...same }, { idempotencyKey: await keyOf(attempt, same), timeout: 60_000 });
}

/** A new attempt's name. */
export const newAttempt = () => crypto.randomUUID();

const place = (session) => `usher:invite:${session.me?.tenant ?? ""}:${session.me?.id ?? ""}`;

// Where storage is full or forbidden, a draft stays for as long as the page does.
const unsaved = new Map();

/** The draft of this person in this tab, or null. */
export function loadDraft(session) {
  try {
    const draft = unsaved.get(place(session)) ?? JSON.parse(sessionStorage.getItem(place(session)));
    return Array.isArray(draft?.people) ? draft : null;
  } catch {
    return null;
  }
}

/** Keeps {attempt, people, typed, options}. Answers whether it also survives a reload. */
export function saveDraft(session, draft) {
  clearDraft(session);
  try {
    sessionStorage.setItem(place(session), JSON.stringify(draft));
    return true;
  } catch {
    unsaved.set(place(session), draft);
    return false;
  }
}

export function clearDraft(session) {
  unsaved.delete(place(session));
  try {
    sessionStorage.removeItem(place(session));
  } catch {
    // Storage that may not be used holds nothing.
  }
}
