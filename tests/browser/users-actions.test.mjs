// What an administrator does with people, and what they are told of it.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { seeInvitation, see } from "./support/accept.mjs";
import { until } from "./support/stack.mjs";
import { plural, sentence, t, within } from "./support/texts.mjs";
import { assertShown, button, dialog, enter, heading, open, opener, row, rowButton, said, seeDelivery, seeState, tab } from "./support/users.mjs";

const ANN = "ann@example.com";
const BO = "bo@example.com";
const WEEK = 7 * 24 * 60 * 60;

async function works(world, link, { width = 320 } = {}) {
  const page = await world.person({ width });
  await page.goto(link);
  await seeInvitation(page);
}
async function isDead(world, link, code = "invitation_not_found") {
  const page = await world.person({ width: 320 });
  await page.goto(link);
  await see(page, `problem.${code}.title`);
}

scenario("an invitation is sent again from its row, and the old link is dead", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const old = await stack.link(ANN);
  const page = await world.person();
  await enter(page);
  await rowButton(page, ANN, "users.do.resend").click();
  await row(page, ANN).getByText(within("problem.too_soon")).waitFor();
  await world.state(page, "users-too-soon");
  await button(row(page, ANN), "common.dismiss").click();
  await stack.later(61);
  await rowButton(page, ANN, "users.do.resend").click();
  await said(page, "users.said.resent", { who: ANN }).waitFor();
  await world.state(page, "users-resent");
  const fresh = await stack.link(ANN, 2);
  await seeDelivery(page, ANN, "delivered");
  await isDead(world, old);
  await works(world, fresh);
  await until("the second mail is counted", async () => (await stack.user(id)).send_count === 2);
});

scenario("selected invitations are sent again together, and what was not is said row by row", async (world) => {
  const { stack } = world;
  for (const email of [ANN, BO, "cy@example.com"]) await stack.invite(email);
  await stack.later(61);
  const late = await stack.invite("di@example.com");
  const page = await world.person();
  await enter(page);
  await assertShown(page, 4);
  for (const email of [ANN, BO, "di@example.com"]) await page.getByRole("checkbox", { name: t("users.select_one", { email }) }).check();
  await world.state(page, "users-selected");
  await page.getByRole("button", { name: plural("users.resend_selected", 3) }).click();
  const ask = dialog(page, plural("users.ask.selected", 3));
  await ask.waitFor();
  await world.state(page, "users-ask-selected");
  await button(ask, "users.do.resend").click();
  const result = dialog(page, t("users.bulk.result"));
  await result.getByText(plural("users.bulk.done", 2)).waitFor();
  await result.getByRole("row").filter({ hasText: "di@example.com" }).getByText(within("outcome.too_soon")).waitFor();
  await world.state(page, "users-bulk-result");
  await Promise.all([stack.mail(ANN, 2), stack.mail(BO, 2)]);
  assert.equal((await stack.mails("cy@example.com")).length, 1, "nobody else was mailed");
  await stack.later(61);
  await result.getByRole("button", { name: plural("users.bulk.retry", 1) }).click();
  await page.getByRole("status").getByText(plural("users.bulk.done", 1)).waitFor();
  await stack.mail("di@example.com", 2);
  await until("the second mail is counted", async () => (await stack.user(late)).send_count === 2);
});

scenario("a range is selected with the shift key, and all that is shown with one box", async (world) => {
  const { stack } = world;
  const emails = ["a", "b", "c", "d", "e"].map((letter) => `${letter}@example.com`);
  for (const email of emails) await stack.invite(email, { notify: false });
  const page = await world.person();
  await enter(page);
  await assertShown(page, 5);
  const boxes = page.getByRole("checkbox", { name: "@example.com" });
  await boxes.nth(1).click();
  await boxes.nth(3).click({ modifiers: ["Shift"] });
  await page.getByRole("button", { name: plural("users.resend_selected", 3) }).waitFor();
  assert.deepEqual(await boxes.evaluateAll((all) => all.map((box) => box.checked)), [false, true, true, true, false]);
  await page.getByRole("checkbox", { name: t("users.select_all") }).check();
  await page.getByRole("button", { name: plural("users.resend_selected", 5) }).waitFor();
  await button(page, "users.clear_selection").click();
  assert.deepEqual(await boxes.evaluateAll((all) => all.map((box) => box.checked)), [false, false, false, false, false]);
});

scenario("all expired invitations are sent again at once", async (world) => {
  const { stack } = world;
  for (const email of [ANN, BO]) await stack.invite(email);
  await Promise.all([stack.mail(ANN), stack.mail(BO)]);
  await stack.later(WEEK + 60);
  await stack.invite("cy@example.com");
  const page = await world.person();
  await enter(page);
  await tab(page, "expired").click();
  await seeState(page, ANN, "expired");
  await button(page, "users.resend_all.expired").click();
  const ask = dialog(page, t("users.ask.all.expired"));
  await ask.getByText(plural("users.ask.known", 2)).waitFor();
  await world.state(page, "users-ask-expired");
  await button(ask, "users.do.resend").click();
  await page.getByRole("status").getByText(plural("users.bulk.done", 2)).waitFor();
  await Promise.all([stack.mail(ANN, 2), stack.mail(BO, 2)]);
  await tab(page, "pending").click();
  await assertShown(page, 3);
  assert.equal((await stack.mails("cy@example.com")).length, 1);
});

scenario("a revocation can be undone, and the old link works again", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const link = await stack.link(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN);
  await button(panel, "users.do.revoke").click();
  await said(page, "users.said.revoked", { who: ANN }).waitFor();
  await seeState(page, ANN, "revoked");
  await world.state(page, "users-revoked");
  await isDead(world, link, "invitation_revoked");
  await button(page.getByRole("status"), "common.undo").click();
  await said(page, "users.said.restored", { who: ANN }).waitFor();
  await seeState(page, ANN, "pending");
  await works(world, link);
  // And once more, from the panel.
  await button(panel, "users.do.revoke").click();
  await seeState(page, ANN, "revoked");
  await button(panel, "users.do.restore").click();
  await seeState(page, ANN, "pending");
  await works(world, link);
  await panel.getByText(t("history.restored")).first().waitFor();
  assert.equal((await stack.mails(ANN)).length, 1, "nobody is mailed for it");
});

scenario("a mistyped address is corrected: the same person, a new link, and the old one dead", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: "amn@example.com", name: "Ann Lee" });
  const old = await stack.link("amn@example.com");
  const page = await world.person();
  await enter(page);
  const panel = await open(page, "amn@example.com", "Ann Lee");
  await button(panel, "users.do.edit").click();
  await panel.getByRole("textbox", { name: t("users.edit.email") }).fill(ANN);
  await panel.getByText(t("users.edit.email.mailed")).waitFor();
  await world.state(page, "users-edit");
  await button(panel, "common.save").click();
  await page.getByRole("status").getByText(within("users.said.corrected")).waitFor();
  await opener(page, ANN).waitFor();
  assert.equal(await opener(page, "amn@example.com").count(), 0);
  assert.equal((await stack.user(id)).email, ANN);
  await works(world, await stack.link(ANN));
  await isDead(world, old);
  await panel.getByText(t("history.address_changed")).waitFor();
});

scenario("an address that somebody else has is refused beside the field, with the way to them", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  await stack.invite({ email: BO, name: "Bo" });
  const page = await world.person();
  await enter(page);
  const panel = await open(page, BO, "Bo");
  await button(panel, "users.do.edit").click();
  const address = panel.getByRole("textbox", { name: t("users.edit.email") });
  await address.fill(ANN);
  await button(panel, "common.save").click();
  await panel.getByText(within("problem.address_taken")).waitFor();
  assert.equal(await address.getAttribute("aria-invalid"), "true");
  await world.state(page, "users-address-taken");
  await panel.getByRole("link", { name: t("users.open_other") }).click();
  await dialog(page, "Ann").waitFor();
});

scenario("name, language and groups are corrected without a mail", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Amn" });
  await stack.delivered(id);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN, "Amn");
  await button(panel, "users.do.edit").click();
  await panel.getByRole("textbox", { name: t("users.edit.name") }).fill("Ann");
  await panel.getByRole("combobox", { name: t("users.edit.locale") }).selectOption("ar");
  await panel.getByRole("textbox", { name: t("users.edit.groups") }).fill("readers, writers");
  await button(panel, "common.save").click();
  await said(page, "users.said.saved", { who: "Ann" }).waitFor();
  const { name, locale, groups } = await stack.user(id);
  assert.deepEqual({ name, locale, groups }, { name: "Ann", locale: "ar", groups: ["readers", "writers"] });
  const changed = dialog(page, "Ann").getByRole("listitem").filter({ hasText: within("history.changed") });
  await changed.getByText(["name", "locale", "groups"].map((field) => sentence(`users.detail.${field}`)).join(", "), { exact: true }).waitFor();
  assert.equal((await stack.mails(ANN)).length, 1);
});

scenario("the link is copied, and works", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: stack.url });
  await enter(page);
  const panel = await open(page, ANN);
  await button(panel, "users.do.link").click();
  await said(page, "users.said.copied", { who: ANN }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await stack.link(ANN), "it is the link of the mail");
  await works(world, copied);
});

scenario("where the browser does not let the page copy, the link is shown to be copied", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await page.addInitScript(() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError")); });
  await enter(page);
  const panel = await open(page, ANN);
  await button(panel, "users.do.link").click();
  const field = dialog(page, t("users.link.title", { who: ANN })).getByRole("textbox");
  await field.waitFor();
  await world.state(page, "users-link");
  assert.equal(await field.inputValue(), await stack.link(ANN));
  assert.equal(await field.evaluate((input) => input.value.slice(input.selectionStart, input.selectionEnd)), await stack.link(ANN), "it is selected");
});

scenario("a suppression is lifted, and the mail goes", async (world) => {
  const { stack } = world;
  const bounce = "bounce@simulator.amazonses.com";
  const id = await stack.invite(bounce);
  await until("the mail has bounced", async () => (await stack.user(id)).delivery.status === "bounced");
  await stack.later(61);
  const page = await world.person();
  await enter(page);
  await seeDelivery(page, bounce, "bounced");
  const panel = await open(page, bounce);
  await panel.getByText(within("users.suppressed.bounced")).waitFor();
  await world.state(page, "users-suppressed");
  await button(panel, "users.do.resend").click();
  await panel.getByText(within("problem.suppressed")).waitFor();
  await world.state(page, "users-resend-suppressed");
  await button(panel, "users.do.lift_and_resend").click();
  await said(page, "users.said.resent", { who: bounce }).waitFor();
  // A mailbox that does not exist gets no mail, so the API has to say that another went.
  await until("the mail has gone again", async () => (await stack.user(id)).send_count === 2);
});

scenario("what was to be sent after lifting a suppression is sent, even if both have to be tried again", async (world) => {
  const { stack } = world;
  const bounce = "bounce@simulator.amazonses.com";
  const id = await stack.invite(bounce);
  await until("the mail has bounced", async () => (await stack.user(id)).delivery.status === "bounced");
  await stack.later(61);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, bounce);
  await button(panel, "users.do.resend").click();
  await panel.getByText(within("problem.suppressed")).waitFor();
  for (const way of ["**/suppression", "**/resend"]) await page.route(way, (route) => route.abort("internetdisconnected"), { times: 1 });
  await button(panel, "users.do.lift_and_resend").click();
  await button(panel, "common.retry").click();
  await said(page, "users.said.lifted", { who: bounce }).waitFor();
  await panel.getByText(within("problem.offline")).waitFor();
  await button(panel, "common.retry").click();
  await said(page, "users.said.resent", { who: bounce }).waitFor();
  await until("the mail has gone again", async () => (await stack.user(id)).send_count === 2);
});

scenario("erasing asks twice, says what goes and what stays, and the person is gone", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Ann" });
  await stack.delivered(id);
  const link = await stack.link(ANN);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN, "Ann");
  await button(panel, "users.do.erase").click();
  const ask = dialog(page, t("users.erase.title"));
  await ask.waitFor();
  await world.state(page, "users-erase");
  const yes = button(ask, "users.do.erase");
  assert.equal(await yes.isDisabled(), true);
  await ask.getByRole("checkbox", { name: t("users.erase.sure") }).check();
  await yes.click();
  await said(page, "users.said.erased", { who: "Ann" }).waitFor();
  await heading(page, "users.first.title").waitFor();
  await stack.call("GET", `/v1/users/${id}`, undefined, { status: 404 });
  await isDead(world, link);
});

scenario("somebody who revokes what another has just revoked is told so", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const [one, two] = [await world.person(), await world.person()];
  await enter(one);
  await enter(two, { as: "Alex Admin" });
  const [first, second] = [await open(one, ANN), await open(two, ANN)];
  await button(second, "users.do.revoke").waitFor();
  await button(first, "users.do.revoke").click();
  await said(one, "users.said.revoked", { who: ANN }).waitFor();
  await button(second, "users.do.resend").click();
  await second.getByText(within("users.problem.invitation_revoked")).or(second.getByText(within("problem.revoked"))).first().waitFor();
  await seeState(two, ANN, "revoked");
  await world.state(two, "users-overtaken");
  assert.equal((await stack.user(id)).state, "revoked");
});

scenario("a connection lost in the middle of an action loses nothing, and a retry makes the same call", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN);
  // Or else it is the history that can't be reached either.
  await panel.getByText(t("history.mail_delivered")).waitFor();
  await page.context().setOffline(true);
  await button(panel, "users.do.revoke").click();
  await panel.getByText(within("problem.offline")).waitFor();
  await world.state(page, "users-offline");
  await page.context().setOffline(false);
  assert.equal((await stack.user(id)).state, "pending");
  await button(panel, "common.retry").click();
  await said(page, "users.said.revoked", { who: ANN }).waitFor();
  assert.equal((await stack.user(id)).state, "revoked");
});

scenario("an action says at once that it is under way, and runs once", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  await stack.later(61);
  const page = await world.person();
  const answer = gate();
  let posts = 0;
  await page.route("**/resend", async (route) => { posts += 1; await answer.opened; await route.continue(); });
  await enter(page);
  await rowButton(page, ANN, "users.do.resend").click();
  const busy = rowButton(page, ANN, "users.doing.resend");
  await busy.waitFor();
  await world.state(page, "users-busy");
  await busy.click({ force: true });
  answer.open();
  await said(page, "users.said.resent", { who: ANN }).waitFor();
  assert.equal(posts, 1);
});
