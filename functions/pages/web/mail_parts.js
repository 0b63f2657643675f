// What stands around the parts of a mail in the Mail view: its variables, what differs, and the way to another language.
import { element, openDialog } from "./dom.js";
import { has, text } from "./texts.js";
import { quoted } from "./words.js";
import { differences, shortened } from "./lines.js";

/** What a mail consists of. */
export const PARTS = ["subject", "text", "html"];

/** Asks for a language that there is no mail in yet; `begin` gets its tag. */
export function askLanguage(begin) {
  const field = element("input", { id: "mail-tag", dir: "ltr", autocomplete: "off", autocapitalize: "none", spellcheck: false, maxLength: 35, "aria-describedby": "mail-tag-error" });
  const error = element("p", { class: "error", id: "mail-tag-error", role: "alert" });
  const form = element("form", { id: "mail-another", on: { submit: (event) => {
    event.preventDefault();
    const tag = wellFormed(field.value.trim());
    error.textContent = tag ? "" : text("mail.tag_bad");
    if (!tag) return field.focus();
    dialog.close("");
    return begin(tag);
  } } }, element("div", { class: "field" }, element("label", { htmlFor: field.id }, text("mail.tag")), field, error));
  const start = element("button", { type: "submit" }, text("mail.begin"));
  start.setAttribute("form", form.id);
  const dialog = openDialog({ title: text("mail.another"), content: form, actions: [start], className: "ask" });
  field.focus();
}

/** All variables; who presses one has it written: `write` gets the words, and how far before their end one goes on. */
export function variablesView(variables, write) {
  const insert = ({ name, kind }) => () => {
    const flag = kind === "flag";
    write(flag ? `{{#if ${name}}}{{/if}}` : `{{${name}}}`, flag ? "{{/if}}".length : 0);
  };
  // One that is newer than this page's sentences is said in the server's.
  const meaning = ({ name, meaning }) => (has(`mail.variable.${name}`) ? text(`mail.variable.${name}`) : quoted(meaning));
  const described = (variable) => [
    element("dt", {}, element("button", { type: "button", class: "link", on: { click: insert(variable) } }, element("code", { dir: "ltr" }, `{{${variable.name}}}`))),
    element("dd", {}, meaning(variable), variable.optional && element("span", { class: "quiet" }, ` (${text("mail.optional")})`)),
  ];
  return element("details", { class: "variables", open: matchMedia("(width >= 1200px)").matches }, element("summary", {}, element("strong", {}, text("mail.variables"))),
    element("p", { class: "help" }, text("mail.variables_help")), element("dl", {}, variables.map((variable) => element("div", {}, described(variable)))));
}

/** What differs, part by part. */
export function changesView(before, after) {
  const parts = PARTS.filter((part) => before[part] !== after[part]);
  if (parts.length === 0) return [element("p", { class: "quiet" }, text("mail.same"))];
  const tags = { gone: "del", new: "ins", same: "span", gap: "span" };
  const signs = { gone: "− ", new: "+ ", same: "  ", gap: "⋯" };
  return parts.flatMap((part) => [element("p", {}, element("strong", {}, text(`mail.${part}`))),
    element("pre", { class: "lines", tabIndex: 0 }, shortened(differences(before[part], after[part])).map(({ kind, line }) => element(tags[kind], {}, `${signs[kind]}${line}`)))]);
}

/** Puts the caret where the server says; lines and columns count from one, and columns are characters. */
export function putCaret(field, line, column) {
  const lines = field.value.split("\n");
  const before = lines.slice(0, (line ?? 1) - 1).join("\n").length + (line > 1 ? 1 : 0);
  const at = before + [...(lines[(line ?? 1) - 1] ?? "")].slice(0, (column ?? 1) - 1).join("").length;
  field.focus();
  field.setSelectionRange(at, at);
  field.scrollTop = Math.max(0, field.scrollHeight * ((line ?? 1) - 1) / lines.length - field.clientHeight / 2);
}

/** The tag as it is written, if it is one that the API takes, too: browsers know longer ones. */
export function wellFormed(tag) {
  try {
    const [found] = Intl.getCanonicalLocales(tag.replaceAll("_", "-"));
    return /^(?!und)[a-z]{2,3}(-\w{2,})*$/.test(found) && found.length <= 35 ? found : undefined;
  } catch {
    return undefined;
  }
}
