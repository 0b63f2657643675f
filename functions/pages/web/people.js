// What the page knows of people: one place, so that a row and an open panel never disagree, and no action runs twice.

const known = new Map();
const busy = new Map();
const refusals = new Map();
const watchers = new Set();

export const find = (id) => known.get(id);
/** What is being done with somebody: the action's name. */
export const busyWith = (id) => busy.get(id);
/** Why the last action with somebody did not work: {problem, action, again}. */
export const refusalOf = (id) => refusals.get(id);

/** Calls `watcher` with the id of everybody of whom something has changed. */
export const watch = (watcher) => watchers.add(watcher);

function changed(id) {
  for (const watcher of watchers) watcher(id);
}

/** Takes in what the API says of a user. An answer that was overtaken by a newer one changes nothing. */
export function put(user) {
  const before = known.get(user.id);
  if (before && before.updated_at > user.updated_at) return before;
  if (before && JSON.stringify(before) === JSON.stringify(user)) return before;
  known.set(user.id, user);
  if (before) changed(user.id);
  return user;
}

/** The person was erased. */
export function drop(id) {
  known.delete(id);
  busy.delete(id);
  refusals.delete(id);
  changed(id);
}

/** Forgets everybody but those that are still needed. */
export function keepOnly(ids) {
  for (const id of known.keys()) if (!ids.has(id) && !busy.has(id)) known.delete(id);
}

export function setBusy(id, action) {
  if (action) busy.set(id, action);
  else busy.delete(id);
  changed(id);
}

export function setRefusal(id, refusal) {
  if (!refusal && !refusals.has(id)) return;
  if (refusal) refusals.set(id, refusal);
  else refusals.delete(id);
  changed(id);
}

const UNDER_WAY = new Set(["queued", "sending", "sent", "unknown", "delayed"]);

/** Whether something may happen to the person's mail any moment. */
export const isUnderWay = (user) => user.state === "pending" && UNDER_WAY.has(user.delivery.status);
