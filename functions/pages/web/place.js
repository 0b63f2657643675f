// Where one is in the page: tab, search, open person. It stands behind `#`, so it survives a reload and the back button, and
// no server or log ever gets the address that somebody searched for.

export const STATES = ["pending", "expired", "accepted", "revoked", "declined"];

const listeners = new Set();

/** {state, q, user}; what is not there is "". */
export function read(hash = location.hash) {
  const found = new URLSearchParams(hash.slice(1));
  const [state, q, user] = ["state", "q", "user"].map((name) => found.get(name) ?? "");
  return { state: STATES.includes(state) ? state : "", q: q.trim(), user: /^usr_\w+$/.test(user) ? user : "" };
}

/** The address of a place: this one with changes. */
export function hash(changes) {
  const parameters = new URLSearchParams(Object.entries({ ...read(), ...changes }).filter(([, value]) => value));
  return `#${parameters}`;
}

/** Goes there. */
export function go(changes, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](history.state, "", hash(changes));
  tell();
}

/** Has `listener` called with the new place. */
export const onPlace = (listener) => listeners.add(listener);

function tell() {
  const place = read();
  for (const listener of listeners) listener(place);
}

addEventListener("popstate", tell);
