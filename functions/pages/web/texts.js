// The sentences of the pages in the person's language. Each language has one catalogue, texts.{language}.json, of which a page
// loads its own part, and that of a dialog when it opens.

const RIGHT_TO_LEFT = new Set(["ar", "dv", "fa", "he", "ku", "ps", "ur", "yi"]);
const RIGHT_TO_LEFT_LETTER = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

const meta = document.querySelector('meta[name="usher:languages"]');
const supported = (meta?.content || "en").split(/\s+/).filter(Boolean);

// What is loaded in whatever language the page has.
const parts = new Set([document.querySelector('meta[name="usher:texts"]')?.content || "users"]);
let catalogue = {};
let current = "en";
let asked = null;

/** The languages that there are texts in. */
export const languages = () => supported;

/** The language of the page. */
export const language = () => current;

/** Which way a language is written. */
export const direction = (tag = current) => (RIGHT_TO_LEFT.has(base(tag)) ? "rtl" : "ltr");

/** The name of a language, in that language; the tag, if the browser can't read it. */
export function nameOf(tag) {
  try {
    const name = new Intl.DisplayNames([tag], { type: "language" }).of(tag);
    return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
  } catch {
    return tag;
  }
}

/** The first language that there are texts in: of those wanted, then of the browser's, else English. */
export function choose(wanted = []) {
  return [...wanted, ...navigator.languages].map((tag) => nearest(tag)).find(Boolean) ?? nearest("en") ?? supported[0];
}

/** As the API chooses: the language itself, else one of the same language and script, as CLDR's likely subtags have it. */
export function nearest(wanted, among = supported) {
  const tag = String(wanted ?? "").replaceAll("_", "-");
  const exact = among.find((known) => known.toLowerCase() === tag.toLowerCase());
  return exact ?? among.find((known) => written(known) === written(tag));
}

// Language and script. Bokmål is what CLDR's "no" is written in, and what who reads Nynorsk reads, too.
function written(tag) {
  try {
    const { language, script } = new Intl.Locale(tag.replace(/^(no|nn)\b/i, "nb")).maximize();
    return `${language}-${script}`;
  } catch {
    return null;
  }
}

const base = (tag) => tag.split("-")[0].toLowerCase();

/**
 * Reads the catalogue of a language and makes it the page's, unless another was asked for meanwhile. Fails if it can't be
 * read; then all stays as it was.
 */
export async function load(tag) {
  asked = tag;
  if (tag === current && has("common.language")) return undefined;
  const wanted = [...parts];
  const read = await Promise.all(wanted.map((part) => sentences(part, tag)));
  if (asked !== tag) return undefined;
  if (parts.size > wanted.length) return load(tag);
  catalogue = Object.assign({}, ...read);
  current = tag;
  document.documentElement.lang = tag;
  document.documentElement.dir = direction();
  return undefined;
}

/** Reads one more part of the catalogue, in this language and in all that are loaded from now on. Fails if it can't be read. */
export async function need(part) {
  while (!parts.has(part)) {
    const tag = current;
    const read = await sentences(part, tag);
    if (tag !== current) continue;
    Object.assign(catalogue, read);
    parts.add(part);
  }
}

async function sentences(part, tag) {
  const file = `${part}.${tag}.json`;
  const response = await fetch(new URL(`./${file}`, import.meta.url), { signal: AbortSignal.timeout(15000) });
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  return response.json();
}

/** Whether the catalogue has this sentence. */
export const has = (key) => Object.hasOwn(catalogue, key);

/** A sentence, in plain text. */
export function text(key, values = {}) {
  return (catalogue[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => isolated(valueOf(name, values)));
}

// A number that stands in the sentence itself, like {100}, is written as the person writes numbers.
const valueOf = (name, values) => (/^\d/.test(name) ? number(Number(name)) : values[name]);

// Where both directions meet, a value stands for itself: otherwise "نور" would move the comma after it.
function isolated(value) {
  const plain = String(value ?? "");
  return direction() === "rtl" || RIGHT_TO_LEFT_LETTER.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** A sentence about a number, which it names as {n}. */
export const plural = (key, n, values = {}) => text(pluralKey(key, n), { n: number(n), ...values });

/** The sentence that the language has for this number, for `fill`. */
export function pluralKey(key, n) {
  const form = `${key}.${new Intl.PluralRules(current).select(n)}`;
  return has(form) ? form : `${key}.other`;
}

/** Fills an element with a sentence in which the values stand out. A value is text, never HTML. */
export function fill(element, key, values = {}) {
  const parts = (catalogue[key] ?? key).split(/\{(\w+)\}/);
  element.replaceChildren(...parts.map((part, index) => (index % 2 === 0 ? part : standingOut(valueOf(part, values)))));
}

function standingOut(value) {
  const strong = document.createElement("strong");
  const isolate = document.createElement("bdi");
  isolate.textContent = value ?? "";
  strong.append(isolate);
  return strong;
}

/** Fills all elements that name their sentence: data-text (content), data-label (aria-label), data-placeholder. */
export function apply(root = document) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", text(element.dataset.label));
  for (const element of root.querySelectorAll("[data-placeholder]")) element.placeholder = text(element.dataset.placeholder);
}

/** Fills a select with the languages, each by its own name. */
export function offerLanguages(select, chosen = current) {
  const names = supported.map((tag) => [nameOf(tag), tag]).sort(([one], [other]) => one.localeCompare(other, current));
  select.replaceChildren();
  addLanguages(select, names.map(([, tag]) => tag));
  select.value = chosen;
}

/** Adds the languages that a select does not offer yet. */
export function addLanguages(select, tags) {
  for (const tag of tags) {
    if ([...select.options].some(({ value }) => value === tag)) continue;
    const option = new Option(nameOf(tag), tag);
    option.lang = tag;
    option.dir = direction(tag);
    select.append(option);
  }
}

/** The person's own way to write dates and numbers, if their browser is in the page's language. */
function locale() {
  return navigator.languages.find((tag) => base(tag) === base(current)) ?? (current === "en" ? "en-GB" : current);
}

// A formatter takes much longer to make than to use, and a list has thousands of instants.
const formatters = new Map();
function made(Format, options = {}) {
  const key = `${Format.name} ${locale()} ${JSON.stringify(options)}`;
  if (!formatters.has(key)) formatters.set(key, new Format(locale(), options));
  return formatters.get(key);
}

/** A number. */
export const number = (n, options) => made(Intl.NumberFormat, options).format(n);

/** An instant as date and time, where the person is. Empty if it is none. */
export function dateTime(instant, options = { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }) {
  const date = new Date(instant ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? "" : made(Intl.DateTimeFormat, options).format(date);
}

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** An instant as "3 minutes ago" or "in 6 days". Empty if it is none. */
export function relative(instant, { now = Date.now(), style = "long" } = {}) {
  const seconds = (new Date(instant ?? Number.NaN).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  // A link that was made seconds ago has its seven days still; but no deadline looks later than it is.
  const slack = 1.01;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) * slack >= length) ?? UNITS.at(-1);
  const amount = Math.trunc(seconds * slack / length);
  return made(Intl.RelativeTimeFormat, { numeric: amount === 0 ? "auto" : "always", style }).format(amount, unit);
}
