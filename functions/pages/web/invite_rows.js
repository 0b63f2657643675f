// The people in the Invite dialog's box: each as read, what is wrong with whom, and who can be invited. No document.
import { checkName, readAddress, readPaste, suggest } from "./paste.js";

/** The most people that the box takes at once, as the API does. */
export const MOST = 10_000;

const MOST_GROUPS = 20;
const pause = () => (globalThis.scheduler?.yield ? scheduler.yield() : new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(null);
}));

/** Hands on each item, and lets the page breathe in between. Stops where `each` answers false; then it answers false too. */
export async function inSlices(items, each, between) {
  let until = performance.now() + 10;
  for (const item of items) {
    if (each(item) === false) return false;
    if (performance.now() > until) {
      between?.();
      await pause();
      until = performance.now() + 10;
    }
  }
  return true;
}

/** Why groups can't be given, or null. */
export function checkGroups(groups, administrator) {
  if (groups.length > MOST_GROUPS) return "groups_many";
  if (groups.some((group) => [...group].length > 64)) return "groups_long";
  if (groups.some((group) => !/^[\p{Alphabetic}\p{N}._:/@+=-]+$/u.test(group))) return "groups_symbol";
  return !administrator && groups.includes("administrators") ? "administrators" : null;
}

/** How a person is shown, and read again. */
export const asText = ({ name, address, input }) => (name && address ? `${/[,;"<>@]/.test(name) ? `"${name.replaceAll('"', "")}"` : name} <${address}>` : address || input);

/** A person as a draft keeps them: as text if that says it all, which is a fraction of the size. */
export function packed({ input, address, name, locale, groups, externalId }) {
  const plain = !locale && !groups && !externalId && /^[^\s"<>,;@]+@[^\s"<>,;@]+$/.test(address) && !/["<>@]|^[',]|[',]$/.test(name ?? "");
  if (plain) return asText({ address, name });
  const or = (value) => value ?? undefined;
  return { input: address ? undefined : input, address, name: or(name), locale: or(locale), groups: or(groups), externalId: or(externalId) };
}

/** The people of a draft. */
export function* unpacked(people) {
  for (const person of people) {
    if (typeof person === "string") yield* readPaste(person);
    else yield { input: person.address, ...person };
  }
}

/** Which value of a table's row is wrong, if it can be left out. */
export const droppable = ({ wrong }) => ({ locale: "locale", external_id: "externalId", administrators: "groups" })[wrong] ?? (wrong?.startsWith("groups") ? "groups" : null);

export class Rows {
  list = [];
  counts = { total: 0, good: 0, doubt: 0, bad: 0, again: 0 };
  #last = 0;
  #rules;

  /** `rules`: {administrator, languageOf}, what the person may do and how languages are read. */
  constructor(rules) {
    this.#rules = rules;
  }

  get full() {
    return this.list.length >= MOST;
  }

  /** Appends a person; `settle` has to follow. */
  add(person) {
    this.list.push(this.#judged(person));
  }

  /** Puts others in a person's place, who keep what the text does not say: language, groups and id of a table's row. */
  replace(row, people) {
    const { locale, groups, externalId } = row;
    const at = this.list.indexOf(row);
    this.list.splice(at, 1, ...people.map((person) => this.#judged({ locale, groups, externalId, ...person })));
    this.settle();
    return this.list.slice(at, at + people.length);
  }

  remove(row) {
    this.keep((other) => other !== row);
  }

  keep(test) {
    this.list = this.list.filter(test);
    this.settle();
  }

  #judged({ input, address, name = null, locale = null, groups = null, externalId = null }) {
    const { email = null, key = null, why = null, character } = readAddress(address);
    const wrong = why ?? (name && checkName(name)) ?? (locale && !this.#rules.languageOf(locale) ? "locale" : null)
      ?? (groups && checkGroups(groups, this.#rules.administrator)) ?? (externalId && [...externalId].length > 255 ? "external_id" : null);
    this.#last += 1;
    return { id: this.#last, input, address, name, locale, groups, externalId, email, key, wrong: wrong || null, character, suggestion: suggest(email ?? address), refused: null, state: "good" };
  }

  /** Decides anew who stands here twice, and counts. */
  settle() {
    const counts = { total: this.list.length, good: 0, doubt: 0, bad: 0, again: 0 };
    const seen = new Set();
    for (const row of this.list) {
      row.state = row.wrong || row.refused ? "bad" : seen.has(row.key) ? "again" : row.suggestion ? "doubt" : "good";
      if (row.state !== "bad") seen.add(row.key);
      counts[row.state] += 1;
    }
    this.counts = counts;
  }

  /** The first rows to be shown, what needs a look before the rest. */
  first(most) {
    const shown = [];
    for (const state of ["bad", "doubt", "again", "good"]) {
      if (this.counts[state] === 0) continue;
      for (const row of this.list) {
        if (shown.length >= most) return shown;
        if (row.state === state) shown.push(row);
      }
    }
    return shown;
  }

  /** Those who can be invited. */
  sendable() {
    return this.list.filter(({ state }) => state === "good" || state === "doubt");
  }
}
