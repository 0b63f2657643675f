"use strict";

// The server writes UTC; people read their own time.
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  const today = at.toDateString() === new Date().toDateString();
  time.title = time.dateTime;
  time.textContent = today ? at.toLocaleTimeString() : at.toLocaleString();
}

const empty = document.getElementById("empty");
const shown = Number(document.body.dataset.count);
empty.hidden = shown === 0;
empty.addEventListener("click", async () => {
  if (!confirm("Throw all mail away?")) return;
  const answer = await fetch("/_local/mail", { method: "DELETE" });
  if (answer.ok) location.assign("/_local/mail");
  else alert(await answer.text());
});

// The newest page without a mail open shows new mail by itself. Elsewhere a reload would take away what is being
// read or typed, so a link offers it.
async function look() {
  if (document.hidden) return;
  const answer = await fetch("/_local/mail/count").catch(() => null);
  if (!answer?.ok) return;
  const { count } = await answer.json();
  if (count === shown) return;
  const busy = document.body.classList.contains("reading")
    || new URLSearchParams(location.search).has("before")
    || document.activeElement.matches("input");
  if (busy) document.getElementById("new").hidden = false;
  else location.reload();
}
setInterval(look, 2000);
