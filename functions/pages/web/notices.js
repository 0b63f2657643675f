// What stands above the list, if mail does not go out, and in its place, if nobody is in it.
import { byId, element } from "./dom.js";
import { fill, has, need, plural, text } from "./texts.js";
import { memory, session } from "./sign_in.js";
import { go, hash } from "./place.js";
import { missing } from "./words.js";

const DISMISSED = "usher.dismissed";

/** Asks the mail doctor, and shows what is wrong in `place`. Only for whom may ask. */
export async function askDoctor(place) {
  if (!session.can("settings:write")) return;
  const answer = await session.call("GET", "/v1/mail-health");
  if (answer.ok) session.health = answer.body;
  // Where all is well nobody loads what is said of troubles. Without its own words the page has the API's.
  if (session.health?.problems.length > 0) await need("health").catch(() => {});
  drawHealth(place);
}

/** Draws what is known, unless it was dismissed. */
export function drawHealth(place) {
  const problems = session.health?.problems ?? [];
  const codes = problems.map((problem) => problem.code).sort().join(" ");
  place.replaceChildren();
  if (problems.length === 0 || memory.get(DISMISSED) === codes) return;
  const failing = session.health.status === "failing";
  const dismiss = element("button", { type: "button", class: "plain small", on: { click: () => {
    memory.set(DISMISSED, codes);
    place.replaceChildren();
    byId("main").focus();
  } } }, text("users.health.dismiss"));
  place.append(element("details", { class: `health ${failing ? "alert" : "warning"}`, open: failing },
    element("summary", {}, element("strong", {}, plural(failing ? "users.health.failing" : "users.health.degraded", problems.length))),
    element("ul", {}, problems.map(item)),
    dismiss));
}

function item({ code, detail, hint }) {
  if (!has(`health.${code}`)) return element("li", { lang: "en" }, element("strong", {}, detail), " ", hint);
  return element("li", {}, element("strong", {}, text(`health.${code}`)), " ", has(`health.${code}.hint`) ? text(`health.${code}.hint`) : "");
}

/** Fills `place` for a list of nobody. */
export function showEmpty(place, { state, q }) {
  if (q) return nobodyFound(place, q, state);
  if (state) {
    place.replaceChildren(element("h2", {}, text(`users.empty.${state}`)), element("p", {}, text(`users.empty.${state}.hint`)));
    return;
  }
  const steps = ["paste", "mail", "watch"].map((step) => element("li", {}, text(`users.first.${step}`)));
  const invite = element("button", { type: "button", class: "big", on: { click: () => byId("invite").click() } }, text("users.first.invite"));
  place.replaceChildren(
    element("h2", {}, text("users.first.title")),
    element("p", {}, text("users.first.text")),
    element("ol", {}, steps),
    session.can("users:invite") ? invite : element("p", { class: "note" }, missing(["users:invite"], session.me)),
  );
}

function nobodyFound(place, q, state) {
  const title = element("h2");
  fill(title, "users.empty.search", { q });
  const clear = element("button", { type: "button", class: "plain", on: { click: () => { go({ q: "" }); byId("q").focus(); } } }, text("users.clear_search"));
  const everywhere = state && element("a", { class: "button plain", href: hash({ state: "", user: "" }) }, text("users.search_all"));
  place.replaceChildren(title, element("p", {}, text("users.empty.search.hint")), element("p", { class: "ways" }, everywhere, clear));
}
