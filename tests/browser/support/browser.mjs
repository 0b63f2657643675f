// Tests in a browser: `scenario` gives each a stack of its own, people with browsers of their own, and fails it when a page
// complains: an error in the console, an exception, something that the Content-Security-Policy stopped.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { Stack } from "./stack.mjs";
import { examine } from "./state.mjs";
import { LOCALES } from "./texts.mjs";

export const SHOTS = fileURLToPath(new URL("../shots/", import.meta.url));
export const WIDTHS = [320, 768, 1440];
const HEIGHTS = { 320: 640, 768: 1024, 1440: 900 };

let browser = null;
// One browser for the tests of a file. Chromium's sandbox does not work as root, and only then is it off.
async function launched() {
  browser ??= chromium.launch({ executablePath: process.env.CHROMIUM, chromiumSandbox: process.getuid() !== 0 });
  return browser;
}
after(async () => { if (browser) await (await browser).close(); });

// What the API refuses, and a connection that is off, is in the console too, and is the page's business. A part of the page
// itself that does not come is a mistake.
const isNetwork = (message) => /^Failed to load resource: /.test(message.text())
  && (/net::ERR_/.test(message.text()) || /^\/(v1|_local)\//.test(new URL(message.location().url).pathname));

// A mail's frame runs no script, and that of these tests (see `person`) is one.
const isOwnScript = (message) => message.text().startsWith("Blocked script execution in 'about:blank'");

export class World {
  constructor(stack, name) {
    this.stack = stack;
    this.name = name;
    this.contexts = [];
    this.complaints = [];
    this.spoken = [];
    this.shots = SHOTS;
  }

  // Somebody's browser, at a fixed place and in a fixed light: a page of it that has not gone anywhere yet.
  async person({ width = 1440, scheme = "light", language = "en", options = {} } = {}) {
    const context = await (await launched()).newContext({
      viewport: { width, height: HEIGHTS[width] ?? 800 }, locale: LOCALES[language], timezoneId: "Europe/Berlin",
      colorScheme: scheme, reducedMotion: "reduce", hasTouch: width < 600, baseURL: this.stack.url, ...options,
    });
    context.setDefaultTimeout(10_000);
    this.contexts.push(context);
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`blocked: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    context.on("page", (page) => this.watch(page));
    const page = await context.newPage();
    Object.assign(page, { usher: { language, scheme, width } });
    return page;
  }

  watch(page) {
    page.on("pageerror", (error) => this.complaints.push(`exception: ${error.stack ?? error}`));
    page.on("console", (message) => {
      this.spoken.push(message.text());
      if (message.type() === "error" && !isNetwork(message) && !isOwnScript(message)) this.complaints.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on("crash", () => this.complaints.push("the page crashed"));
  }

  // Everything that holds in every state of a page, and its picture.
  async state(page, name, options) {
    try {
      await examine(page, name, options);
    } catch (error) {
      error.message = `in state ${name}: ${error.message}`;
      throw error;
    }
  }

  // What a page in trouble looked like.
  async photograph() {
    mkdirSync(SHOTS, { recursive: true });
    const name = this.name.replace(/[^\w]+/g, "-").slice(0, 80);
    for (const [index, page] of this.contexts.flatMap((context) => context.pages()).entries()) {
      await page.screenshot({ path: `${SHOTS}failed-${name}-${index}.png`, timeout: 3000 }).catch(() => {});
    }
  }

  // A request that a test holds or asks on its behalf may still be under way: it ends with the test, and is no failure of it.
  async close() {
    const pages = this.contexts.flatMap((context) => [context, ...context.pages()]);
    await Promise.all(pages.map((routed) => routed.unrouteAll({ behavior: "ignoreErrors" }).catch(() => {})));
    await Promise.all(this.contexts.map((context) => context.close().catch(() => {})));
    await this.stack.stop();
  }
}

// A test with a stack of its own. The name is a sentence.
export function scenario(name, body, { stack: options, timeout = 60_000 } = {}) {
  test(name, { timeout }, async () => {
    const world = new World(await Stack.start(options), name);
    try {
      await body(world);
      assert.deepEqual(world.complaints, [], "a page complained");
    } catch (error) {
      await world.photograph();
      if (world.complaints.length) error.message += `\npages complained: ${world.complaints.join("\n")}`;
      throw error;
    } finally {
      await world.close();
    }
  });
}

// A promise that others settle.
export function gate() {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  return { open, opened };
}
