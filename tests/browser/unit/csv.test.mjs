// How the page reads tables that people drop on it, and writes those that they save.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, firstRows, guessColumns, guessSeparator, languageReader, looksLikeTable, readPerson, readRows, toCsv } from "../../../functions/pages/web/csv.js";

const languageOf = languageReader(["en", "de", "ar"]);
const rows = (text, separator = guessSeparator(text)) => [...readRows(text, separator)];
const people = (text) => {
  const all = rows(text);
  const { header, columns } = guessColumns(all, languageOf);
  return all.slice(header ? 1 : 0).map(({ cells }) => readPerson(cells, columns, languageOf));
};
const bytes = (...values) => new Uint8Array(values);

test("a file is read in the encoding that it was saved in", () => {
  const utf16 = (bigEndian) => [..."ü@x"].flatMap((c) => (bigEndian ? [0, c.charCodeAt(0)] : [c.charCodeAt(0), 0]));
  assert.equal(decode(new TextEncoder().encode("\ufeffü@x")), "ü@x");
  assert.equal(decode(new TextEncoder().encode("ü@x")), "ü@x");
  assert.equal(decode(bytes(0xff, 0xfe, ...utf16(false))), "ü@x");
  assert.equal(decode(bytes(0xfe, 0xff, ...utf16(true))), "ü@x");
  assert.equal(decode(bytes(...utf16(false))), "ü@x");
  assert.equal(decode(bytes(0xfc, 0x40, 0x78, 0xdf)), "ü@xß");
  assert.equal(decode(bytes()), "");
});

test("quoted cells may hold separators, quotes and line breaks, and lines are counted as an editor does", () => {
  assert.deepEqual(rows('a,"b ""x"", c"\r\n\r\n"d\nd",e\rf,"g\n', ","), [
    { line: 1, cells: ["a", 'b "x", c'] },
    { line: 3, cells: ["d\nd", "e"] },
    { line: 5, cells: ["f", '"g'], open: true },
  ]);
  assert.deepEqual(rows("", ","), []);
  assert.deepEqual(rows("a;b", ";"), [{ line: 1, cells: ["a", "b"] }]);
});

test("the separator is guessed by where addresses stand alone", () => {
  assert.equal(guessSeparator("Name;Mail\n\"Lee, Ann\";ann@x.org\nBerg, Bo;bo@x.org"), ";");
  assert.equal(guessSeparator("Mail,Name\nann@x.org,Ann"), ",");
  assert.equal(guessSeparator("ann@x.org\tAnn, or so"), "\t");
  assert.equal(guessSeparator("sep=|\nann@x.org|a"), "|");
  assert.equal(guessSeparator("ann@x.org\nbo@x.org"), ",");
});

test("columns are guessed from their headings in several languages", () => {
  const person = { input: "Ann Lee <ann@x.org>", address: "ann@x.org", name: "Ann Lee", locale: "de", groups: ["sales", "eu"], externalId: "7" };
  assert.deepEqual(people("E-Mail;Vorname;Nachname;Sprache;Gruppen;ID\nann@x.org;Ann;Lee;Deutsch;sales, eu;7"), [person]);
  assert.deepEqual(people("First Name,Last Name,Email Address,Language,Groups,External ID\nAnn,Lee,ann@x.org,German,\"sales,eu\",7"), [person]);
  assert.deepEqual(people("البريد الإلكتروني,الاسم,اللغة\nann@x.org,Ann Lee,الألمانية"), [{ ...person, groups: null, externalId: null }]);
});

test("without headings columns are guessed from what they hold", () => {
  const [ann] = people("Ann;Lee;ann@x.org;de-AT\nBo;Berg;bo@x.org;en");
  assert.deepEqual([ann.address, ann.name, ann.locale], ["ann@x.org", "Ann Lee", "de-AT"]);
  assert.deepEqual(people("ann@x.org,Ann Lee\nbo@x.org,Bo").map(({ name }) => name), ["Ann Lee", "Bo"]);
  assert.deepEqual(people("ann@x.org\nBo <bo@x.org>").map(({ name }) => name), [null, "Bo"]);
});

test("a heading that its column gives the lie is not believed", () => {
  assert.equal(people("Mail,Contact\nHigh Street 1,ann@x.org")[0].address, "ann@x.org");
});

test("a row without an address is nobody, and a language that is none is kept to be seen", () => {
  assert.equal(people("email,name\nann@x.org,Ann\n,Bo")[1], null);
  assert.equal(people("email,language\nann@x.org,klingonisch")[0].locale, "klingonisch");
  assert.deepEqual(["DE", "pt_BR", "English", "german", "und", "-", "deu-x"].map(languageOf), ["DE", "pt_BR", "en", "de", null, null, null]);
});

test("only the first rows are looked at for a guess", () => {
  assert.equal(firstRows("a\n".repeat(1000), ",").length, 50);
});

test("what a spreadsheet would run is saved as plain text", () => {
  const cells = ["=1+1", "+49", "-1", "@x", "\tx", "\rx", "a@x.org", "say \"hi\"", "1,5", null];
  assert.equal(toCsv([cells]), "\ufeff'=1+1,'+49,'-1,'@x,\"'\tx\",\"'\rx\",a@x.org,\"say \"\"hi\"\"\",\"1,5\",\r\n");
  assert.equal(toCsv([["a", "b"]], ";"), "\ufeffa;b\r\n");
});

test("what was saved is read again as it was", () => {
  const people = [["=1+1", "+49 170", "-", "@ann", "'@ann", "''=1", "'Ann'", "\uff1d1", "say \"=1\"", "a, b", "it's = 1"], ["email", "x", "", "", "", "", "", "", "", "", "a"]];
  for (const separator of [",", ";", "\t"]) {
    const read = rows(decode(new TextEncoder().encode(toCsv(people, separator))), separator);
    assert.deepEqual(read.map(({ cells }) => cells), people);
  }
});

// What takes a time that grows with the square of its length would take minutes.
const LENGTH = 200_000;
const hostile = {
  "commas": [","], "semicolons": [";"], "quotes": ['"'], "quotes and commas": ['",'], "pairs of quotes": [',""'], "three quotes": ['"""'], "quotes that are not closed": [',"a'],
  "line breaks": ["\n"], "both line breaks": ["\r\n"], "quoted line breaks": ['"\n'], "tabs": ["a\t"], "bars": ["|a"], "apostrophes": ["'"], "apostrophes before nothing": ["'", "=", "x"],
  "spaces": [" ", "a", "b,ann@example.com"], "spaces at the end": [" ", "a,ann@example.com"], "letters": ["a"], "addresses": ["a@example.com,"], "brackets": ["<", "email\n"],
  "names of columns": ["email,"], "languages": ["de-", "email,locale\na@b.c,"], "groups": [" ,;", 'email,groups\na@b.c,"', '"'],
};

for (const [name, [part, before = "", after = ""]] of Object.entries(hostile)) {
  test(`a table of ${LENGTH} characters of ${name} keeps nobody waiting`, () => {
    const text = before + part.repeat(LENGTH / part.length) + after;
    const start = process.cpuUsage();
    const separator = guessSeparator(text);
    looksLikeTable(text);
    const { columns } = guessColumns(firstRows(text, separator), languageOf);
    for (const { cells } of readRows(text, separator)) readPerson(cells, columns, languageOf);
    for (const { cells } of readRows(text, "\t")) toCsv([cells]);
    // What it keeps the processor busy, whatever else runs beside it.
    const took = process.cpuUsage(start).user / 1000;
    assert.ok(took < 2000, `${Math.round(took)} ms`);
  });
}

test("a line of separators does not become a list of as many columns", () => {
  const [{ cells }] = rows(`a@b.c${",".repeat(LENGTH)}`, ",");
  assert.equal(cells.length, 1000);
});
