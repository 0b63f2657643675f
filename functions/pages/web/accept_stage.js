// What the page for invited people shows: one section at a time, said anew whenever the language changes, with one form at
// most that is under way or has a problem.
import { explain } from "./api.js";
import { byId } from "./dom.js";
import { apply, fill, language, text } from "./texts.js";

// What the person is invited to: as the stack was deployed, until their invitation says it.
export let product = document.querySelector('meta[name="usher:product_name"]').content;

/** Names what the person is invited to. */
export function present(name) {
  product = name;
  document.querySelector(".brand bdi").textContent = name;
}

const main = document.querySelector("main");
// Says what is shown once more, in whatever language the page has by now.
let describe = () => {};
// The problem in the alert of the form that is shown.
let complaint = null;
let busy = false;

/** The section that is shown. */
export const shown = () => main.dataset.view;

/** Shows one section. `say` fills it, and is called again when the language changes. */
export function show(view, say, sign = "") {
  const first = !shown();
  main.dataset.sign = sign;
  showSection(view);
  complaint = null;
  describe = say;
  speakAgain();
  if (first && view === "loading") return;
  byId("title").focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Shows one section without a word: all that is left to say stands in the document. */
export function showSection(view) {
  main.dataset.view = view;
  for (const section of main.querySelectorAll(":scope > section")) section.hidden = section.id !== view;
}

/** Says everything in the page's language. */
export function speakAgain() {
  apply();
  nameButtons();
  describe();
  showComplaint();
}

/** What happened, as the heading and the document's title. */
export function title(key, values = {}) {
  fill(byId("title"), key, values);
  entitle(text(key, values), Object.values(values).includes(product));
}

/** The document's title; complete if it names the product itself. */
export function entitle(plain, complete = false) {
  document.title = complete ? plain : text("common.page_title", { title: plain, product });
}

/** A page of its own with what happened, what to do, and at most one way on: a form, a button or a link. */
export function showMessage({ sign, say, hint, renew = false, retry = false, link = null, reference = null }) {
  byId("renew").hidden = !renew;
  byId("retry").hidden = !retry;
  byId("onward").hidden = !link;
  byId("message-hint").hidden = !hint;
  byId("reference").hidden = !reference;
  if (link) byId("onward").href = link.url;
  show("message", () => {
    say(byId("message-text"));
    if (hint) hint(byId("message-hint"));
    if (link) fill(byId("onward"), link.key, { product });
    if (reference) byId("reference").textContent = text("common.reference", { id: reference });
  }, sign);
}

/** Says in the form's alert what is wrong, and leaves the form as it is. Nothing is, without a problem. */
export function complain(form, problem) {
  complaint = problem && { form, problem };
  showComplaint();
  if (problem) form.querySelector(".alert").scrollIntoView({ block: "nearest" });
}

// `apply` must not fill it, since only we know the problem.
function showComplaint() {
  for (const alert of main.querySelectorAll(".alert")) alert.hidden = !complaint || alert.closest("form") !== complaint.form;
  if (!complaint) return;
  const { problem, form } = complaint;
  const { detail, hint, lang, quote } = explain(problem, "accept.problem");
  const reference = problem.request_id && problem.status >= 500 && text("common.reference", { id: problem.request_id });
  form.querySelector(".alert").replaceChildren(...[detail, hint, quote, reference].filter(Boolean).map((words) => {
    const line = document.createElement("p");
    line.textContent = words;
    line.lang = words === quote ? "en" : lang ?? language();
    return line;
  }));
}

/** Whether a form is under way. */
export const isBusy = () => busy;

/** Marks a form as under way, or all as not. Its button keeps the focus: it is only marked as disabled. */
export function setBusy(form) {
  busy = Boolean(form);
  for (const button of main.querySelectorAll("form [data-busy]")) {
    if (button.form === form) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  nameButtons();
}

function nameButtons() {
  for (const button of main.querySelectorAll("form [data-busy]")) {
    button.textContent = text(button.ariaDisabled ? button.dataset.busy : button.dataset.text);
  }
}
