// The Invite dialog: takes people, checks them with a dry run, invites them, and says what became of each.
import { announce, element, once, openDialog, toast } from "./dom.js";
import { explain, isPassing } from "./api.js";
import { languages, need, plural, text } from "./texts.js";
import { explained } from "./words.js";
import { decode, languageReader } from "./csv.js";
import { Rows, packed, unpacked } from "./invite_rows.js";
import { Box, reasonOf } from "./invite_box.js";
import { Options } from "./invite_options.js";
import { leftOut, tableView } from "./invite_table.js";
import { clearDraft, dryRun, invite, loadDraft, newAttempt, saveDraft } from "./invite_send.js";
import { countsView, inWords, linksView, progressView, refusedView, saveResults, warningsView } from "./invite_results.js";

// Nothing is left to do for them, so they leave the box. Whoever else was not invited stays, to be corrected.
const SETTLED = new Set(["invited", "already_invited", "already_registered", "duplicate_in_request"]);
const LARGEST_FILE = 20_000_000;

// The dialog is loaded when it is first opened, and its style with it, unless the page has it already.
if (!document.querySelector('link[href$="/invite.css"]')) {
  await new Promise((resolve) => {
    document.head.append(element("link", { rel: "stylesheet", href: new URL("./invite.css", import.meta.url).href, on: { load: resolve, error: resolve } }));
  });
}

let current = null;

/**
 * Opens the dialog, unless it is open. `session` has `call`, as the API's with the token, and `me`; `onDone({invited, resent})`
 * is called whenever somebody was; `file` is one that was dropped on the page.
 */
export function openInvite({ session, onDone = () => {}, file = null }) {
  current ??= new Invite(session, onDone).open();
  if (file) current.take(file);
}

class Invite {
  #session; #onDone; #dialog; #rows; #box; #options;
  #languageOf = languageReader(languages());
  #attempt = newAttempt();
  #primary; #progress;
  #sending = false;
  #said = "";
  #saving = 0;
  #discardButton = null;

  constructor(session, onDone) {
    this.#session = session;
    this.#onDone = onDone;
    const administrator = session.me?.administrator ?? false;
    const changed = () => this.#changed();
    this.#rows = new Rows({ administrator, languageOf: this.#languageOf });
    this.#options = new Options({ administrator, changed, see: () => this.#seeMail() });
    this.#box = new Box(this.#rows, { changed, openTable: (content) => this.#showTable(content, text("invite.table.pasted"), true), openFile: (file) => this.#openFile(file) });
  }

  open() {
    const leaving = () => this.#save();
    const stay = this.#session.beforeLeave?.(leaving);
    this.#dialog = openDialog({ title: text("invite.title"), className: "invite", content: [], actions: [element("span")], closed: () => {
      removeEventListener("pagehide", leaving);
      stay?.();
      this.#closed();
    } });
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#primary?.click();
    });
    addEventListener("pagehide", leaving);
    this.#compose();
    this.#restore();
    if (this.#session.can("settings:write")) this.#session.call("GET", "/v1/settings").then(({ body }) => body && this.#options.know(body));
    return this;
  }

  /** Takes over a file, whatever the dialog shows. Nothing may take the place of sending, nor of what became of everybody. */
  take(file) {
    return this.#said ? toast(this.#said) : this.#openFile(file);
  }

  #restore() {
    const draft = loadDraft(this.#session);
    if (draft) {
      this.#attempt = draft.attempt ?? this.#attempt;
      this.#options.values = draft.options ?? {};
      this.#box.input.value = draft.typed ?? "";
      if (draft.people.length > 0) this.#box.addPeople(unpacked(draft.people));
    }
  }

  get #empty() {
    return this.#rows.list.length === 0 && this.#box.input.value.trim() === "";
  }

  // A draft is only worth keeping if there is something in it. Answers whether anybody is kept in one.
  #save() {
    clearTimeout(this.#saving);
    this.#saving = 0;
    if (this.#empty && !this.#options.touched) {
      clearDraft(this.#session);
      return false;
    }
    return saveDraft(this.#session, { attempt: this.#attempt, people: this.#rows.list.map(packed), typed: this.#box.input.value, options: this.#options.values }) && !this.#empty;
  }

  #changed() {
    if (this.#saving === 0) this.#saving = setTimeout(() => this.#save(), 400);
    if (this.#discardButton) this.#discardButton.hidden = this.#empty && !this.#options.touched;
  }

  #closed() {
    current = null;
    this.#progress?.halt();
    const kept = this.#save();
    if (!this.#sending && kept) toast(text("invite.kept"));
  }

  /** Replaces what the dialog shows. `heading` is read out; without one, the focus stays where the step puts it. */
  #show(heading, content, actions, primary) {
    const title = heading && element("h3", { tabIndex: -1 }, heading);
    this.#dialog.querySelector(".dialog-body").replaceChildren(...[title, content].flat(Infinity).filter(Boolean));
    this.#dialog.querySelector("footer").replaceChildren(...actions.filter(Boolean));
    this.#primary = primary ?? null;
    this.#dialog.querySelector(".dialog-body").scrollTop = 0;
    title?.focus();
  }

  // Step one: who, and how.

  #compose({ problem, notes = [], focus = this.#box.input } = {}) {
    this.#said = "";
    const next = element("button", { type: "button", on: { click: () => once(next, text("invite.checking"), () => this.#check()) } }, text("invite.next"));
    this.#discardButton = element("button", { type: "button", class: "link discard", on: { click: () => this.#discard() } }, text("invite.discard"));
    this.#box.draw();
    this.#show(null, [problem && this.#problem(problem, next), notes.length > 0 && element("div", { class: "warning", role: "alert" }, notes.map((note) => element("p", {}, note))), this.#box.element, this.#options.element], [this.#discardButton, next], next);
    this.#changed();
    focus?.focus();
  }

  async #seeMail() {
    const came = await Promise.all([import("./mail_preview.js"), need("mail")]).catch(() => null);
    if (came) return came[0].seeMail(this.#session, this.#options.values);
    return toast(explain({ offline: true }).detail, { kind: "alert", action: { label: text("common.retry"), run: () => this.#seeMail() } });
  }

  #problem(problem, again) {
    const words = explain(problem);
    return element("div", { class: "alert", role: "alert" }, element("p", {}, element("strong", {}, words.title)), explained(words),
      problem.request_id && element("p", { class: "quiet" }, text("common.reference", { id: problem.request_id })),
      again && isPassing(problem) && element("button", { type: "button", class: "plain small", on: { click: () => again.click() } }, text("common.retry")));
  }

  #discard() {
    this.#rows.keep(() => false);
    this.#options.values = {};
    this.#box.input.value = "";
    this.#box.say("");
    this.#attempt = newAttempt();
    this.#box.draw();
    this.#save();
    this.#discardButton.hidden = true;
    announce(text("invite.discarded"));
    this.#box.input.focus();
  }

  // A table, from a file or pasted.

  async #openFile(file) {
    const refuse = (why) => {
      if (this.#said) return toast(this.#said);
      if (!this.#box.element.isConnected) this.#compose();
      return this.#box.say(text(`invite.table.${why}`));
    };
    if (file.size > LARGEST_FILE) return refuse("too_large");
    let content;
    try {
      content = decode(new Uint8Array(await file.arrayBuffer()));
    } catch {
      return refuse("unreadable");
    }
    if (content.includes("\0")) return refuse("no_table");
    if (content.trim() === "") return refuse("nobody");
    return this.#showTable(content, file.name, false);
  }

  #showTable(content, name, pasted) {
    // It takes a moment to read a file.
    if (this.#said) return toast(this.#said);
    const view = tableView(content, name, this.#languageOf, pasted);
    const error = element("p", { class: "error", role: "alert", hidden: true }, text("invite.table.no_email"));
    const take = async () => {
      const taken = await view.take();
      error.hidden = taken !== null;
      if (!taken) return;
      this.#compose({ notes: leftOut(taken) });
      if (taken.people.length > 0) await this.#box.addPeople(taken.people);
    };
    const add = element("button", { type: "button", on: { click: () => once(add, text("common.loading"), take) } }, text("invite.table.add"));
    const back = element("button", { type: "button", class: "plain", on: { click: () => this.#compose() } }, text("common.cancel"));
    const plain = pasted && element("button", { type: "button", class: "plain", on: { click: () => { this.#compose(); this.#box.addText(content); } } }, text("invite.table.as_text"));
    return this.#show(text("invite.table.title"), [view.element, error], [back, plain, add], add);
  }

  // Step two: a dry run.

  async #check() {
    await this.#box.finish();
    if (this.#rows.list.length === 0) {
      this.#box.say(text("invite.nobody"));
      return this.#box.input.focus();
    }
    if (!this.#options.check()) return undefined;
    const rows = this.#rows.sendable();
    if (rows.length === 0) {
      this.#box.say(text("invite.nobody_good"));
      return (this.#box.list.querySelector("button") ?? this.#box.input).focus();
    }
    const options = this.#options.values;
    const answer = await dryRun(this.#session, rows, options);
    // Closed meanwhile, or a file was dropped.
    if (!this.#box.element.isConnected) return undefined;
    if (answer.problem) {
      this.#compose({ problem: answer.problem, focus: null });
      return (this.#dialog.querySelector(".alert button") ?? this.#primary).focus();
    }
    return this.#showCheck(rows, options, answer.body);
  }

  #showCheck(rows, options, { results, warnings }) {
    // Who was corrected or removed while the server was asked is not meant any more.
    const meant = new Set(this.#rows.list);
    const entries = [...results.map((result, index) => ({ ...result, row: rows[index] })).filter(({ row }) => meant.has(row)), ...this.#unreadable()];
    this.#remember(entries);
    const refused = entries.filter(({ outcome }) => outcome !== "invited");
    const willing = entries.length - refused.length;
    const doubtful = entries.filter(({ row, outcome }) => outcome === "invited" && row.state === "doubt").length;
    const send = willing > 0 && element("button", { type: "button", on: { click: () => this.#send(rows.filter((row) => meant.has(row) && !row.refused), options) } }, plural(options.notify ? "invite.send" : "invite.send_links", willing));
    // Where nobody is left to be invited, whoever needs nothing more leaves the box as after sending.
    const settled = new Set(entries.filter(({ outcome }) => SETTLED.has(outcome)).map(({ row }) => row));
    const done = () => { this.#rows.keep((row) => !settled.has(row)); this.#dialog.close(); };
    const next = send || element("button", { type: "button", on: { click: done } }, text("invite.done"));
    const back = element("button", { type: "button", class: "plain", on: { click: () => this.#compose() } }, text("common.back"));
    this.#show(willing > 0 ? plural(options.notify ? "invite.ready" : "invite.ready_links", willing) : text("invite.ready_none"),
      [warningsView(warnings ?? []), doubtful > 0 && element("p", { class: "warning" }, plural("invite.doubtful", doubtful)), refused.length > 0 && countsView(entries), refusedView(refused, this.#context(options))], [back, next], next);
  }

  // Those that can't be sent, with the page's own reasons.
  #unreadable() {
    return this.#rows.list.filter(({ state }) => state === "bad" || state === "again").map((row) => ({
      row, outcome: row.refused?.outcome ?? (row.state === "again" ? "duplicate_in_request" : row.email ? "invalid_invitee" : "invalid_email"), own: reasonOf(row), user_id: row.refused?.user_id,
    }));
  }

  // What the server does not take is marked in the box, with its reason, until it is corrected.
  #remember(entries) {
    for (const { row, outcome, detail, own, user_id } of entries) {
      if (!own && !SETTLED.has(outcome) && outcome !== "unavailable") row.refused = { outcome, user_id, words: inWords({ outcome, detail }) };
    }
    this.#rows.settle();
  }

  #context(options, settled = () => {}) {
    return {
      session: this.#session, options, leave: () => this.#dialog.close(),
      onResent: (rows) => {
        this.#rows.keep((row) => !rows.includes(row));
        this.#save();
        settled();
        this.#onDone({ invited: 0, resent: rows.length });
      },
    };
  }

  // Step three: sending, request by request.

  async #send(rows, options) {
    if (this.#sending) return;
    this.#sending = true;
    this.#said = text("invite.sending");
    const entries = [];
    const view = progressView(rows.length, (problem) => this.#problem(problem));
    this.#progress = view;
    this.#show(text("invite.sending"), view.content, [view.stop]);
    const left = await invite(this.#session, rows, options, this.#attempt, {
      each: (part, results) => {
        results.forEach((result, index) => entries.push({ ...result, row: part[index] }));
        view.advance(entries.length);
        return !view.stopped;
      },
      failed: (problem) => view.ask(problem, (retry) => { this.#primary = retry; }),
    });
    this.#sending = false;
    this.#finish(entries, left, options);
  }

  // Step four: what became of each.

  #finish(entries, left, options) {
    const unreadable = this.#unreadable();
    const handled = new Set(entries.filter(({ outcome }) => SETTLED.has(outcome)).map(({ row }) => row));
    const keys = new Set([...handled].map(({ key }) => key));
    this.#remember(entries);
    this.#rows.keep((row) => !handled.has(row) && !(row.state === "again" && keys.has(row.key)));
    // What was not answered is still the same attempt: sent again as it is, it must find its keys.
    if (left.length === 0) this.#attempt = newAttempt();
    const kept = this.#save();
    const invited = entries.filter(({ outcome }) => outcome === "invited").length;
    this.#onDone({ invited, resent: 0 });
    if (!this.#dialog.open) return toast(plural("invite.invited", invited) + (kept ? ` ${text("invite.kept")}` : ""));
    const everybody = [...entries, ...unreadable];
    const refused = everybody.filter(({ outcome }) => outcome !== "invited");
    const done = element("button", { type: "button", on: { click: () => this.#dialog.close() } }, text("invite.done"));
    const correct = element("button", { type: "button", class: "plain", on: { click: () => this.#compose() } });
    const save = element("button", { type: "button", class: "plain", on: { click: () => saveResults([...everybody, ...left.map((row) => ({ row, outcome: "not_sent", own: text("invite.not_sent") }))]) } }, text("invite.save"));
    const stays = element("p", { class: "help" });
    const count = () => {
      const rest = this.#rows.list.length;
      correct.hidden = stays.hidden = rest === 0;
      correct.textContent = plural("invite.correct", rest);
      stays.textContent = plural("invite.stays", rest);
    };
    count();
    this.#said = plural(options.notify ? "invite.invited" : "invite.made", invited);
    return this.#show(this.#said,
      [left.length > 0 && element("p", { class: "warning" }, plural("invite.left", left.length)), refused.length > 0 && countsView(everybody, true),
        linksView(entries), refusedView(refused, this.#context(options, count)), stays], [save, correct, done], done);
  }
}
