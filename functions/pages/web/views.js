// What there is beside the list of users: each view comes when somebody goes there, and only to who may change settings.
import { byId, element } from "./dom.js";
import { need, text } from "./texts.js";
import { session } from "./sign_in.js";
import { read } from "./place.js";
import { missing } from "./words.js";
import { problemBox } from "./problem_box.js";

const COMING = { mail: () => Promise.all([import("./mail.js"), need("mail")]), settings: () => Promise.all([import("./settings.js"), need("settings")]) };
let left = null; // what the view that is shown does when it is left

/** Shows the view of the place, under its name. `signIn` is the way to more permissions. */
export async function showView({ view }, name, signIn) {
  const root = byId("view");
  const fresh = root.dataset.view !== view;
  if (fresh) leaveView();
  root.dataset.view = view;
  root.hidden = false;
  const title = element("h2", { tabIndex: -1 }, name);
  if (session.can("settings:write")) {
    const came = await COMING[view]().catch(() => null);
    if (read().view !== view) return;
    left = came?.[0].leave;
    if (came) await came[0].show(root, title, read().on);
    else root.replaceChildren(title, problemBox({ offline: true }, () => showView(read(), name, signIn)));
  } else {
    const again = element("button", { type: "button", on: { click: () => signIn(again) } }, text("users.denied.again"));
    root.replaceChildren(element("div", { class: "card" }, title, element("p", { class: "note" }, missing(["settings:write"], session.me)), element("p", { class: "ways" }, again)));
  }
  if (fresh) title.focus();
}

export function leaveView() {
  left?.();
  left = null;
  const root = byId("view");
  root.hidden = true;
  delete root.dataset.view;
  root.replaceChildren();
}
