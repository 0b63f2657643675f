// The Mail view: every word of the invitation in every language, with what people will see of it beside. What is typed is kept
// until it is saved or discarded, whatever comes between.
import { announce, ask, element, once, toast } from "./dom.js";
import { explain } from "./api.js";
import { choose, language, nameOf, nearest, relative, text } from "./texts.js";
import { memory, mine, session } from "./sign_in.js";
import { go } from "./place.js";
import { explained } from "./words.js";
import { PARTS, askLanguage, changesView, putCaret, variablesView, wellFormed } from "./mail_parts.js";
import { Preview } from "./mail_preview.js";
import { problemBox } from "./problem_box.js";
import { askBeforeClosing, saidOf, versionOf } from "./unsaved.js";

const ROWS = { subject: 2, text: 14, html: 24 };
const PAUSE = 400; // after the last key, before the preview is asked for
const KEPT = "usher.mail";

// What was typed and is not saved, by language: {version, subject, text, html}. The version is the one that it came from.
let kept = null;
const drafts = () => { kept ??= memory.get(mine(KEPT)) ?? {}; return kept; };
function keep(locale, draft) {
  const all = drafts();
  if (draft) all[locale] = draft;
  else delete all[locale];
  if (Object.keys(all).length > 0) memory.set(mine(KEPT), all);
  else memory.drop(mine(KEPT));
}
askBeforeClosing(() => Object.keys(drafts()).length > 0);

let current = null;

/** Shows the mail in a language: that of the place, else the page's. */
export async function show(root, title, on) {
  current?.end();
  const focused = root.contains(document.activeElement);
  if (!root.firstChild) root.replaceChildren(title, element("p", { class: "loading", role: "status" }, text("common.loading")));
  current = new Mail(root, title);
  await current.open(on);
  if (focused && !root.contains(document.activeElement)) root.querySelector("#mail-language")?.focus();
}

export function leave() {
  current?.end();
  current = null;
  if (Object.keys(drafts()).length > 0) toast(text("decided.kept"));
}

const path = (locale, rest = "") => `/v1/templates/${encodeURIComponent(locale)}${rest}`;
const same = (one, other) => PARTS.every((part) => one[part] === other[part]);

class Mail {
  #root; #title; #list; #saved; #locale;
  #fields = {};
  #errors = {};
  #last = null; // where a variable is inserted
  #notice = element("div");
  #state = element("p", { class: "quiet", role: "status" });
  #changes = element("div", { class: "changes", hidden: true });
  #preview; #bare; #reminder; #ways; #reset; #discard;
  #timer = null;
  #asked = null;

  constructor(root, title) {
    this.#root = root;
    this.#title = title;
  }

  end() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
  }

  async open(on) {
    const again = () => this.open(on);
    const list = await session.call("GET", "/v1/templates");
    if (current !== this) return;
    if (!list.ok) return this.#failed(list.problem, again);
    this.#list = list.body;
    const tags = this.#list.templates.map(({ locale }) => locale);
    this.#locale = (on && wellFormed(on)) || nearest(choose([language()]), tags) || tags[0];
    const answer = await session.call("GET", path(this.#locale, "?or=english"));
    if (current !== this) return;
    if (!answer.ok) return this.#failed(answer.problem, again);
    this.#saved = answer.body;
    this.#draw();
  }

  // Whoever can't be shown one language can go to another.
  #failed(problem, again) {
    this.#root.replaceChildren(this.#locale ? element("div", { class: "view-head" }, this.#title, this.#languages()) : this.#title, problemBox(problem, again));
    this.#title.focus();
  }

  get #typed() { return Object.fromEntries(PARTS.map((part) => [part, this.#fields[part].value])); }
  get #draft() { return drafts()[this.#locale]; }
  get #version() { return (this.#saved.unreadable ? null : this.#draft?.version) ?? versionOf(this.#saved); }

  #draw() {
    this.#preview = new Preview({ label: text("mail.changes"), element: this.#changes });
    const button = (key, className, run, busy) => {
      const made = element("button", { type: "button", class: className, on: { click: () => once(made, busy && text(busy), () => run.call(this)) } }, text(key));
      return made;
    };
    this.#reset = this.#saved.built_in ? button("mail.reset", "plain", this.#toBuiltIn) : button("mail.delete", "plain", this.#delete);
    this.#discard = button("decided.discard", "plain", this.#throwAway);
    this.#ways = element("div", { class: "view-ways" }, button("common.save", "", this.#save, "common.saving"), button("mail.test", "plain", this.#test, "mail.testing"), this.#discard, this.#reset);
    const choice = () => element("input", { type: "checkbox", on: { change: () => this.#ask() } });
    [this.#bare, this.#reminder] = [choice(), choice()];
    const sample = element("div", { class: "ways" }, element("label", {}, this.#bare, text("mail.bare")), element("label", {}, this.#reminder, text("mail.reminder")));
    const editor = element("form", { class: "editor", noValidate: true, on: { submit: (event) => event.preventDefault() } }, PARTS.map((part) => this.#field(part)));
    editor.addEventListener("input", () => this.#changed());
    editor.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "s") return;
      if (!(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#ways.firstChild.click();
    });
    this.#root.replaceChildren(
      element("div", { class: "view-head" }, this.#title, this.#languages(), this.#state), this.#notice,
      element("div", { class: "mail-view" }, editor, variablesView(this.#list.variables, (words, back) => this.#insert(words, back)),
        element("section", { class: "seen", "aria-labelledby": "mail-seen", tabIndex: 0 }, element("h3", { id: "mail-seen" }, text("mail.preview")), sample, this.#preview.element)),
      this.#ways);
    this.#fill(this.#draft ?? this.#saved);
    if (this.#saved.unreadable) this.#notice.replaceChildren(element("p", { class: "warning" }, saidOf(this.#saved)));
    else if (this.#draft && this.#draft.version !== versionOf(this.#saved)) this.#conflict(this.#saved);
  }

  #field(part) {
    const id = `mail-${part}`;
    const error = element("div", { id: `${id}-error`, role: "status" });
    const field = element("textarea", { id, rows: ROWS[part], dir: "auto", spellcheck: part !== "html", autocomplete: "off", class: part === "html" ? "code" : "", "aria-describedby": error.id });
    // Where somebody writes, not what they pass on their way to the variables.
    for (const event of ["input", "pointerdown", "keydown"]) field.addEventListener(event, ({ key }) => { if (!["Tab", "Shift"].includes(key)) this.#last = field; });
    if (part !== "html") field.lang = this.#locale;
    else field.dir = "ltr";
    this.#fields[part] = field;
    this.#errors[part] = error;
    return element("div", { class: "field" }, element("label", { htmlFor: id }, text(`mail.${part}`)), error, field);
  }

  #languages() {
    const listed = this.#list.templates;
    const others = [this.#locale, ...Object.keys(drafts())].filter((tag) => !listed.some(({ locale }) => locale === tag));
    const all = [...listed, ...[...new Set(others)].map((locale) => ({ locale }))];
    const options = all.map(({ locale, source }) => ({ locale, name: source === "own" ? text("mail.own", { language: nameOf(locale) }) : nameOf(locale) }))
      .sort((one, other) => one.name.localeCompare(other.name, language()))
      .map(({ locale, name }) => element("option", { value: locale, lang: locale, selected: locale === this.#locale }, name));
    const select = element("select", { id: "mail-language", on: { change: () => {
      const tag = select.value;
      select.value = this.#locale;
      if (tag) go({ view: "mail", on: tag });
      else askLanguage((tag) => go({ view: "mail", on: tag }));
    } } }, options, element("option", { value: "" }, text("mail.another")));
    return element("div", { class: "field" }, element("label", { htmlFor: select.id }, text("common.language")), select);
  }

  // The old command, as nothing else leaves the browser's own way to undo what was typed.
  #insert(words, back) {
    const field = this.#last ?? this.#fields.text;
    field.focus();
    if (!document.execCommand("insertText", false, words)) {
      field.setRangeText(words, field.selectionStart, field.selectionEnd, "end");
      this.#changed();
    }
    field.setSelectionRange(field.selectionEnd - back, field.selectionEnd - back);
  }

  #fill(content) {
    for (const part of PARTS) this.#fields[part].value = content[part];
    for (const part of PARTS) this.#clear(part);
    this.#drawState();
    this.#ask();
  }

  #changed() {
    const typed = this.#typed;
    keep(this.#locale, same(typed, this.#saved) ? null : { version: this.#version, ...typed });
    this.#drawState();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  #drawState() {
    const { source, changed_at: at, changed_by: by } = this.#saved;
    this.#discard.hidden = !this.#draft;
    this.#reset.hidden = source !== "own";
    const said = source === "own" ? [at && text("decided.saved", { when: relative(at), who: by?.name ?? by?.id ?? "" })] : source === "built_in" ? [text("mail.built_in")] : [];
    const words = [...said, this.#draft && text("decided.unsaved")].filter(Boolean).join(" ");
    if (this.#state.textContent !== words) this.#state.textContent = words;
  }

  // --- What the server says of it ---

  get #sample() {
    const optional = this.#list.variables.filter(({ optional, kind }) => optional && kind !== "flag");
    return { sample: { without: this.#bare.checked ? optional.map(({ name }) => name) : [], reminder: this.#reminder.checked } };
  }

  async #ask() {
    this.end();
    const { built_in: from } = this.#saved;
    this.#changes.replaceChildren(...(from ? changesView(from, this.#typed) : [element("p", { class: "quiet" }, text("mail.no_built_in"))]));
    const asked = new AbortController();
    this.#asked = asked;
    const answer = await session.call("POST", path(this.#locale, "/preview"), { ...this.#typed, ...this.#sample }, { signal: asked.signal });
    if (asked.signal.aborted) return;
    for (const part of PARTS) this.#clear(part);
    if (answer.ok) return this.#preview.show(answer.body);
    if (this.#refused(answer.problem)) return this.#preview.notice.replaceChildren(element("p", { class: "warning" }, text("mail.stale")));
    return this.#preview.notice.replaceChildren(problemBox(answer.problem, () => this.#ask()));
  }

  #clear(part) {
    this.#errors[part].replaceChildren();
    this.#fields[part].removeAttribute("aria-invalid");
  }

  // Whether it was a flaw of the mail, which is then said beside its part. Who has asked for more than a preview is taken there.
  #refused(problem, takeThere = false) {
    const field = this.#fields[problem.part];
    if (problem.code !== "template_refused" || !field) return false;
    const { line, column } = problem;
    // The server says for itself where it is, for those who have nothing but its sentence.
    const detail = problem.detail.replace(/^In the \w+( \(line \d+, column \d+\))?: ./, (start) => start.at(-1).toUpperCase());
    const at = () => {
      this.#last = field;
      putCaret(field, line, column);
    };
    this.#errors[problem.part].replaceChildren(element("p", { class: "error" },
      line && element("strong", {}, text("mail.place", { line, column }), " "), element("span", { lang: "en", dir: "ltr" }, detail)),
    line ? element("button", { type: "button", class: "link", on: { click: at } }, text("mail.go_there")) : "");
    field.setAttribute("aria-invalid", "true");
    if (takeThere) at();
    return true;
  }

  #say(problem, again) {
    if (current === this && this.#refused(problem, true)) return;
    toast(explained(explain(problem), "span"), { kind: "alert", action: again && { label: text("common.retry"), run: again } });
  }

  async #save() {
    this.end();
    const sent = this.#typed;
    const answer = await session.call("PUT", path(this.#locale), sent, { version: this.#version });
    if (answer.problem?.status === 412) return this.#meanwhile();
    if (!answer.ok) return this.#say(answer.problem);
    this.#took(answer.body, sent);
    return toast(text("mail.said_saved"));
  }

  // What is saved is known again. What was typed since then is a change of that, also in the view that has taken this one's place.
  #took(saved, sent) {
    if (current !== this) {
      const draft = this.#draft;
      if (draft) keep(this.#locale, same(draft, sent) ? null : { ...draft, version: versionOf(saved) });
      if (current?.#list) current.#enter(saved);
      return current?.again(this.#locale);
    }
    this.#saved = saved;
    const typed = this.#typed;
    keep(this.#locale, same(typed, sent) || same(typed, saved) ? null : { version: versionOf(saved), ...typed });
    this.#enter(saved);
    this.#notice.replaceChildren();
    this.#drawState();
    return this.#ask();
  }

  // In the list of languages, and its select.
  #enter(saved) {
    const entry = this.#list.templates.find(({ locale }) => locale === saved.locale);
    if (entry) Object.assign(entry, { source: saved.source, version: saved.version });
    else this.#list.templates.push(saved);
    const select = this.#root.querySelector("#mail-language");
    const focused = select === document.activeElement;
    const field = this.#languages();
    select?.closest(".field").replaceWith(field);
    if (focused) field.querySelector("select").focus();
  }

  /** Shows the language anew, if it is the one that is shown, since something has become of it elsewhere. */
  again(locale) {
    return this.#locale === locale ? show(this.#root, this.#title, locale) : undefined;
  }

  async #test() {
    const answer = await session.call("POST", path(this.#locale, "/test"), { ...this.#typed, ...this.#sample });
    if (!answer.ok) return this.#say(answer.problem);
    return toast(text("mail.tested", { to: answer.body.to }));
  }

  #throwAway() {
    const draft = this.#draft;
    keep(this.#locale, null);
    this.#notice.replaceChildren();
    this.#fill(this.#saved);
    this.#fields.subject.focus();
    const back = () => {
      if (current !== this) return;
      keep(this.#locale, draft);
      this.#fill(draft);
    };
    toast(text("decided.discarded"), { action: { label: text("common.undo"), run: back } });
  }

  async #delete() {
    if (await ask({ title: text("mail.delete"), body: text("mail.delete.text"), confirm: text("mail.delete"), danger: true })) await this.#toBuiltIn();
  }

  async #toBuiltIn() {
    const before = this.#typed;
    const answer = await session.call("DELETE", path(this.#locale), undefined, { version: versionOf(this.#saved) });
    if (answer.problem?.status === 412) return this.#meanwhile();
    if (!answer.ok) return this.#say(answer.problem);
    const old = this.#saved;
    keep(this.#locale, null);
    if (current === this && !old.built_in) {
      go({ view: "mail", on: "" });
    } else {
      await current?.again(this.#locale);
      this.#title.focus();
    }
    const back = async () => {
      const answer = await session.call("PUT", path(old.locale), { subject: old.subject, text: old.text, html: old.html }, { version: versionOf({ version: 0 }) });
      if (answer.ok && !same(before, old)) keep(old.locale, { version: versionOf(answer.body), ...before });
      if (!answer.ok) return toast(explain(answer.problem).detail, { kind: "alert", action: { label: text("common.retry"), run: back } });
      return old.built_in || !current ? current?.again(old.locale) : go({ view: "mail", on: old.locale });
    };
    return toast(text(old.built_in ? "mail.was_reset" : "mail.deleted"), { action: { label: text("common.undo"), run: back } });
  }

  // --- Somebody else has saved meanwhile ---

  async #meanwhile() {
    const answer = await session.call("GET", path(this.#locale, "?or=english"));
    if (!answer.ok) return this.#say(answer.problem, () => this.#meanwhile());
    if (current === this) return this.#conflict(answer.body);
    return toast(`${saidOf(answer.body)} ${text("decided.kept")}`, { kind: "alert" });
  }

  #conflict(theirs) {
    const draft = this.#draft ?? this.#typed;
    const settle = () => {
      this.#notice.replaceChildren();
      this.#saved = theirs;
      this.#fields.html.focus();
    };
    const useMine = () => {
      settle();
      keep(this.#locale, { ...this.#typed, version: versionOf(theirs) });
      this.#drawState();
      announce(text("decided.unsaved"));
    };
    const useTheirs = () => {
      settle();
      keep(this.#locale, null);
      this.#fill(theirs);
      toast(text("decided.discarded"), { action: { label: text("common.undo"), run: () => {
        if (current !== this) return;
        keep(this.#locale, { ...draft, version: versionOf(theirs) });
        this.#fill(draft);
      } } });
    };
    const ways = element("p", { class: "ways" }, element("button", { type: "button", class: "plain small", on: { click: useMine } }, text("mail.use_mine")),
      element("button", { type: "button", class: "plain small", on: { click: useTheirs } }, text("mail.use_theirs")));
    const who = element("p", {}, saidOf(theirs));
    this.#notice.replaceChildren(element("div", { class: "warning" }, element("div", { role: "alert" }, who), ways, element("p", { class: "help" }, text("mail.legend")), changesView(theirs, draft)));
    ways.querySelector("button").focus();
  }
}
