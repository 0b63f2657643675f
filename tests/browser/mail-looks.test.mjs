// The mail itself, as a mail program with a browser inside shows it: on a phone and on a desktop, light and dark, in languages
// that differ in how they are written.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { SHOTS, scenario } from "./support/browser.mjs";
import { accessible } from "./support/state.mjs";

const PEOPLE = {
  en: { name: "Ann Lee", message: "Welcome to the team!\nSee you on Monday at ten." },
  de: { name: "Änne Groß", message: "Schön, dass Sie dabei sind!\nWir sehen uns am Montag um zehn." },
  ja: { name: "山田 花子", message: "ようこそ！\n月曜日の10時にお会いしましょう。" },
  ar: { name: "نور الهدى", message: "أهلًا بك في الفريق!\nنراك يوم الاثنين في العاشرة." },
  ru: { name: "Анна Иванова", message: "Добро пожаловать в команду!\nДо встречи в понедельник в десять." },
};
const WIDTHS = [375, 700];

for (const [locale, { name, message }] of Object.entries(PEOPLE)) {
  scenario(`the mail looks right in ${locale}, narrow and wide, light and dark`, async (world) => {
    const { stack } = world;
    const email = `${locale}@example.com`;
    await stack.invite({ email, name, locale }, { message });
    const page = await world.person({ width: 700 });
    await page.setContent((await stack.mail(email)).html);
    const right = locale === "ar";
    assert.equal(await page.locator("html").getAttribute("lang"), locale);
    for (const width of WIDTHS) {
      for (const scheme of ["light", "dark"]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: scheme });
        const { wide, small, card, from, to } = await page.evaluate(() => {
          const box = document.querySelector(".button").getBoundingClientRect();
          const title = document.querySelector("h1");
          const range = document.createRange();
          range.selectNodeContents(title);
          const [line] = range.getClientRects();
          const around = title.getBoundingClientRect();
          return {
            wide: document.documentElement.scrollWidth - innerWidth, small: [...document.querySelectorAll("p, td.note, .button")].filter((part) => part.checkVisibility() && Number.parseFloat(getComputedStyle(part).fontSize) < 16).length,
            card: box.height, from: line.left - around.left, to: around.right - line.right,
          };
        });
        const state = `mail-in-${locale}-${width}-${scheme}`;
        assert.ok(wide <= 0, `${state}: nothing is wider than the window`);
        assert.equal(small, 0, `${state}: nothing is too small to read`);
        assert.ok(card >= 44, `${state}: the button is large enough for a finger`);
        assert.ok(right ? to < 2 : from < 2, `${state}: it begins where the language begins`);
        mkdirSync(SHOTS, { recursive: true });
        await page.screenshot({ path: `${SHOTS}${state}.png`, fullPage: true });
        // Landmarks are the mail program's: around the mail there is more than the mail.
        await accessible(page, state, ["landmark-one-main", "region"]);
      }
    }
  });
}
