// Small helpers around the DOM: elements, dialogs, and what is said at the edge of the page.
import { text } from "./texts.js";

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/**
 * A new element. Of the properties, `class`, `dataset` and `on` (events) are named so; `aria-..` and other names with a
 * hyphen are attributes, everything else is a property. Children are elements, text, lists of them, or nothing.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null) continue;
    if (name === "class") made.className = value;
    else if (name === "dataset") Object.assign(made.dataset, value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name in made && !name.includes("-")) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** Text that others wrote, kept from turning the sentence around it. */
export const isolated = (value, properties) => element("bdi", properties, value ?? "");

/** The address if it is one of the web, else null: nothing else may become a link. */
export function webAddress(value) {
  if (!URL.canParse(value ?? "")) return null;
  const url = new URL(value);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}

/** Removes what is in `place`. If the focus was there, it goes to `next` instead of getting lost. */
export function empty(place, next) {
  const focused = place.contains(document.activeElement);
  place.replaceChildren();
  if (focused) next.focus();
}

// The heading or main part of what can be reached now: where the focus goes if the element that had it is gone.
function beginning() {
  const around = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  return [...around.querySelectorAll('[tabindex="-1"]')].find((place) => !place.closest("[inert]") && place.checkVisibility());
}

const running = new WeakSet();

/**
 * Runs an action that a button or form starts, once at a time. Until it ends the button says so, and keeps the focus:
 * it is only marked as disabled.
 */
export async function once(button, busyText, action) {
  if (running.has(button)) return undefined;
  running.add(button);
  const before = button.textContent;
  button.setAttribute("aria-disabled", "true");
  if (busyText) button.textContent = busyText;
  try {
    return await action();
  } finally {
    running.delete(button);
    button.removeAttribute("aria-disabled");
    if (busyText && button.textContent === busyText) button.textContent = before;
  }
}

/**
 * A native modal dialog with a heading, a way to close it, and the given content. It is removed when it closes;
 * `closed` is then called with its return value.
 */
export function openDialog({ title, content = [], actions = [], className = "", closed }) {
  const heading = element("h2", { id: `dialog-${++dialogs}`, tabIndex: -1 }, title);
  const close = element("button", { type: "button", class: "icon", "aria-label": text("common.close"), on: { click: () => dialog.close("") } }, "×");
  const dialog = element("dialog", { class: className, "aria-labelledby": heading.id },
    element("header", { role: "presentation" }, heading, close),
    element("div", { class: "dialog-body" }, content),
    actions.length > 0 && element("footer", {}, actions));
  dialog.addEventListener("close", () => {
    // What was said in the dialog is still to be read after it.
    const left = [...dialog.querySelectorAll(".toast")];
    dialog.remove();
    if (left.length > 0) toastRegion().append(...left);
    closed?.(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

let dialogs = 0;

/** Asks before something is done. Resolves to whether the person wants it. */
export function ask({ title, body = [], confirm, cancel = text("common.cancel"), danger = false }) {
  return new Promise((resolve) => {
    const content = [body].flat().map((part) => (typeof part === "string" ? element("p", {}, part) : part));
    // Return must not do what can't be undone, so that way the focus is on the way back.
    const no = element("button", { type: "button", class: "plain", autofocus: danger, on: { click: () => dialog.close("") } }, cancel);
    const yes = element("button", { type: "button", class: danger ? "danger" : "", autofocus: !danger, on: { click: () => dialog.close("yes") } }, confirm);
    const dialog = openDialog({ title, content, actions: [no, yes], className: "ask", closed: (value) => resolve(value === "yes") });
  });
}

// Whatever lies outside of a modal dialog is not read out, so a dialog gets a region of its own.
function toastRegion() {
  const around = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  let region = around.querySelector(":scope > .toasts");
  if (!region) {
    region = element("div", { class: "toasts", role: "status" });
    around.append(region);
  }
  return region;
}

/**
 * Says something at the edge of the page, to be read and heard: `action` is {label, run}, for instance to undo.
 * It stays for a while, for as long as it is pointed at or has the focus, and with an action or as an alert longer. When it
 * goes, the focus goes back to where it was before, or to what that was part of.
 */
export function toast(message, { action, kind = "", seconds = action || kind === "alert" ? 20 : 8 } = {}) {
  const region = toastRegion();
  const made = element("div", { class: `toast ${kind}` }, element("p", {}, message));
  const holding = new Set();
  let timer;
  let before = [];
  const remove = () => {
    clearTimeout(timer);
    const focused = made.contains(document.activeElement);
    made.remove();
    if (focused) (before.find((place) => place?.isConnected && !place.closest("[inert]")) ?? beginning())?.focus();
  };
  const wait = () => {
    clearTimeout(timer);
    if (holding.size === 0) timer = setTimeout(remove, seconds * 1000);
  };
  if (action) {
    const run = () => {
      remove();
      action.run();
    };
    made.append(element("button", { type: "button", class: "link", on: { click: run } }, action.label));
  }
  made.append(element("button", { type: "button", class: "icon", "aria-label": text("common.dismiss"), on: { click: remove } }, "×"));
  for (const [begins, ends] of [["pointerenter", "pointerleave"], ["focusin", "focusout"]]) {
    made.addEventListener(begins, () => { holding.add(begins); wait(); });
    made.addEventListener(ends, () => { holding.delete(begins); wait(); });
  }
  made.addEventListener("focusin", ({ relatedTarget }) => { if (!made.contains(relatedTarget)) before = [relatedTarget, relatedTarget?.closest('[tabindex="-1"]')]; });
  // The same said again takes the place of what was said before, unless there is something to do about each.
  if (!action) for (const old of [...region.children]) if (old.textContent === made.textContent && !old.contains(document.activeElement)) old.remove();
  region.append(made);
  wait();
  return { remove };
}

/** Says something that is only to be heard. */
export function announce(message) {
  const around = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  let region = around.querySelector(":scope > .announcer");
  if (!region) {
    region = element("div", { class: "announcer visually-hidden", role: "status" });
    around.append(region);
  }
  region.textContent = "";
  // The same sentence twice is read twice only if the region was empty in between.
  setTimeout(() => { region.textContent = message; }, 50);
}
