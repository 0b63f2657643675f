// Reads tables as spreadsheets save them, guesses what their columns mean, and writes tables that spreadsheets open
// safely. Pure: no document, no network.
import { readAddress, readPaste } from "./paste.js";

// More than that is no table of people, and a list of so many columns would only keep the page busy.
const MOST_CELLS = 1000;

// What a spreadsheet would run as a formula, perhaps with apostrophes before it.
const FORMULA = "'*[=+\\-@\\t\\r\\n\\uff1d\\uff0b\\uff0d\\uff20]";
const RUNS = new RegExp(`^${FORMULA}`);
const MADE_PLAIN = new RegExp(`^'(?=${FORMULA})`);

/** What a column can be. The rest is not looked at. */
export const FIELDS = ["email", "name", "first_name", "last_name", "locale", "groups", "external_id"];

const HEADINGS = {
  email: ["email", "mail", "emailaddress", "mailaddress", "emailadresse", "mailadresse", "courriel", "correo", "بريد", "البريد", "البريدالإلكتروني", "البريدالالكتروني"],
  name: ["name", "fullname", "displayname", "anzeigename", "person", "الاسم", "الاسمالكامل"],
  first_name: ["first", "firstname", "given", "givenname", "vorname", "rufname", "prenom", "prénom", "nombre", "الاسمالأول"],
  last_name: ["last", "lastname", "surname", "familyname", "nachname", "familienname", "nom", "apellido", "apellidos", "اسمالعائلة", "اللقب"],
  locale: ["locale", "language", "lang", "sprache", "langue", "idioma", "اللغة", "لغة"],
  groups: ["group", "groups", "gruppe", "gruppen", "groupe", "groupes", "grupo", "grupos", "المجموعة", "المجموعات"],
  external_id: ["id", "externalid", "employeeid", "userid", "personalnummer", "mitarbeiternummer", "kennung", "المعرف", "المعرّف"],
};

/** The text of a file: by its byte order mark, else UTF-8 if it is that, else as older Windows programs write. */
export function decode(bytes) {
  const [a, b] = bytes;
  const wide = { "255,254": "utf-16le", "254,255": "utf-16be" }[`${a},${b}`] ?? (b === 0 && a !== 0 ? "utf-16le" : a === 0 && b !== 0 ? "utf-16be" : null);
  if (wide) return new TextDecoder(wide).decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/**
 * The rows of a table, one by one: {line, cells}, and `open` if a quote in it is not closed, which then ends with its line.
 * Rows without anything in them are left out. A generator, so that whoever reads a long table can pause.
 */
export function* readRows(text, separator) {
  let [at, line] = [/^sep=.\r?\n/.exec(text)?.[0].length ?? 0, 1];
  if (at > 0) line = 2;
  const end = new RegExp(`${separator === "\t" ? "\\t" : separator}|\\r\\n?|\\n|$`, "g");
  let row = { line, cells: [] };
  while (at <= text.length) {
    let cell = "";
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1);
      if (close > 0) {
        cell = text.slice(at + 1, close).replaceAll('""', '"');
        line += cell.match(/\r\n?|\n/g)?.length ?? 0;
        at = close + 1;
      } else {
        row.open = true;
      }
    }
    end.lastIndex = at;
    const found = end.exec(text);
    // With what `toCsv` has put before it, a name would not be the one that was saved.
    if (row.cells.length < MOST_CELLS) row.cells.push((cell + text.slice(at, found.index)).trim().replace(MADE_PLAIN, ""));
    at = found.index + (found[0].length || 1);
    if (found[0] === separator) continue;
    line += 1;
    if (row.cells.some(Boolean)) yield row;
    row = { line, cells: [] };
  }
}

function closingQuote(text, from) {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text[at + 1] !== '"') return at;
  return -1;
}

const isAddress = (cell) => Boolean(readAddress(cell).email);

/** The first rows of a table: enough to guess by, and to show. */
export function firstRows(text, separator, most = 50) {
  const rows = [];
  for (const row of readRows(text, separator)) if (rows.push(row) >= most) break;
  return rows;
}

/** The separator with which the most addresses stand alone in their cells; then, the one that makes the most even rows. */
export function guessSeparator(text) {
  const said = /^sep=([;,\t|])/.exec(text)?.[1];
  if (said) return said;
  const even = (separator) => {
    const rows = firstRows(text, separator);
    const columns = rows[0]?.cells.length ?? 0;
    return rows.filter(({ cells }) => cells.some(isAddress)).length * 100 + (columns > 1 ? rows.filter(({ cells }) => cells.length === columns).length : 0);
  };
  return [",", ";", "\t", "|"].reduce((best, other) => (even(other) > even(best) ? other : best));
}

/** Whether a pasted text comes out of a spreadsheet: several columns, one of them of addresses. */
export function looksLikeTable(text) {
  const rows = firstRows(text, "\t");
  const width = rows[0]?.cells.length ?? 0;
  return rows.length > 1 && width > 1 && rows.every(({ cells }) => cells.length === width) && rows.filter(({ cells }) => cells.some(isAddress)).length * 2 >= rows.length;
}

/** Whether the first row names the columns, and which column is what: {header, columns: {email: 0, name: 2, ..}}. */
export function guessColumns(rows, languageOf) {
  const [first, ...others] = rows.map(({ cells }) => cells);
  const header = Boolean(first) && !first.some(isAddress) && (others.some((cells) => cells.some(isAddress)) || first.some(meaning));
  const columns = {};
  if (header) first.forEach((cell, index) => { const field = meaning(cell); if (field) columns[field] ??= index; });
  const body = header ? others : rows.map(({ cells }) => cells);
  const width = Math.max(0, ...body.map((cells) => cells.length));
  const share = (index, test) => { const filled = body.map((cells) => cells[index]).filter(Boolean); return filled.length ? filled.filter(test).length / filled.length : 0; };
  const all = Array.from({ length: width }, (_, index) => index);
  const free = (index) => !Object.values(columns).includes(index);
  // What a column holds says more than what stands over it: "Mail" may be a street.
  const addresses = all.reduce((best, index) => (share(index, isAddress) > share(best, isAddress) ? index : best), columns.email ?? 0);
  if (columns.email === undefined || share(columns.email, isAddress) === 0) {
    for (const field of FIELDS) if (columns[field] === addresses) delete columns[field];
    if (width > 0) columns.email = addresses;
  }
  // "Bo" and "Ann" are languages as well: only what is written like one is taken for one.
  const language = (cell) => languageOf(cell) && /^[a-z]{2}([-_]\w+)?$|.{5}/.test(cell);
  const languages = all.find((index) => free(index) && share(index, language) === 1);
  if (languages !== undefined) columns.locale ??= languages;
  if (!header) {
    const [one, two] = all.filter((index) => free(index) && share(index, (cell) => /^[\p{L}\p{M} .,'’-]+$/u.test(cell)) > 0.8);
    if (two === undefined) Object.assign(columns, one === undefined ? {} : { name: one });
    else Object.assign(columns, /\s/.test(body[0][one] ?? "") ? { name: one } : { first_name: one, last_name: two });
  }
  return { header, columns };
}

function meaning(cell) {
  const word = cell.toLowerCase().replace(/[^\p{L}\p{M}]/gu, "");
  return FIELDS.find((field) => HEADINGS[field].includes(word));
}

/** Whom a row is about: {input, address, name, locale, groups, externalId}, or null if it has no address. What it does not say is null. */
export function readPerson(cells, columns, languageOf) {
  const cell = (field) => cells[columns[field]] || null;
  const entries = cell("email") ? [...readPaste(cell("email"))] : [];
  if (entries.length === 0) return null;
  const only = entries.length === 1 ? entries[0] : { address: cell("email"), name: null };
  const parts = [cell("first_name"), cell("last_name")].filter(Boolean).join(" ");
  const locale = cell("locale");
  const name = (cell("name") ?? (parts || only.name))?.replace(/\s+/g, " ") ?? null;
  return {
    input: name ? `${name} <${only.address}>` : only.address, address: only.address, name,
    locale: locale && (languageOf(locale) ?? locale),
    groups: cell("groups")?.split(/[\s,;|]+/).filter(Boolean) ?? null,
    externalId: cell("external_id"),
  };
}

/** Reads a language as people write it in tables: a tag, or its name in any of `tags`. Null if it is none. */
export function languageReader(tags) {
  const names = new Map();
  for (const spoken of new Set(["en", ...tags])) {
    const display = new Intl.DisplayNames([spoken], { type: "language" });
    for (const tag of tags) names.set(display.of(tag).toLowerCase(), tag);
  }
  const wellFormed = /^[a-z]{2,3}([-_][a-z]{4})?([-_]([a-z]{2}|\d{3}))?([-_]([a-z\d]{5,8}|\d[a-z\d]{3}))*$/i;
  return (value) => names.get(value.toLowerCase()) ?? (wellFormed.test(value) && value.length <= 35 && !/^und\b/i.test(value) ? value : null);
}

/** A table for spreadsheets. What one would run as a formula is made plain text by an apostrophe. */
export function toCsv(rows, separator = ",") {
  const cell = (value) => {
    const plain = String(value ?? "").replace(RUNS, "'$&");
    return /[",;\t\r\n]|^ | $/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  return `\ufeff${rows.map((cells) => `${cells.map(cell).join(separator)}\r\n`).join("")}`;
}
