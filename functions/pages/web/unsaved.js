// What is typed in a view and not saved goes with its tab. So whoever closes the tab is asked first.
import { session } from "./sign_in.js";
import { text } from "./texts.js";

let comesBack = false; // from the issuer, and finds it all again
session.beforeLeave(() => { comesBack = true; });

/** Has the browser ask before the tab is closed while `isThere` says that something is not saved. */
export function askBeforeClosing(isThere) {
  addEventListener("beforeunload", (event) => {
    if (isThere() && !comesBack) event.preventDefault();
    comesBack = false;
  });
}

/** Whose version stands there now, or that nobody can read it. */
export const saidOf = ({ changed_by: by, unreadable }) => (unreadable ? text("decided.unreadable") : text("decided.meanwhile", { who: by?.name ?? by?.id ?? "" }));

/** The version that saving puts another in place of, as If-Match has it: where it can't be read, whatever is there. */
export const versionOf = ({ version, unreadable }) => (unreadable && version === 0 ? "*" : `"${version}"`);
