// The box of the Invite dialog: takes what people paste, type or drop, and shows as chips how it was read.
import { announce, element, isolated } from "./dom.js";
import { direction, language, number, plural, text } from "./texts.js";
import { readPaste } from "./paste.js";
import { looksLikeTable } from "./csv.js";
import { MOST, asText, droppable, inSlices } from "./invite_rows.js";

const A_WINDOW = 60;

/** What was read, in a sentence: "37 addresses, 2 to look at". */
export function summary({ total, bad, doubt, again }) {
  const parts = [plural("invite.read", total)];
  if (bad + doubt > 0) parts.push(plural("invite.look", bad + doubt));
  if (again > 0) parts.push(plural("invite.twice", again));
  return new Intl.ListFormat(language(), { type: "unit" }).format(parts);
}

/** Why a row is marked. */
export function reasonOf(row) {
  if (row.refused) return row.refused.words;
  if (row.wrong) return text(`invite.bad.${row.wrong}`, { character: row.character, value: row.locale });
  if (row.state === "again") return text("invite.again");
  return row.suggestion ? text("invite.doubt") : "";
}

export class Box {
  #rows; #changed; #openTable; #openFile;
  #limit = A_WINDOW;
  #editing = null;
  #drawn = new Map();
  #work = Promise.resolve();

  /** `changed` is told of every change; `openTable(text)` and `openFile(file)` take over what is a table. */
  constructor(rows, { changed, openTable, openFile }) {
    this.#rows = rows;
    this.#changed = changed;
    this.#openTable = openTable;
    this.#openFile = openFile;
    this.input = element("textarea", { id: "invite-addresses", rows: 2, spellcheck: false, autocapitalize: "none", autocomplete: "off", autofocus: true, placeholder: `\u2066${text("invite.placeholder")}\u2069`, "aria-describedby": "invite-help invite-error", on: {
      paste: (event) => this.#pasted(event), input: (event) => this.#typed(event), keydown: (event) => this.#keyInInput(event), blur: () => this.#left(),
    } });
    this.error = element("p", { class: "error", id: "invite-error", role: "alert", hidden: true });
    this.count = element("p", { class: "count", id: "invite-count" });
    this.list = element("ul", { class: "chips", "aria-label": text("invite.chips"), "aria-describedby": "invite-keys", on: { click: (event) => this.#clicked(event), keydown: (event) => this.#keyInList(event) } });
    this.keys = element("p", { class: "help", id: "invite-keys" }, text("invite.keys"));
    this.more = element("button", { type: "button", class: "plain small", on: { click: () => this.#showMore() } });
    const file = element("input", { type: "file", class: "visually-hidden", accept: ".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain", on: { change: () => { const [chosen] = file.files; file.value = ""; if (chosen) this.#openFile(chosen); } } });
    this.element = element("div", { class: "field box", on: { dragover: (event) => this.#dragged(event, true), dragleave: (event) => this.#dragged(event, false), drop: (event) => this.#dropped(event) } },
      element("div", { class: "box-head" }, element("label", { htmlFor: "invite-addresses" }, text("invite.addresses")), element("label", { class: "button plain small" }, file, text("invite.open_file"))),
      this.input, element("p", { class: "help", id: "invite-help" }, text("invite.help")), this.error, this.count, this.list, this.more, this.keys);
    this.draw();
  }

  /** Resolves when all that was put in is read. */
  get settled() {
    return this.#work;
  }

  /** Reads a text into the box, in slices. */
  addText(content) {
    return this.addPeople(readPaste(content));
  }

  addPeople(people, quietly = false) {
    this.#work = this.#work.then(async () => {
      let last = "";
      const all = await inSlices(people, (person) => {
        if (this.#rows.full) return false;
        this.#rows.add(person);
        last = person.input;
        return true;
      }, () => { this.count.textContent = text("invite.reading", { n: number(this.#rows.list.length) }); });
      this.#rows.settle();
      this.#refresh(!quietly);
      this.say(all ? "" : text(last ? "invite.too_many" : "invite.full", { most: number(MOST), last }));
    });
    return this.#work;
  }

  /** Reads what was typed and not yet finished. */
  finish() {
    const typed = this.input.value;
    this.input.value = "";
    if (typed.trim()) this.addText(typed);
    return this.#work;
  }

  /** Shows what is wrong with the box, or with "" that nothing is. */
  say(words) {
    this.error.textContent = words;
    this.error.hidden = words === "";
    if (words) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  #refresh(aloud = true) {
    this.draw();
    if (aloud) announce(summary(this.#rows.counts));
    this.#changed();
  }

  #pasted(event) {
    const content = event.clipboardData.getData("text/plain");
    const [file] = event.clipboardData.files;
    if (!content && file) return event.preventDefault(), this.#openFile(file);
    const { value, selectionStart, selectionEnd } = this.input;
    const empty = value.trim() === "";
    // A piece of an address that is being typed is only put in.
    if (!content || (!empty && !/[\s,;<]/.test(content.trim()))) return undefined;
    event.preventDefault();
    if (empty && looksLikeTable(content)) return this.#openTable(content);
    this.input.value = "";
    return this.addText(value.slice(0, selectionStart) + content + value.slice(selectionEnd));
  }

  #typed(event) {
    const { value } = this.input;
    this.say("");
    if (/[\n\r]/.test(value)) return this.finish();
    // A separator ends an address, but not a name that begins with one: "Lee, Ann <ann@..".
    const bare = value.slice(Math.max(value.lastIndexOf('"'), value.lastIndexOf("<")) + 1);
    const ended = event.inputType === "insertText" && value.length < 1000 && /[,;\s]$/.test(value) && /@[^,;\s]/.test(bare) && !/^[^"]*"[^"]*$/.test(value);
    return ended ? this.finish() : this.#changed();
  }

  #keyInInput(event) {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    this.finish();
  }

  // What was typed is read when one goes on. Not before a click has ended: chips would push away what is being clicked.
  #left() {
    const later = () => setTimeout(() => { if (document.activeElement !== this.input && this.input.isConnected) this.finish(); }, 0);
    if (this.element.closest("dialog")?.matches(":active")) addEventListener("pointerup", later, { once: true });
    else later();
  }

  #dragged(event, over) {
    if (over) event.preventDefault();
    this.element.classList.toggle("over", over);
  }

  #dropped(event) {
    event.preventDefault();
    this.element.classList.remove("over");
    const [file] = event.dataTransfer.files;
    const content = event.dataTransfer.getData("text/plain");
    if (file) this.#openFile(file);
    else if (looksLikeTable(content)) this.#openTable(content);
    else this.addText(content);
  }

  /** Draws the counts and a window of the chips. */
  draw() {
    if (this.#editing) return;
    const { counts } = this.#rows;
    const shown = this.#rows.first(this.#limit);
    this.count.textContent = counts.total > 0 ? summary(counts) : "";
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const at = focused && [...this.list.children].indexOf(focused.closest("li"));
    const before = this.#drawn;
    this.#drawn = new Map(shown.map((row) => {
      const old = before.get(row);
      const same = old?.state === row.state && old.refused === row.refused;
      return [row, same ? old : { state: row.state, refused: row.refused, item: this.#chip(row) }];
    }));
    this.list.replaceChildren(...[...this.#drawn.values()].map(({ item }) => item));
    this.list.hidden = this.keys.hidden = shown.length === 0;
    const hidden = counts.total - shown.length;
    this.more.hidden = hidden === 0;
    this.more.textContent = plural("invite.more", hidden);
    this.#makeCurrent(this.#stops()[0]);
    if (focused) this.#focusNear(at, Number(focused.closest("li").dataset.row), focused.dataset.todo);
  }

  #chip(row) {
    const language = row.wrong === "locale" ? null : row.locale;
    const shown = [row.name, row.address || row.input, language].filter(Boolean).join(" ");
    const who = row.email ?? (row.address || row.input);
    const why = reasonOf(row);
    const { id } = row;
    const button = (todo, properties, ...content) => element("button", { type: "button", tabIndex: -1, dataset: { todo }, ...properties }, ...content);
    const main = button("edit", { class: "chip-main", "aria-label": text("invite.edit", { who: shown }), "aria-describedby": why ? `why-${id}` : null },
      row.state !== "good" && element("span", { class: "mark", "aria-hidden": "true" }, row.state === "bad" ? "!" : row.state === "doubt" ? "?" : "="),
      row.name && [isolated(row.name, { class: "who" }), " "], isolated(row.address || row.input, { dir: "ltr" }), language && [" ", element("span", { class: "badge" }, language)]);
    const remove = button("remove", { class: "chip-remove", "aria-label": text("invite.remove", { who }) }, "×");
    const drop = droppable(row);
    const fix = drop ? button("drop", { class: "small plain", "aria-label": text("invite.drop.who", { what: text(`invite.drop.${drop}`), who }) }, text(`invite.drop.${drop}`))
      : row.suggestion && row.state !== "again" && !row.refused && button("suggest", { class: "small plain" }, text("invite.use", { address: row.suggestion }));
    return element("li", { class: `chip ${row.state}`, dataset: { row: id } }, main, why && element("span", { class: "why", id: `why-${id}` }, why), fix, remove);
  }

  #rowAt(target) {
    const id = Number(target.closest("li")?.dataset.row);
    return this.#rows.list.find((row) => row.id === id);
  }

  #clicked(event) {
    const button = event.target.closest("button[data-todo]");
    const row = button && this.#rowAt(button);
    if (row) this.#act(button.dataset.todo, row, button);
  }

  #act(todo, row, button) {
    if (todo === "edit") return this.#edit(row, button.closest("li"));
    const at = [...this.list.children].indexOf(button.closest("li"));
    if (todo === "remove") this.#rows.remove(row);
    else this.#rows.replace(row, [todo === "drop" ? { ...row, [droppable(row)]: null } : { input: row.suggestion, address: row.suggestion, name: row.name }]);
    this.#refresh();
    return this.#focusNear(at);
  }

  #edit(row, item) {
    const at = [...this.list.children].indexOf(item);
    this.#editing = row;
    let done = false;
    const end = (save, focus) => {
      if (done) return;
      done = true;
      this.#editing = null;
      this.#drawn.delete(row);
      const value = field.value.trim();
      if (save && value !== asText(row)) {
        const people = [...readPaste(value)];
        this.#rows.replace(row, people);
        this.#refresh();
      } else {
        this.draw();
      }
      if (focus) this.#focusNear(at, save ? null : row.id);
    };
    const field = element("input", { type: "text", class: "chip-edit", value: asText(row), spellcheck: false, autocapitalize: "none", autocomplete: "off", "aria-label": text("invite.edit", { who: asText(row) }), "aria-describedby": reasonOf(row) ? `why-${row.id}` : null, on: {
      keydown: (event) => {
        event.stopPropagation();
        if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
        event.preventDefault();
        end(event.key === "Enter", true);
      },
      blur: () => end(true, false),
    } });
    item.classList.add("editing");
    item.querySelector(".chip-main").replaceWith(field);
    for (const button of item.querySelectorAll("button")) button.remove();
    field.focus();
    field.select();
  }

  // Where the work goes on: the row itself, or whoever has taken its place, or the box.
  #focusNear(at, id = null, todo = "edit") {
    const items = [...this.list.children];
    const item = items.find(({ dataset }) => Number(dataset.row) === id) ?? items[Math.min(at, items.length - 1)];
    const next = item?.querySelector(`[data-todo="${todo}"]`) ?? item?.querySelector("button") ?? this.input;
    this.#makeCurrent(next);
    next.focus();
  }

  #stops() {
    return [...this.list.querySelectorAll("button")];
  }

  // The list is one stop for the Tab key; inside it, the arrow keys move.
  #makeCurrent(button) {
    for (const other of this.list.querySelectorAll('button[tabindex="0"]')) other.tabIndex = -1;
    if (button && this.list.contains(button)) button.tabIndex = 0;
  }

  #keyInList(event) {
    const button = event.target.closest("button");
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.#act("remove", this.#rowAt(button), button);
      return;
    }
    const forward = direction() === "rtl" ? "ArrowLeft" : "ArrowRight";
    const stops = this.#stops();
    const rows = stops.filter((stop) => stop.matches(".chip-main"));
    const from = rows.indexOf(button.closest("li").querySelector(".chip-main"));
    const to = { Home: stops[0], End: stops.at(-1), ArrowDown: rows[from + 1], ArrowUp: rows[from - 1] }[event.key]
      ?? (/^Arrow(Left|Right)$/.test(event.key) ? stops[stops.indexOf(button) + (event.key === forward ? 1 : -1)] : null);
    if (!to) return;
    event.preventDefault();
    this.#makeCurrent(to);
    to.focus();
  }

  #showMore() {
    const from = this.list.children.length;
    this.#limit += 2 * A_WINDOW;
    this.draw();
    this.#focusNear(from);
  }
}
