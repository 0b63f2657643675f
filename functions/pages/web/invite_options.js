// What holds for everybody in the Invite dialog: language, groups, message, lifetime, and whether mail is sent.
import { element } from "./dom.js";
import { addLanguages, languages, number, text } from "./texts.js";
import { checkGroups } from "./invite_rows.js";

const MOST_LETTERS = 1000;
const asGroups = (value) => [...new Set(value.split(/[\s,;]+/).filter(Boolean))];
const letters = (value) => [...value.trim().normalize("NFC")].length;

export class Options {
  #administrator;
  #checks = new Map();

  constructor({ administrator, changed, see }) {
    this.#administrator = administrator;
    const on = { input: (event) => { this.#clear(event.target); changed(); } };
    this.language = element("select", { id: "invite-language", on },
      element("option", { value: "" }, text("invite.language_default")));
    addLanguages(this.language, languages());
    this.groups = element("input", { id: "invite-groups", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: false, dir: "auto", on });
    this.days = element("input", { id: "invite-days", type: "number", min: 1, max: 365, step: 1, inputMode: "numeric", on });
    this.message = element("textarea", { id: "invite-message", rows: 3, dir: "auto", on: { input: (event) => { this.#count(); on.input(event); } } });
    this.counted = element("span", { id: "invite-message-count", class: "help" });
    const way = (value, label) => element("label", {}, element("input", { type: "radio", name: "invite-notify", value, checked: value === "mail", on }), text(label));
    this.element = element("div", { class: "options" },
      this.#field(this.language, "invite.language", text("invite.language_help"), () => null),
      this.#field(this.days, "invite.days", [text("invite.message_help"), " ", text("invite.days_help")], () => (this.days.validity.valid ? null : "days")),
      this.#field(this.groups, "invite.groups", text("invite.groups_help"), () => checkGroups(asGroups(this.groups.value), this.#administrator)),
      this.#field(this.message, "invite.message", [text("invite.message_help"), " ", this.counted], () => this.#checkMessage()),
      element("p", { class: "invite-see" }, element("button", { type: "button", class: "plain small", on: { click: see } }, text("invite.see"))),
      this.ways = element("fieldset", {}, element("legend", {}, text("invite.way")), way("mail", "invite.way_mail"), way("links", "invite.way_links")));
    this.#count();
  }

  /** Takes in what the tenant has decided: what holds for a lifetime that is not typed, and languages of its own. */
  know({ settings, defaults, locales }) {
    this.days.placeholder = settings.expires_in_days ?? defaults.expires_in_days;
    addLanguages(this.language, locales);
  }

  #field(control, label, help, check) {
    const error = element("p", { class: "error", id: `${control.id}-error`, role: "alert", hidden: true });
    this.#checks.set(control, { check, error });
    control.setAttribute("aria-describedby", `${control.id}-help ${error.id}`);
    return element("div", { class: `field ${control.id}` }, element("label", { htmlFor: control.id }, text(label)), control,
      element("p", { class: "help", id: `${control.id}-help` }, help), error);
  }

  #count() {
    this.counted.textContent = text("invite.message_count", { n: number(letters(this.message.value)), most: number(MOST_LETTERS) });
  }

  #checkMessage() {
    if (letters(this.message.value) > MOST_LETTERS) return "message";
    return /[^\P{Cc}\n\r\t]/u.test(this.message.value) ? "message_control" : null;
  }

  #clear(control) {
    const entry = this.#checks.get(control);
    if (!entry) return;
    entry.error.hidden = true;
    control.removeAttribute("aria-invalid");
  }

  /** Whether all can be sent as it is. What can't says why, and the first of it gets the focus. */
  check() {
    let first = null;
    for (const [control, { check, error }] of this.#checks) {
      const wrong = check();
      error.hidden = !wrong;
      if (!wrong) {
        control.removeAttribute("aria-invalid");
        continue;
      }
      error.textContent = text(`invite.bad.${wrong}`);
      control.setAttribute("aria-invalid", "true");
      first ??= control;
    }
    first?.focus();
    return !first;
  }

  get values() {
    return {
      locale: this.language.value, groups: asGroups(this.groups.value), message: this.message.value.trim(), days: Number(this.days.value) || undefined,
      notify: this.ways.querySelector(":checked").value === "mail",
    };
  }

  set values({ locale = "", groups = [], message = "", days = "", notify = true } = {}) {
    addLanguages(this.language, [locale]);
    this.language.value = locale;
    this.groups.value = groups.join(", ");
    this.message.value = message;
    this.days.value = days;
    this.ways.querySelector(`[value="${notify ? "mail" : "links"}"]`).checked = true;
    this.#count();
  }

  /** Whether anything is not as it is at first. */
  get touched() {
    const { locale, groups, message, days, notify } = this.values;
    return Boolean(locale || groups.length || message || days || !notify);
  }
}
