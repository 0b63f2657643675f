// What a person will see of a mail: as their program shows it, wide or narrow, light or dark, and as plain text.
//
// The mail's HTML is somebody else's, and its styles stand in itself, which this page's policy forbids. So it is shown in a
// document with a policy of its own: one that runs nothing, follows nothing, and loads nothing but pictures.
import { element, isolated, openDialog } from "./dom.js";
import { text } from "./texts.js";
import { problemBox } from "./problem_box.js";
import { withStyle } from "./style.js";

await withStyle(new URL("./mail.css", import.meta.url).href);

const WIDTHS = { desktop: 700, phone: 375 };
let made = 0;

export class Preview {
  #mail = null;
  #scheme = "light";
  #facts = element("dl");
  #plain = element("pre", { hidden: true });
  #stage = element("div", { class: "stage", dir: "ltr" });
  #more = null;
  #frame; #shown;
  #conditions = new WeakMap(); // rule -> as the mail has it

  /** `more` is {label, element}: what else can be chosen to be seen. */
  constructor(more = null) {
    this.#more = more;
    this.#frame = element("iframe", { title: text("mail.preview"), src: new URL("./mail_frame.html", import.meta.url).href, on: { load: () => this.#write() } });
    this.#frame.setAttribute("sandbox", "allow-same-origin");
    this.#stage.append(this.#frame);
    const name = `preview-${++made}`;
    const way = (value, label) => element("label", {}, element("input", { type: "radio", name, value, checked: value === (matchMedia("(width < 700px)").matches ? "phone" : "desktop"), on: { change: () => this.#draw() } }), label);
    const dark = element("label", {}, element("input", { type: "checkbox", on: { change: ({ target }) => { this.#scheme = target.checked ? "dark" : "light"; this.#light(); } } }), text("mail.dark"));
    this.#shown = element("fieldset", { class: "ways" }, element("legend", { class: "visually-hidden" }, text("mail.preview")),
      way("desktop", text("mail.desktop")), way("phone", text("mail.phone")), way("text", text("mail.text")), more && way("more", more.label), dark);
    this.notice = element("div", { role: "status" });
    this.element = element("div", { class: "preview-box" }, this.#shown, this.notice, this.#facts, this.#stage, this.#plain, more?.element);
    new ResizeObserver(() => this.#fit()).observe(this.#stage);
    this.#draw();
  }

  /** Shows a rendered mail. */
  show(mail) {
    this.#mail = mail;
    this.notice.replaceChildren();
    const facts = [["mail.from", mail.from], ["mail.to", mail.to], ["mail.reply_to", mail.reply_to], ["mail.subject", mail.subject]];
    this.#facts.replaceChildren(...facts.filter(([, value]) => value).map(([key, value]) => element("div", {}, element("dt", {}, text(key)), element("dd", {}, isolated(value)))));
    this.#plain.replaceChildren(element("span", { lang: mail.locale }, mail.text));
    this.#write();
  }

  // The frame's document, once it is there: what is in its place before has this page's policy.
  get #inside() {
    const inside = this.#frame.contentDocument;
    return inside?.URL === this.#frame.src ? inside : null;
  }

  #draw() {
    const chosen = this.#shown.querySelector('[type="radio"]:checked').value;
    this.#stage.hidden = !(chosen in WIDTHS);
    this.#plain.hidden = chosen !== "text";
    this.#facts.hidden = chosen === "more";
    if (this.#more) this.#more.element.hidden = chosen !== "more";
    this.#frame.style.inlineSize = `${WIDTHS[chosen] ?? WIDTHS.desktop}px`;
    this.#fit();
  }

  // The page's scripts may reach into the frame, but nothing in it can run: its parser makes elements of the text, and they
  // take the place of those that are there.
  #write() {
    const inside = this.#inside;
    if (!this.#mail || !inside) return;
    const parsed = new this.#frame.contentWindow.DOMParser().parseFromString(this.#mail.html, "text/html");
    inside.replaceChild(inside.adoptNode(parsed.documentElement), inside.documentElement);
    // A link would show in the frame what it leads to.
    inside.onclick = (event) => event.preventDefault();
    inside.addEventListener("load", () => this.#fit(), { capture: true });
    this.#light();
  }

  // What the mail says for light and for dark programs holds as it is chosen here, not as this browser is.
  #light() {
    const inside = this.#inside;
    if (!inside) return;
    inside.documentElement.style.setProperty("color-scheme", this.#scheme, "important");
    const rules = [...inside.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule.media);
    for (const rule of rules) {
      if (!this.#conditions.has(rule)) this.#conditions.set(rule, rule.media.mediaText);
      rule.media.mediaText = this.#conditions.get(rule).replace(/\(prefers-color-scheme:\s*(\w+)\)/gi, (_, scheme) => (scheme === this.#scheme ? "(min-width: 0px)" : "(max-width: 0px)"));
    }
    this.#fit();
  }

  // As high as the mail, and if there is less room than the program has, as small as it has to be.
  #fit() {
    const root = this.#inside?.documentElement;
    if (this.#stage.hidden || !root) return;
    this.#frame.style.blockSize = "0";
    const [height, width] = [root.scrollHeight, this.#frame.offsetWidth];
    const scale = Math.min(1, this.#stage.clientWidth / width);
    this.#frame.style.blockSize = `${height}px`;
    this.#frame.style.transform = scale < 1 ? `scale(${scale})` : "";
    this.#stage.style.blockSize = `${Math.ceil(height * scale)}px`;
  }
}

/** Asks for the mail that an invitation would send, and shows it in a dialog. */
export async function seeMail(session, { locale, message, days }) {
  const preview = new Preview();
  openDialog({ title: text("mail.preview"), content: preview.element, className: "see-mail" });
  const load = async () => {
    const said = message ? { message } : { sample: { without: ["message"] } };
    // `und` is a language that is not known.
    const answer = await session.call("POST", `/v1/templates/${locale || "und"}/preview`, { ...said, expires_in_days: days });
    if (answer.ok) preview.show(answer.body);
    else preview.notice.replaceChildren(problemBox(answer.problem, load));
  };
  return load();
}
