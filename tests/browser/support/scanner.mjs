// What stands between a mail and its reader: it opens every link of both parts, with HEAD and GET, follows where they lead,
// renders what comes, runs its scripts, and clicks whatever can be clicked. One thing it never does: submit a form.
import { linkIn } from "./stack.mjs";

export function linksOf(mail) {
  const inHtml = [...mail.html.matchAll(/href="([^"]+)"/g)].map(([, link]) => link.replaceAll("&amp;", "&"));
  const inText = mail.text.match(/https?:\/\/[^\s<>"]+/g) ?? [];
  const links = new Set([...inHtml, ...inText, linkIn(mail)]);
  return [...links].filter((link) => /^https?:/.test(link));
}

// Opens the link as programs without a browser do, twice and in both ways.
export async function fetchAll(link) {
  for (const method of ["HEAD", "GET", "GET", "HEAD"]) {
    await fetch(link, { method, redirect: "follow", headers: { "user-agent": "Mozilla/5.0 (compatible; LinkScanner/1.0)" } });
    // Scanners that know no fragments take `#` for a part of the path.
    await fetch(link.replace("#", "%23"), { method, redirect: "follow" });
    await fetch(link.replace("#", "?token="), { method, redirect: "follow" });
  }
}

const CLICKABLE = "a, button, input[type=button], input[type=image], summary, [role=button], [role=link], [role=tab], [role=checkbox], [onclick], label, select";

// Opens the link in a browser and clicks everything that is shown, and all that these clicks bring to light, again and again
// until nothing is new. Answers with the names of what it clicked.
export async function renderAndClick(page, link) {
  const clicked = [];
  await page.goto(link);
  const known = new Set();
  for (let round = 0; round < 60; round++) {
    await quiet(page);
    const next = await page.evaluateHandle(([clickable, known]) => {
      const submits = (element) => {
        const button = element.closest("button, input");
        return Boolean(button?.form) && ["submit", "image"].includes(button.type);
      };
      return [...document.querySelectorAll(clickable)].find((element) => element.checkVisibility({ visibilityProperty: true })
        && !submits(element) && !known.includes(`${element.outerHTML}`)) ?? null;
    }, [CLICKABLE, [...known]]);
    const element = next.asElement();
    if (!element) return clicked;
    const html = await element.evaluate((element) => element.outerHTML);
    known.add(html);
    clicked.push((await element.evaluate((element) => element.textContent)).trim());
    await element.evaluate((element) => element.click());
    // A click that leads away: back to where the link leads, as a scanner would.
    if (!page.url().startsWith(new URL(link).origin + "/accept")) await page.goto(link);
  }
  throw new Error(`clicks bring ever new things to light: ${clicked.join(", ")}`);
}

// Until nothing is on its way any more: scanners wait for that, too.
async function quiet(page) {
  await page.waitForLoadState("networkidle");
}
