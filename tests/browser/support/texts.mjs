// The pages' sentences, from their own catalogues, so that a test names a button as the person sees it and repeats no text.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const folder = new URL("../../../functions/pages/web/", import.meta.url);
// All that the pages speak, and those in which the tests look at everything.
export const ALL_LANGUAGES = readdirSync(folder).map((name) => /^texts\.(.+)\.json$/.exec(name)?.[1]).filter(Boolean);
export const LANGUAGES = ["en", "de", "ar"];
// Whose browser is in that language: in Egypt, numbers have digits of their own.
export const LOCALES = { ...Object.fromEntries(ALL_LANGUAGES.map((tag) => [tag, tag])), en: "en-GB", de: "de-DE", ar: "ar-EG" };
const catalogues = Object.fromEntries(ALL_LANGUAGES.map((language) => [language, JSON.parse(readFileSync(new URL(`texts.${language}.json`, folder)))]));

// The language whose sentences in these areas of the catalogue are the most bytes over the wire.
export function heaviest(areas) {
  const bytes = (language) => gzipSync(JSON.stringify(Object.entries(catalogues[language]).filter(([key]) => areas.includes(key.split(".")[0])))).length;
  return ALL_LANGUAGES.map((language) => [bytes(language), language]).sort(([one], [other]) => other - one)[0][1];
}

// The sentence as it stands in the catalogue.
export function sentence(key, language = "en") {
  const found = catalogues[language][key];
  if (found === undefined) throw new Error(`${language} has no ${key}`);
  return found;
}

const ISOLATES = "[\\u2066-\\u2069]?";
const escaped = (text) => String(text).replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");

function pattern(sentence, values) {
  const parts = sentence.split(/\{(\w+)\}/).map((part, index) => {
    if (index % 2 === 0) return escaped(part);
    return ISOLATES + (part in values ? escaped(values[part]) : ".+") + ISOLATES;
  });
  return parts.join("");
}

// What the whole sentence looks like on the page: with these values, and anything for those that are not given.
export const t = (key, values = {}, language = "en") => new RegExp(`^\\s*${pattern(sentence(key, language), values)}\\s*$`);

// The same, where it is only a part of what stands there.
export const within = (key, values = {}, language = "en") => new RegExp(pattern(sentence(key, language), values));

// The sentence for this number of things.
export function plural(key, n, values = {}, language = "en") {
  const form = `${key}.${new Intl.PluralRules(language).select(n)}`;
  const wanted = form in catalogues[language] ? form : `${key}.other`;
  const number = new Intl.NumberFormat(LOCALES[language]).format(n);
  return within(wanted, { n: number, count: number, ...values }, language);
}
