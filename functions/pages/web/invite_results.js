// What became of each person, in the Invite dialog: by count, row by row with a way on, made links, and all of it as a table.
import { announce, ask, element, isolated, once, toast } from "./dom.js";
import { explain, isPassing } from "./api.js";
import { fill, has, language, number, plural, pluralKey, text } from "./texts.js";
import { explained, quoted } from "./words.js";
import { asText, inSlices } from "./invite_rows.js";
import { toCsv } from "./csv.js";
import { newAttempt, resend } from "./invite_send.js";

const A_WINDOW = 50;
const AGAIN = { already_invited: false, revoked: true, declined: true };

// Where only the server says which domains are allowed.
const DOMAINS = /^Only addresses at (.+?)(?: and others)? are invited here\./;

/** An outcome in the page's language, or the page's own reason. */
export function inWords({ outcome, detail, own }) {
  if (own) return own;
  if (!has(`outcome.${outcome}`)) return detail ?? outcome;
  if (outcome === "domain_not_allowed" && !DOMAINS.test(detail)) return text("problem.domain_not_allowed");
  const words = text(`outcome.${outcome}`, { domains: DOMAINS.exec(detail)?.[1] });
  return language() === "en" ? [words, quote({ outcome, detail })].filter(Boolean).join(" ") : words;
}

// What is wrong with a value that the page did not see, the server says in English.
const quote = ({ outcome, detail, own }) => (outcome === "invalid_invitee" && !own ? detail : null);

/**
 * The view while requests are sent: `content` and the button `stop`; `advance` says how many are done, `halt` stops as the
 * button does, `ask` shows a problem and resolves to whether the request is to be repeated.
 */
export function progressView(total, problemView) {
  const bar = element("progress", { max: total, "aria-labelledby": "invite-progress" });
  const words = element("p", { id: "invite-progress", role: "status" });
  const trouble = element("div");
  let answer = null;
  const view = {
    content: [bar, words, trouble],
    stopped: false,
    advance(n) {
      bar.value = n;
      words.textContent = text("invite.progress", { n: number(n), total: number(total) });
    },
    halt() {
      view.stopped = true;
      view.stop.setAttribute("aria-disabled", "true");
      answer?.(false);
    },
    ask: (problem, offer) => new Promise((resolve) => {
      if (view.stopped) return resolve(false);
      answer = (again) => {
        answer = null;
        trouble.replaceChildren();
        view.stop.focus();
        resolve(again);
      };
      const retry = element("button", { type: "button", on: { click: () => answer?.(true) } }, text("common.retry"));
      const leave = !isPassing(problem) && element("button", { type: "button", class: "plain", on: { click: () => answer?.(false) } }, text("invite.to_results"));
      trouble.replaceChildren(problemView(problem), element("p", { class: "ways" }, retry, leave || []));
      offer(retry);
      return retry.focus();
    }),
  };
  view.stop = element("button", { type: "button", class: "plain", on: { click: () => view.halt() } }, text("invite.stop"));
  view.advance(0);
  return view;
}

// The numbers that the mail doctor names only in its sentences, which are English.
const COUNTED = { sandbox: /(?<n>\d+) of (?<all>\d+) addresses/, quota_too_small: /^These are (?<n>\d+) mails?, and SES takes (?<left>\d+) more/ };

function warning(code, detail) {
  const numbers = COUNTED[code]?.exec(detail)?.groups;
  if (!numbers) return text(`health.${code}`);
  const values = Object.fromEntries(Object.entries(numbers).map(([name, digits]) => [name, number(digits)]));
  return plural(`invite.warning.${code}`, Number(numbers.n), values);
}

/** The mail doctor's warnings. What the catalogue does not know is said in the server's words. */
export const warningsView = (warnings) => warnings.map(({ code, severity, detail, hint }) => {
  const known = has(`health.${code}`);
  return element("div", { class: severity === "error" ? "alert" : "warning", lang: known ? null : "en", dir: known ? null : "ltr" },
    element("p", {}, element("strong", {}, known ? warning(code, detail) : detail)),
    element("p", {}, known ? text(`health.${code}.hint`) : hint));
});

function counted(key, n) {
  const item = element("li");
  fill(item, pluralKey(key, n), { n: number(n) });
  return item;
}

/** How many of each outcome, most first; `done` if it is so already. */
export function countsView(entries, done = false) {
  const counts = new Map();
  for (const { outcome } of entries) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return element("ul", { class: "counts" }, [...counts].sort(([, a], [, b]) => b - a).map(([outcome, n]) =>
    counted(`invite.count.${done && outcome === "invited" ? "done" : outcome}`, n)));
}

/** A list of which a window is drawn, with a button for more. */
export function windowed(items, draw, properties) {
  const list = element("ul", properties);
  const more = element("button", { type: "button", class: "plain small", on: { click: () => { const from = list.children.length; grow(); list.children[from].querySelector("a, button")?.focus(); } } });
  const grow = () => {
    list.append(...items.slice(list.children.length, list.children.length + A_WINDOW).map(draw));
    const hidden = items.length - list.children.length;
    more.hidden = hidden === 0;
    more.textContent = plural("invite.more", hidden);
  };
  grow();
  return [list, more];
}

/**
 * The rows that were not invited, each with its reason and what can be done: send again, reactivate, or look at the person.
 * `entries` are {row, outcome, detail, user_id}.
 */
export function refusedView(entries, { session, options, leave, onResent }) {
  const drawn = new Map();
  const attempt = newAttempt();
  const again = async (chosen, button) => {
    const [{ row, outcome }] = chosen;
    const asked = { title: text("users.ask.declined"), body: text("users.ask.declined.text", { who: asText(row) }), confirm: text("invite.reactivate") };
    if (outcome === "declined" && !await ask(asked)) return;
    const answer = await once(button, text("invite.sending"), () => resend(session, chosen.map(({ user_id }) => user_id), options, AGAIN[outcome], attempt));
    if (!answer) return;
    if (answer.problem) {
      sayProblem(answer.problem);
      return;
    }
    answer.body.results.forEach((result, index) => { chosen[index].resent = result; redraw(chosen[index]); });
    const resent = chosen.filter((entry) => entry.resent?.outcome === "resent");
    announce(plural("invite.resent", resent.length));
    for (const many of everything) many.hidden = true;
    onResent(resent.map(({ row }) => row));
  };
  const redraw = (entry) => {
    const old = drawn.get(entry);
    if (!old) return;
    const had = old.contains(document.activeElement);
    old.replaceWith(draw(entry));
    const now = drawn.get(entry);
    if (had) (now.querySelector("a, button") ?? now).focus();
  };
  function draw(entry) {
    const { row, outcome, user_id, resent } = entry;
    const done = resent?.outcome === "resent";
    const item = element("li", { class: done ? "done" : "", tabIndex: -1 },
      element("span", { class: "who" }, isolated(asText(row))), element("span", { class: "why" }, inWords(resent ?? entry), language() !== "en" && quoted(quote(resent ?? entry))),
      user_id && element("span", { class: "ways" },
        outcome in AGAIN && !done && offer(entry),
        element("a", { href: placeOf(user_id), "aria-label": text("invite.person_who", { who: row.email }), on: { click: leave } }, text("invite.person"))));
    drawn.set(entry, item);
    return item;
  }
  // Who asked for no mail gets the link that the person has.
  function offer(entry) {
    const button = (key, run) => element("button", { type: "button", class: "small plain", "aria-label": text(`${key}_who`, { who: entry.row.email }), on: { click: (event) => run(event.currentTarget) } }, text(key));
    if (options.notify) return button(AGAIN[entry.outcome] ? "invite.reactivate" : "invite.resend", (pressed) => again([entry], pressed));
    return entry.outcome === "already_invited" && button("invite.copy_link", (pressed) => once(pressed, null, () => copyLink(session, entry.user_id)));
  }
  const known = entries.filter(({ outcome, user_id }) => outcome === "already_invited" && user_id);
  const everything = options.notify && known.length > 1 ? [element("p", {}, element("button", { type: "button", class: "plain", on: { click: (event) => again(known.filter(({ resent }) => resent?.outcome !== "resent"), event.currentTarget) } }, plural("invite.resend_all", known.length)))] : [];
  return entries.length === 0 ? [] : [element("h4", {}, plural("invite.refused", entries.length)), everything, windowed(entries, draw, { class: "rows" })];
}

// Where the page shows a person: the tab and the search stay.
function placeOf(id) {
  const place = new URLSearchParams(location.hash.slice(1));
  place.set("user", id);
  return `./#${place}`;
}

/** The links that were made, to be handed over. */
export function linksView(entries) {
  const made = entries.filter(({ accept_url }) => accept_url);
  if (made.length === 0) return [];
  const draw = ({ row, accept_url }) => element("li", {}, element("span", { class: "who" }, isolated(asText(row))), element("code", { dir: "ltr" }, accept_url),
    element("span", { class: "ways" }, element("button", { type: "button", class: "small plain", "aria-label": text("invite.copy_who", { who: row.email }), on: { click: () => copy(accept_url) } }, text("common.copy"))));
  return [element("h4", {}, plural("invite.links", made.length)), element("p", { class: "note" }, text("invite.links_note")),
    element("p", {}, element("button", { type: "button", class: "plain", on: { click: () => copy(made.map(({ row, accept_url }) => `${row.email}\t${accept_url}`).join("\n")) } }, text("invite.copy_all"))),
    windowed(made, draw, { class: "rows links" })];
}

async function copyLink(session, id) {
  const answer = await session.call("GET", `/v1/users/${id}/link`);
  if (answer.ok) await copy(answer.body.accept_url);
  else sayProblem(answer.problem);
}

function sayProblem(problem) {
  toast(explained(explain(problem), "span"), { kind: "alert" });
}

async function copy(content) {
  try {
    await navigator.clipboard.writeText(content);
    toast(text("common.copied"));
  } catch {
    toast(text("invite.copy_failed"), { kind: "alert" });
  }
}

/** Saves what became of everybody as a table that can be read again. */
export async function saveResults(entries) {
  const rows = [["email", "name", "locale", "groups", "external_id", "outcome", "detail", "user_id", "accept_url"]];
  await inSlices(entries, ({ row, outcome, detail, own, user_id, accept_url, resent }) => {
    rows.push([row.email ?? (row.address || row.input), row.name, row.locale, row.groups?.join(" "), row.externalId, resent?.outcome ?? outcome, outcome === "invited" ? "" : inWords(resent ?? { outcome, detail, own }), user_id, accept_url]);
  });
  // Where numbers have a decimal comma, spreadsheets expect semicolons.
  const comma = new Intl.NumberFormat(language()).format(1.5).includes(",");
  const url = URL.createObjectURL(new Blob([toCsv(rows, comma ? ";" : ",")], { type: "text/csv;charset=utf-8" }));
  element("a", { href: url, download: `${text("invite.file_name")}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
