// The Invite dialog as an administrator finds their way in it: by headings, labels and the names of buttons.
import { plural, t } from "./texts.mjs";
import { button, dialog, inviteButton } from "./users.mjs";

export const addresses = (box, language) => box.getByRole("textbox", { name: t("invite.addresses", {}, language) });
export const chips = (box) => box.getByRole("list", { name: t("invite.chips") }).getByRole("listitem");
export const chip = (box, who) => chips(box).filter({ has: box.page().getByRole("button", { name: t("invite.edit", { who }) }) });
export const step = (box, key, n, language) => box.getByRole("heading", { level: 3, name: n === undefined ? t(key, {}, language) : plural(key, n, {}, language) });
export const counted = (box, key, n) => box.getByRole("button", { name: plural(key, n) });
export const readCount = (box) => box.locator("#invite-count");
// One person among those who were not invited.
export const refused = (box, who) => box.getByRole("listitem").filter({ hasText: who });

export async function openInvite(page, language) {
  await inviteButton(page, language).first().click();
  const box = dialog(page, t("invite.title", {}, language));
  await box.waitFor();
  return box;
}

// What the person's clipboard holds comes as one event, as from Ctrl+V.
export async function paste(box, content) {
  await addresses(box).evaluate((field, content) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", content);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, content);
}

export async function check(box, n, key = "invite.ready") {
  await button(box, "invite.next").click();
  await (n === undefined ? step(box, "invite.ready_none") : step(box, key, n)).waitFor();
}

// Checks and sends to as many as that.
export async function sendTo(box, n) {
  await check(box, n);
  await counted(box, "invite.send", n).click();
  await step(box, "invite.invited", n).waitFor();
}

// Every user that the stack has.
export async function everybody(stack) {
  const users = [];
  let after = "";
  do {
    const page = await stack.call("GET", `/v1/users?limit=100${after && `&after=${encodeURIComponent(after)}`}`);
    users.push(...page.data);
    after = page.list_metadata.after;
  } while (after);
  return users;
}

export const userOf = async (stack, email) => (await everybody(stack)).find((user) => user.email === email);
