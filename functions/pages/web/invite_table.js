// The Invite dialog's view of a table: which column is what, as guessed and to be corrected, and its first rows.
import { element, isolated } from "./dom.js";
import { number, plural, text } from "./texts.js";
import { FIELDS, firstRows, guessColumns, guessSeparator, readPerson, readRows } from "./csv.js";
import { MOST, inSlices } from "./invite_rows.js";

const PREVIEWED = 5;
const LINES_NAMED = 20;
const SEPARATORS = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar" };

/**
 * The view: {element, take}. `take` resolves to {people, empty, rest}: who was read, the numbers of lines without an address,
 * and the line from which on there was no more room; or to null if no column has the addresses.
 */
export function tableView(content, name, languageOf, pasted) {
  let separator = pasted ? "\t" : guessSeparator(content);
  let rows; let header; let columns; let selects;
  const view = element("div", { class: "table-view" });

  const guess = () => {
    rows = firstRows(content, separator);
    ({ header, columns } = guessColumns(rows, languageOf));
    draw();
  };

  function draw() {
    const width = Math.max(0, ...rows.map(({ cells }) => cells.length));
    const names = Array.from({ length: width }, (_, index) => (header && rows[0].cells[index]) || text("invite.table.column", { n: number(index + 1) }));
    selects = FIELDS.map((field) => {
      const select = element("select", { id: `invite-column-${field}`, on: { change: () => { chosen(field, select.value); } } },
        element("option", { value: "" }, text("invite.table.none")), names.map((column, index) => element("option", { value: String(index) }, column)));
      select.value = String(columns[field] ?? "");
      return element("div", { class: "field" }, element("label", { htmlFor: select.id }, text(`invite.table.${field}`)), select);
    });
    const split = element("select", { id: "invite-separator", on: { change: () => { separator = split.value; guess(); view.querySelector("#invite-separator").focus(); } } },
      Object.entries(SEPARATORS).map(([value, key]) => element("option", { value }, text(`invite.table.${key}`))));
    split.value = separator;
    const first = element("input", { type: "checkbox", checked: header, on: { change: () => { header = first.checked; draw(); view.querySelector("[type=checkbox]").focus(); } } });
    view.replaceChildren(
      element("p", {}, isolated(name, { class: "who" })),
      element("div", { class: "columns" }, selects),
      element("div", { class: "columns" },
        element("div", { class: "field" }, element("label", { htmlFor: split.id }, text("invite.table.separator")), split),
        element("label", {}, first, text("invite.table.header"))),
      element("h4", { id: "invite-preview" }, text("invite.table.preview")), preview());
  }

  function chosen(field, value) {
    // One column is one thing.
    for (const other of FIELDS) if (value !== "" && columns[other] === Number(value)) delete columns[other];
    if (value === "") delete columns[field];
    else columns[field] = Number(value);
    for (const other of FIELDS) view.querySelector(`#invite-column-${other}`).value = String(columns[other] ?? "");
    view.querySelector(".preview").replaceWith(preview());
  }

  function preview() {
    const shown = FIELDS.filter((field) => columns[field] !== undefined);
    const body = rows.slice(header ? 1 : 0, PREVIEWED + (header ? 1 : 0));
    const title = (field) => element("th", { scope: "col" }, text(`invite.table.${field}`));
    return element("div", { class: "preview", tabIndex: 0, role: "region", "aria-labelledby": "invite-preview" },
      element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, text("invite.table.line")), shown.map(title))),
        element("tbody", {}, body.map(({ line, cells }) => element("tr", {}, element("td", {}, number(line)),
          shown.map((field) => element("td", {}, isolated(cells[columns[field]] || "–"))))))));
  }

  async function take() {
    if (columns.email === undefined) return null;
    const [people, empty, open] = [[], [], []];
    let rest = null;
    let skip = header;
    await inSlices(readRows(content, separator), (row) => {
      if (skip) return !(skip = false);
      if (people.length >= MOST) { rest = row.line; return false; }
      const person = readPerson(row.cells, columns, languageOf);
      if (person) people.push(person);
      else empty.push(row.line);
      if (row.open) open.push(row.line);
      return true;
    });
    return { people, empty, open, rest };
  }

  guess();
  return { element: view, take };
}

/** What of a table could not be read, as sentences that name the lines. */
export function leftOut({ people, empty, open, rest }) {
  const lines = (numbers) => numbers.slice(0, LINES_NAMED).map((line) => number(line)).join(", ") + (numbers.length > LINES_NAMED ? ", …" : "");
  return [
    rest !== null && text("invite.table.too_many", { most: number(MOST), line: number(rest) }),
    empty.length > 0 && plural("invite.table.empty", empty.length, { lines: lines(empty) }),
    open.length > 0 && plural("invite.table.open", open.length, { lines: lines(open) }),
    people.length === 0 && text("invite.table.nobody"),
  ].filter(Boolean);
}
