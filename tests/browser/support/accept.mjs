// The accept page as the invited person finds their way on it: by headings, labels and the names of buttons.
import assert from "node:assert/strict";
import { t } from "./texts.mjs";

export const button = (page, key, language) => page.getByRole("button", { name: t(key, {}, language) });
export const heading = (page, key, values, language) => page.getByRole("heading", { level: 1, name: t(key, values, language) });
export const nameField = (page, language) => page.getByRole("textbox", { name: t("accept.name", {}, language) });

export const INVITER = "Alex Admin";
export const PRODUCT = "Acme";

// The invitation is there, by whom and to what.
export async function seeInvitation(page, language = "en", values = { inviter: INVITER, product: PRODUCT }) {
  await heading(page, "accept.title_from", values, language).waitFor();
}

export async function see(page, key, values, language) {
  await heading(page, key, values, language).waitFor();
}

export async function register(page, name, language = "en") {
  await nameField(page, language).fill(name);
  await button(page, "accept.create", language).click();
}

export async function seeWelcome(page, name, language = "en") {
  await see(page, "accept.created_title_named", { name }, language);
}

// The token is gone from where people and programs would find it.
export async function assertFragmentGone(page) {
  assert.equal(new URL(page.url()).hash, "");
  assert.equal(await page.evaluate(() => location.hash), "");
}

export const tokenOf = (link) => link.split("#")[1];

// The same page of the same stack, with another token.
export const withToken = (link, token) => `${link.split("#")[0]}#${token}`;
