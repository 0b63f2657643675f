// The Users page as an administrator finds their way on it: by headings, labels and the names of buttons.
import assert from "node:assert/strict";
import { until } from "./stack.mjs";
import { plural, t, within } from "./texts.mjs";

export const button = (place, key, language) => place.getByRole("button", { name: t(key, {}, language) });
export const heading = (place, key, values, language) => place.getByRole("heading", { name: t(key, values, language) });
export const inviteButton = (page, language) => button(page, "users.invite", language);
export const tab = (page, state, language) => page.getByRole("navigation").getByRole("link", { name: t(`users.tab.${state}`, {}, language) });
export const search = (page, language) => page.getByRole("searchbox", { name: t("users.search", {}, language) });
export const table = (page) => page.getByRole("table");
export const dialog = (page, name) => page.getByRole("dialog", { name });

// One person's row, by the address it begins with.
export const row = (page, email) => page.getByRole("row").filter({ has: page.getByRole("rowheader").getByRole("link", { name: email, exact: true }) });
export const opener = (page, email) => row(page, email).getByRole("link", { name: email, exact: true });
export const rows = (page) => page.getByRole("rowheader");
export const rowButton = (page, email, key, language) => row(page, email).getByRole("button", { name: new RegExp(`^${t(key, {}, language).source.slice(4, -4)}:`) });

// What the page says at its edge.
export const said = (page, key, values) => page.getByRole("status").getByText(t(key, values));

// Signs in at the local issuer, as one of those whom its form offers.
export async function signIn(page, { as = "Alex Admin", tenant, endsAfter, language } = {}) {
  if (new URL(page.url()).pathname !== "/_local/sign-in/authorize") {
    if (!page.url().startsWith("http")) await page.goto("/");
    await button(page, "users.sign_in", language).click();
  }
  await choose(page, { as, tenant, endsAfter });
}

export async function choose(page, { as, tenant, endsAfter }) {
  await page.getByRole("heading", { name: "Sign in as" }).waitFor();
  if (tenant || endsAfter) {
    await page.getByText("Somebody else, another tenant").click();
    if (tenant) await page.getByLabel("Tenant", { exact: true }).fill(tenant);
    if (endsAfter) await page.getByLabel("Ends after seconds").fill(String(endsAfter));
  }
  await page.getByRole("button", { name: as, exact: true }).click();
  await page.waitForURL((url) => url.pathname === "/" && !url.search);
}

// Signed in, with the list there.
export async function enter(page, options = {}) {
  await signIn(page, options);
  await table(page).or(page.getByRole("heading", { level: 2 })).first().waitFor();
}

export async function open(page, email, name = email) {
  await opener(page, email).click();
  const panel = dialog(page, name);
  await panel.waitFor();
  return panel;
}

export const seeState = (page, email, state, language) => row(page, email).getByText(t(`state.${state}`, {}, language)).waitFor();
export const seeDelivery = (page, email, status, language) => row(page, email).getByText(within(`delivery.${status}`, {}, language)).first().waitFor();

// Goes on with the Tab key until the element has the focus, as far as there are elements.
export async function tabTo(page, locator, { backwards = false, most = 60 } = {}) {
  await locator.first().waitFor();
  for (let pressed = 0; pressed < most; pressed++) {
    if (await locator.first().evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(backwards ? "Shift+Tab" : "Tab");
  }
  throw new Error(`the Tab key does not lead to ${locator}`);
}

export const hasFocus = (locator) => locator.evaluate((element) => element === document.activeElement);
// What is pressed may have to be answered before the focus moves.
export const seeFocus = (locator) => until(`${locator} has the focus`, () => hasFocus(locator));

export async function assertShown(page, n, more) {
  await page.getByText(plural(more ? "users.shown_of_more" : "users.shown", n)).first().waitFor();
  assert.equal(await rows(page).count(), n);
}
