// Where one is in the page: tab, search, open person; or in another view, and on what there. It stands behind `#`, so it
// survives a reload and the back button, and no server or log ever gets the address that somebody searched for.

export const STATES = ["pending", "expired", "accepted", "revoked", "declined"];

/** What there is beside the list of users. */
export const VIEWS = ["mail", "settings"];

const listeners = new Set();

/** {state, q, user}; what is not there is "". In another view all of them are, `view` names it, and `on` what of it is shown. */
export function read(hash = location.hash) {
  const found = new URLSearchParams(hash.slice(1));
  const view = VIEWS.find((name) => found.has(name)) ?? "";
  if (view) return { state: "", q: "", user: "", view, on: found.get(view) };
  const [state, q, user] = ["state", "q", "user"].map((name) => found.get(name) ?? "");
  return { state: STATES.includes(state) ? state : "", q: q.trim(), user: /^usr_\w+$/.test(user) ? user : "", view, on: "" };
}

/** The address of a place: this one with changes. What is changed of the list is in the list. */
export function hash(changes) {
  const inList = ["state", "q", "user"].some((name) => changes[name]);
  const { view, on, ...list } = { ...read(), ...changes, ...(inList && { view: "" }) };
  if (view) return `#${view}${on && `=${encodeURIComponent(on)}`}`;
  return `#${new URLSearchParams(Object.entries(list).filter(([, value]) => value))}`;
}

/** Goes there. Where one is already, no entry is added. */
export function go(changes, { replace = false } = {}) {
  if (replace || hash(changes) === hash({})) history.replaceState(history.state, "", hash(changes));
  else history.pushState(wayBack(changes), "", hash(changes));
  tell();
}

// What an entry that shows a person knows: from which list they were opened, and how many entries below that is.
function wayBack({ user }) {
  if (!user) return null;
  if (!read().user) return { list: hash({ user: "" }), steps: 1 };
  return history.state && { ...history.state, steps: history.state.steps + 1 };
}

/**
 * Goes from a person to the list. If that is the one they were opened from, it goes back to it: otherwise the browser's way
 * back would open them once more.
 */
export function leavePerson() {
  const { list, steps } = history.state ?? {};
  if (list === hash({ user: "" })) history.go(-steps);
  else go({ user: "" }, { replace: true });
}

/** Has `listener` called with the new place. */
export const onPlace = (listener) => listeners.add(listener);

function tell() {
  const place = read();
  for (const listener of listeners) listener(place);
}

addEventListener("popstate", tell);

// Links to people were drawn some time ago: what has been searched for since then stays.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href*='#']");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.target || link.href.split("#")[0] !== location.href.split("#")[0]) return;
  event.preventDefault();
  const place = read(link.hash);
  go(place.user ? { user: place.user } : place);
});
