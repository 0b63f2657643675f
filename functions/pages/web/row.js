// One row of the list.
import { byId, element, empty } from "./dom.js";
import { text } from "./texts.js";
import { session } from "./sign_in.js";
import { hash } from "./place.js";
import { busyWith, find, refusalOf } from "./people.js";
import { ago, badge, breakable, inviter, mail } from "./words.js";
import { busyText, denied, quickAction, refusalBox } from "./actions.js";

const HEADS = { state: "users.state", mail: "users.mail", by: "users.invited_by", until: "users.expires" };
const ENDS = { accepted: "accepted_at", revoked: "revoked_at", declined: "declined_at" };

/** A new row: its element, and how to draw it anew. */
export function makeRow(id) {
  const tr = byId("row").content.firstElementChild.cloneNode(true);
  const part = (name) => tr.querySelector(`.${name}`);
  const [box, label, link] = [tr.querySelector("input"), part("visually-hidden"), tr.querySelector("a")];
  const button = element("button", { type: "button", class: "plain small" });
  box.value = id;
  link.id = `open-${id}`;
  part("act").append(button);
  button.addEventListener("click", () => {
    const user = find(id);
    const action = user && !busyWith(id) && quickAction(user);
    if (action && !session.can(action.scope)) denied(action.scope);
    else if (action) action.run(user);
  });

  function draw() {
    const user = find(id);
    if (!user) return;
    const { name, email } = user;
    label.textContent = text("users.select_one", { email });
    if (link.textContent !== email) link.replaceChildren(...breakable(email));
    link.href = hash({ user: id });
    tr.querySelector("bdi").textContent = name ?? "";
    for (const [cell, key] of Object.entries(HEADS)) part(cell).dataset.head = text(key);
    const ended = user[ENDS[user.state]];
    part("state").replaceChildren(badge(user), ended ? ago(ended) : "");
    part("mail").replaceChildren(...mail(user).filter(Boolean));
    part("by").replaceChildren(inviter(user.invited_by));
    const running = user.state === "pending" || user.state === "expired";
    part("until").replaceChildren(running ? ago(user.expires_at) : "–");
    part("until").classList.toggle("none", !running);
    drawAction(user);
    drawRefusal(user);
  }

  function drawAction(user) {
    const [action, busy] = [quickAction(user), busyWith(id)];
    button.hidden = !action;
    if (!action) return;
    const allowed = session.can(action.scope);
    button.textContent = busy ? busyText(busy) : action.label;
    button.setAttribute("aria-label", `${button.textContent}: ${user.email}`);
    button.title = allowed ? "" : text("users.needs", { scope: action.scope });
    if (busy || !allowed) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
    button.classList.toggle("denied", !allowed);
    tr.setAttribute("aria-busy", String(Boolean(busy)));
  }

  // With the panel open, what went wrong is said there.
  function drawRefusal(user) {
    const refusal = refusalOf(id);
    const shown = part("refusal");
    if (shown?.of === refusal) return;
    if (shown) empty(shown, button.hidden ? link : button);
    shown?.remove();
    if (!refusal || refusal.place === "panel") return;
    const cell = element("td", { class: "refusal", role: "cell" }, refusalBox(user, refusal));
    cell.of = refusal;
    tr.append(cell);
  }

  draw();
  return { tr, box, link, draw };
}
