// The Mail and the Settings view as an administrator finds their way in them.
import { t, within } from "./texts.mjs";
import { enter } from "./users.mjs";

// In which widths and schemes a state is seen that is not seen in all: each language at two, each width and scheme with two.
export const SOME = {
  en: [{ width: 768, scheme: "light" }, { width: 1440, scheme: "dark" }],
  de: [{ width: 320, scheme: "light" }, { width: 1440, scheme: "light" }],
  ar: [{ width: 320, scheme: "dark" }, { width: 768, scheme: "dark" }],
};

export const view = (page) => page.locator("#view");
export const field = (page, name, language) => page.getByRole("textbox", { name: t(`mail.${name}`, {}, language) });
export const part = (page, name) => field(page, name);

// Signed in, and there by its link.
export async function enterView(page, name, language = "en") {
  await enter(page, { language });
  await seeView(page, name, language);
}

export async function seeView(page, name, language = "en") {
  await page.getByRole("link", { name: t(`users.${name}`, {}, language) }).click();
  await page.getByRole("heading", { level: 2, name: t(`users.${name}`, {}, language) }).waitFor();
}

export const other = (page, tag) => page.locator("#mail-language").selectOption(tag);

export async function edit(page, name, change) {
  const control = part(page, name);
  await control.fill(change(await control.inputValue()));
}

export const inFrame = (page, read) => page.locator(".stage iframe").last().evaluate((frame, read) => new Function("inside", `return (${read})(inside)`)(frame.contentDocument), read.toString());

// The preview shows it, as far as one can see.
export const previewed = (page, words) => page.frameLocator(".stage iframe >> nth=-1").getByText(words).filter({ visible: true }).first().waitFor();

export const seeSaved = (page) => view(page).getByText(within("decided.saved")).waitFor();
