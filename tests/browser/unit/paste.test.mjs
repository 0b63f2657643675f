// Holds the page's reading of pasted text against what the server answered to the same texts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkName, readAddress, readPaste, suggest } from "../../../functions/pages/web/paste.js";

const pastes = JSON.parse(readFileSync(new URL("../fixtures/pastes.json", import.meta.url), "utf8"));

// The server's sentence for each reason of ours.
const SENTENCES = {
  empty: "There is no address here. Write one like name@example.com.",
  no_at: "An address needs an @. Write it like name@example.com.",
  many_ats: "There is more than one @. Put a comma or a line break between two addresses.",
  lookalike_at: "The character {character} only looks like an @. Type the @ again.",
  control_character: "There is a control character ({character}) in the address. Type it again without it.",
  space: "There is a space in the address. Remove it, or put a comma between two addresses.",
  non_ascii_local: "The part before the @ has the character '{character}', which mail systems refuse. Ask the person for an address in plain letters.",
  local_too_long: "The part before the @ is longer than 64 characters. Check the address.",
  local_symbol: "The part before the @ can't have '{character}' in it. Check the address.",
  local_dots: "The part before the @ is empty, or has a dot at its start, its end, or next to another dot.",
  domain: "The part after the @ is no domain name like example.com. Check its spelling.",
  too_long: "The address is longer than 254 characters. Check it.",
  name_too_long: "The field name must be at most 100 characters long. Correct it and invite this person again.",
  name_control: "The field name must not contain control characters or line breaks. Correct it and invite this person again.",
  name_web_address: "The field name must be a name, without a web address in it. Correct it and invite this person again.",
};

function read(paste) {
  const first = new Map();
  return [...readPaste(paste)].map(({ input, name, address }, index) => {
    const { email, key, why, character } = readAddress(address);
    const row = (outcome, detail, more) => ({ input: shown(input), email: email ?? null, outcome, detail, ...more });
    const sentence = (code) => SENTENCES[code].replace("{character}", escaped(character, code));
    if (why) return row("invalid_email", sentence(why));
    if (first.has(key)) return row("duplicate_in_request", `The same address is in row ${first.get(key)}. Nothing is left to do.`);
    const wrong = name === null ? null : checkName(name);
    if (wrong) return row("invalid_invitee", sentence(wrong));
    first.set(key, index);
    return row("invited", null, { name: name?.normalize("NFC") ?? null });
  });
}

// Inside a sentence the server shows what can't be seen as Rust escapes it.
const escaped = (character, code) => (code === "non_ascii_local" ? character?.replace(/^U\+0*(.+)$/, (_, hex) => `\\u{${hex.toLowerCase()}}`) : character);

// The answer repeats what was sent only in part: without control characters, and not beyond 400 bytes.
const shown = (input) => input.replace(/\p{Cc}/gu, "\ufffd").slice(0, 120);

for (const { paste, problem, rows } of pastes) {
  test(`${JSON.stringify(paste).slice(0, 80)} is read as the server reads it`, () => {
    const ours = read(paste);
    if (problem) return assert.deepEqual([problem, ours], ["no_addresses", []]);
    return assert.deepEqual(ours, rows.map((row) => ({ ...row, input: row.input.slice(0, 120) })));
  });
}

test("an address that was hardly meant gets a suggestion", () => {
  const meant = {
    "ann@gmial.com": "ann@gmail.com", "ann@gmail.con": "ann@gmail.com", "ann@gmailcom": "ann@gmail.com", "ann@gmail": "ann@gmail.com",
    "ann@gmail.co": "ann@gmail.com", "ann@hotmial.com": "ann@hotmail.com", "ann@hotmal.con": "ann@hotmail.com", "ann@outlok.com": "ann@outlook.com",
    "ann@yaho.com": "ann@yahoo.com", "ann@yahooo.de": "ann@yahoo.de", "ann@example.con": "ann@example.com", "ann@acme.cmo": "ann@acme.com",
    "ann@acmecom": "ann@acme.com", "ann@gmail..com": "ann@gmail.com", ".ann.@acme.com": "ann@acme.com", "ann\uff20acme.com": "ann@acme.com",
    "ann@@acme.com": "ann@acme.com", "an n@acme.com": "ann@acme.com", "ann@acme.ed": "ann@acme.de", "a\u200bnn@acme.com": "ann@acme.com",
  };
  for (const [typed, better] of Object.entries(meant)) assert.equal(suggest(typed), better, typed);
});

test("an address that may well be meant gets none", () => {
  const fine = ["ann@gmail.com", "Ann.Lee@GMAIL.com", "ann@ymail.com", "ann@mail.com", "ann@life.com", "ann@web.at", "ann@gmx.com", "ann@acme.co", "ann@acme.cm",
    "ann@acme.om", "ann@acme.example", "ann@example.com", "nonsense", "ann", "@", "@gmial.com", "ann@x", "ann@localhost"];
  for (const address of fine) assert.equal(suggest(address), null, address);
});

// What takes a time that grows with the square of its length would take minutes.
const LENGTH = 200_000;
const distinct = (from) => Array.from({ length: LENGTH }, (_, index) => String.fromCodePoint(from + index)).join("");
const hostile = {
  "open brackets": ["<"], "open brackets and quotes": ['<"'], "open brackets and addresses": ["<a@"], "semicolons and brackets": [";<"], "quotes and brackets": ['"<'],
  "closed brackets": ["<>"], "brackets the wrong way round": ["><"], "quoted brackets": ['"<"'], "separators": [",;"], "line breaks": ["\n"], "words": ["a "],
  "spaces after a bracket": [" ", "ann <", ""], "spaces in a bracket": [" ", "ann <a", "b@example.com>"], "spaces before a name": [" ", "", "Ann <a@example.com>"],
  "spaces of every kind": ["\u2003\u00a0", "a@example.com", "x"], "quotes in a name": ['"', "Ann ", "x <a@example.com>"], "commas in a name": ["',", "<x>Ann ", "x <a@example.com>"],
  "dots before the @": [".", "a", "b@example.com"], "dots after the @": [".", "a@b", "c"], "dots and colons": [".:", "a@example.com", "x"],
  "brackets around an address": ["(", "a@example.com", "x"], "letters after the @": ["a", "a@", ".b"], "letters before the @": ["a", "", "@example.com"], "signs": ["@"],
  "signs that look like one": ["\uff20", "a", "b.c"], "foreign letters": ["\u00fc", "a@", ".com"], "invisible letters": ["\u200b", "a@b", ".com"], "accents": ["e\u0301", "a@", ".com"],
  "encoded letters": ["a", "a@xn--", ".com"], "mail links": ["mailto:", "", "a@b.c"], "questions": ["?", "mailto:a@b.c", ""],
};

for (const [name, [part, before = "", after = ""]] of Object.entries(hostile)) {
  test(`${LENGTH} characters of ${name} keep nobody waiting`, () => assertQuick(before + part.repeat(LENGTH / part.length) + after));
}

test(`${LENGTH} different letters in a domain keep nobody waiting`, () => assertQuick(`a@${distinct(0x20000)}.com`));

function assertQuick(text) {
  // What else the machine does meanwhile is not counted.
  const start = process.cpuUsage();
  for (const { name, address } of readPaste(text)) {
    readAddress(address);
    suggest(address);
    checkName(name ?? "");
  }
  // As one address and one name, too, as a cell of a table may hold them.
  readAddress(text);
  suggest(text);
  checkName(text);
  const took = process.cpuUsage(start).user / 1000;
  assert.ok(took < 2000, `${Math.round(took)} ms`);
}

test("brackets that nothing closes name nobody", () => {
  const rows = [...["<", "<\"", "<a@", ";<", "\"<"].map((bad) => [...readPaste(bad.repeat(1000))].length)];
  assert.deepEqual(rows, [0, 0, 1, 0, 0]);
});
