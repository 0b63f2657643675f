// Who is selected, to be sent their invitation again.
import { byId, toast } from "./dom.js";
import { explain } from "./api.js";
import { plural, text } from "./texts.js";
import { memory, mine, session } from "./sign_in.js";
import { inOrder, rowOf, shown, view } from "./list.js";
import { denied as sayDenied } from "./actions.js";

const KEPT = "usher.selected";
const selected = new Set();
let last = null;

const chosen = () => [...selected].filter(rowOf);

/** Selects somebody, or not any more. */
export function set(id, on) {
  const row = rowOf(id);
  if (!row) return;
  if (on) selected.add(id);
  else selected.delete(id);
  row.box.checked = on;
  row.tr.classList.toggle("selected", on);
}

/** Says who is selected, and offers what can be done. */
export function drawSelection() {
  const [many, n] = [byId("resend-many"), chosen().length];
  byId("clear").hidden = n === 0;
  byId("all").checked = n > 0 && n === shown();
  byId("all").indeterminate = n > 0 && !byId("all").checked;
  const whole = n === 0 && ["pending", "expired"].includes(view.state) && !view.q && shown() > 0;
  many.hidden = n === 0 && !whole;
  many.textContent = n > 0 ? plural("users.resend_selected", n) : text(`users.resend_all.${view.state || "pending"}`);
  const denied = !session.can("users:invite");
  many.title = denied ? text("users.needs", { scope: "users:invite" }) : "";
  if (denied) many.setAttribute("aria-disabled", "true");
  else many.removeAttribute("aria-disabled");
  many.classList.toggle("denied", denied);
  byId("tools").classList.toggle("choosing", n > 0);
}

function clearSelection() {
  for (const id of [...selected]) set(id, false);
  selected.clear();
  last = null;
  drawSelection();
}

// Shift extends from the last one clicked: everybody between gets what this one got.
function choose(id, on, extend) {
  const all = inOrder();
  const [from, to] = [all.indexOf(last), all.indexOf(id)];
  if (extend && from >= 0) for (const between of all.slice(Math.min(from, to), Math.max(from, to) + 1)) set(between, on);
  else set(id, on);
  last = id;
  drawSelection();
}

// A click beside a box is one on its label, and comes once more as one on the box.
let shift = false;
byId("table").addEventListener("click", (event) => {
  if (event.target.matches("tbody input")) choose(event.target.value, event.target.checked, event.shiftKey || shift);
  shift = event.shiftKey && !event.target.matches("input");
});
// Selecting text between two boxes is not what shift is for here.
byId("table").addEventListener("mousedown", (event) => { if (event.shiftKey && event.target.closest(".pick")) event.preventDefault(); });
byId("all").addEventListener("change", () => {
  const on = byId("all").checked;
  for (const id of inOrder()) set(id, on);
  drawSelection();
});
byId("clear").addEventListener("click", () => {
  clearSelection();
  byId("all").focus();
});
// What sends to many comes when somebody asks for it.
async function resendMany() {
  if (!session.can("users:invite")) return sayDenied("users:invite");
  const sending = await import("./many_send.js").catch(() => null);
  if (!sending) return toast(explain({ offline: true }).detail, { kind: "alert", action: { label: text("common.retry"), run: resendMany } });
  const people = chosen();
  if (people.length > 0) return sending.resendSelected(people);
  return sending.resendState(view.state, shown(), Boolean(view.after));
}
byId("resend-many").addEventListener("click", resendMany);

addEventListener("list:new", clearSelection);
addEventListener("list:changed", () => {
  for (const id of memory.get(mine(KEPT)) ?? []) set(id, true);
  memory.drop(mine(KEPT));
  drawSelection();
});
session.beforeLeave(() => memory.set(mine(KEPT), chosen()));
