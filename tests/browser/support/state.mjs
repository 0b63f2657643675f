// What holds in every state of every page: accessible, no wider than the window, in a language that it names, with one
// heading for it all. Each state is photographed.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const SHOTS = fileURLToPath(new URL("../shots/", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ALL = [320, 768, 1440].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme })));
const HEIGHTS = { 320: 640, 768: 1024, 1440: 900 };

// Examines the page as it is now; with `everywhere`, at every width and in both colour schemes, or in those that `at` lists.
export async function examine(page, name, { everywhere = false, at = everywhere && ALL, language = page.usher.language, axe = true } = {}) {
  const own = { width: page.usher.width, scheme: page.usher.scheme };
  for (const { width, scheme } of at || [own]) {
    if (at) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      await page.emulateMedia({ colorScheme: scheme });
    }
    await examineOnce(page, { name: `${name}-${width}-${scheme}-${language}`, language, axe });
  }
  if (at) {
    await page.setViewportSize({ width: own.width, height: HEIGHTS[own.width] });
    await page.emulateMedia({ colorScheme: own.scheme });
  }
}

async function examineOnce(page, { name, language, axe }) {
  const found = await page.evaluate(facts);
  assert.equal(found.lang, language, `${name}: the document's language`);
  assert.equal(found.dir, language === "ar" ? "rtl" : "ltr", `${name}: the document's direction`);
  assert.equal(found.headings.length, 1, `${name}: exactly one h1, not ${JSON.stringify(found.headings)}`);
  assert.notEqual(found.title.trim(), "", `${name}: the document has a title`);
  assert.deepEqual(found.wide, [], `${name}: nothing is wider than its window`);
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}${name}.png` });
  if (axe) await accessible(page, name);
}

// In the page: how it describes itself, and what sticks out of it sideways.
function facts() {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const wide = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wide.push(`the document: ${root.scrollWidth} in ${root.clientWidth}`);
  const scrollers = [...document.querySelectorAll("dialog[open], dialog[open] .dialog-body, [popover]:popover-open")].filter(shown);
  for (const element of scrollers) {
    if (element.scrollWidth > element.clientWidth) wide.push(`${element.tagName}#${element.id}.${element.className}: ${element.scrollWidth} in ${element.clientWidth}`);
    const box = element.getBoundingClientRect();
    if (box.left < -1 || box.right > innerWidth + 1) wide.push(`${element.tagName}#${element.id} from ${box.left} to ${box.right}`);
  }
  return {
    lang: root.lang, dir: getComputedStyle(root).direction, title: document.title, wide,
    headings: [...document.querySelectorAll("h1")].filter(shown).map((heading) => heading.textContent),
  };
}

// Opens a page as a browser without JavaScript shows it: without its scripts, and with what is said in their place. In a
// browser that really has none, axe does not run either.
export async function openWithoutScripts(page, path) {
  const changed = (pattern, change) => page.route(pattern, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.text()) });
  });
  await changed((url) => url.pathname === path, (html) => html.replace(/<script\b.*?<\/script>|<link rel="modulepreload".*?>/gs, "").replace(/(<\/?)noscript>/g, "$1div>"));
  await changed("**/*.css", (css) => css.replaceAll("(scripting: none)", "all").replaceAll("(scripting: enabled)", "not all"));
  await page.goto(path);
}

// axe finds nothing, by all its rules but `without`.
export async function accessible(page, name, without = []) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(AXE);
  const violations = await page.evaluate(async (without) => {
    const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]));
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"], rules });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`).join(" | ")}`);
  }, without);
  assert.deepEqual(violations, [], `${name}: axe finds nothing`);
}
