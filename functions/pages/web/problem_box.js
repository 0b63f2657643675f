// A problem that stands in the page until it is over.
import { element } from "./dom.js";
import { explain, isPassing } from "./api.js";
import { text } from "./texts.js";
import { explained } from "./words.js";

/** Why it did not work, with the way to try again where that can help. */
export function problemBox(problem, again) {
  return element("div", { class: "alert", role: "alert" }, explained(explain(problem)),
    problem.request_id && element("p", { class: "quiet" }, text("common.reference", { id: problem.request_id })),
    again && isPassing(problem) && element("button", { type: "button", class: "plain small", on: { click: () => again() } }, text("common.retry")));
}
