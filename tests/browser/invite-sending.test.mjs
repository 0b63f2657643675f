// The Invite dialog when things go wrong on the way, and what it keeps.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { scenario } from "./support/browser.mjs";
import { until } from "./support/stack.mjs";
import { t, within } from "./support/texts.mjs";
import { addresses, check, chip, chips, counted, everybody, openInvite, paste, readCount, refused, sendTo, step, userOf } from "./support/invite.mjs";
import { button, enter, said, seeFocus } from "./support/users.mjs";

const ANN = "ann@example.com";
const numbered = (n) => Array.from({ length: n }, (_, index) => `p${String(index).padStart(3, "0")}@example.com`);

scenario("a connection lost in the middle of sending loses nobody, and nobody is invited twice", async (world) => {
  const { stack } = world;
  const page = await world.person();
  const keys = [];
  // The second request reaches the API, but its answer is lost, and the connection with it.
  await page.route((url) => url.pathname === "/v1/invitations" && !url.search, async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    if (keys.length !== 2) return route.continue();
    await route.fetch();
    await page.context().setOffline(true);
    return route.abort("internetdisconnected");
  });
  await enter(page);
  const box = await openInvite(page);
  await paste(box, numbered(600).join("\n"));
  await readCount(box).getByText(/^600 addresses$/).waitFor();
  await check(box, 600);
  await counted(box, "invite.send", 600).click();
  const retry = button(box, "common.retry");
  await retry.waitFor({ timeout: 30_000 });
  await seeFocus(retry);
  await box.getByText(t("problem.offline.title")).waitFor();
  await box.getByRole("progressbar", { name: t("invite.progress", { n: 500, total: 600 }) }).waitFor();
  await world.state(page, "invite-offline", { everywhere: true });
  await retry.click();
  await box.getByText(t("problem.offline.title")).waitFor();
  await page.context().setOffline(false);
  await retry.click();
  await step(box, "invite.invited", 600).waitFor({ timeout: 30_000 });
  assert.ok(keys.length >= 3 && keys.every(Boolean));
  assert.notEqual(keys[0], keys[1]);
  assert.deepEqual([...new Set(keys.slice(1))], [keys[1]], "the same request has the same key");
  await world.state(page, "invite-offline-results");
  const users = await until("all mails have gone", async () => {
    const all = await everybody(stack);
    return all.every(({ send_count }) => send_count > 0) && all;
  }, 30_000);
  assert.equal(users.length, 600);
  assert.equal(new Set(users.map(({ email }) => email)).size, 600);
  assert.deepEqual([...new Set(users.map(({ send_count }) => send_count))], [1]);
  for (const email of ["p000@example.com", "p499@example.com", "p500@example.com", "p599@example.com"]) {
    await stack.mail(email);
    assert.equal((await stack.mails(email)).length, 1, email);
  }
}, { timeout: 150_000 });

scenario("sending can be stopped, and who was not sent anything stays in the box", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, numbered(501).join("\n"));
  await check(box, 501);
  await page.route((url) => url.pathname === "/v1/invitations" && !url.search, async (route) => {
    await button(box, "invite.stop").click();
    await route.continue();
  });
  await counted(box, "invite.send", 501).click();
  await step(box, "invite.invited", 500).waitFor({ timeout: 30_000 });
  await world.state(page, "invite-stopped");
  await counted(box, "invite.correct", 1).click();
  await chip(box, "p500@example.com").waitFor();
  assert.equal(await chips(box).count(), 1);
  assert.equal((await everybody(stack)).length, 500);
}, { timeout: 90_000 });

scenario("who is sent to once more with others after a lost answer gets one mail", async (world) => {
  const { stack } = world;
  const [ann, bo] = [await stack.invite(ANN), await stack.invite("bo@example.com")];
  await stack.later(61);
  const page = await world.person();
  const keys = [];
  await page.route("**/resend", async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort("internetdisconnected");
  });
  await enter(page);
  const box = await openInvite(page);
  await paste(box, `${ANN}\nbo@example.com`);
  await check(box);
  await box.getByRole("button", { name: t("invite.resend_who", { who: ANN }) }).click();
  await box.getByText(within("problem.offline")).waitFor();
  await stack.later(61);
  await counted(box, "invite.resend_all", 2).click();
  await refused(box, ANN).getByText(t("outcome.resent")).waitFor();
  await refused(box, "bo@example.com").getByText(t("outcome.resent")).waitFor();
  assert.equal(keys[1], keys[0]);
  for (const [id, email] of [[ann, ANN], [bo, "bo@example.com"]]) {
    await stack.delivered(id);
    assert.equal((await stack.mails(email)).length, 2, email);
  }
});

scenario("a draft survives closing and a reload, until it is discarded", async (world) => {
  const page = await world.person();
  await enter(page);
  let box = await openInvite(page);
  await paste(box, `Ann Lee <${ANN}>, bo.example.com`);
  await readCount(box).getByText(/^2 addresses, 1 to look at$/).waitFor();
  await box.getByRole("textbox", { name: t("invite.message") }).fill("See you!");
  await box.getByRole("combobox", { name: t("invite.language") }).selectOption("ar");
  await box.getByRole("spinbutton", { name: t("invite.days") }).fill("30");
  const whole = async () => {
    await chip(box, `Ann Lee ${ANN}`).waitFor();
    await chip(box, "bo.example.com").waitFor();
    assert.equal(await chips(box).count(), 2);
    assert.equal(await box.getByRole("textbox", { name: t("invite.message") }).inputValue(), "See you!");
    assert.equal(await box.getByRole("combobox", { name: t("invite.language") }).inputValue(), "ar");
    assert.equal(await box.getByRole("spinbutton", { name: t("invite.days") }).inputValue(), "30");
  };
  await button(box, "common.close").click();
  await said(page, "invite.kept").waitFor();
  await world.state(page, "invite-kept");
  box = await openInvite(page);
  await whole();
  await addresses(box).fill("half@exam");
  // At once, before the dialog has had a moment to save.
  await page.reload();
  await button(page, "users.invite").first().waitFor();
  box = await openInvite(page);
  await whole();
  await chip(box, "half@exam").or(addresses(box).and(page.locator(":focus"))).first().waitFor();
  assert.equal(await addresses(box).inputValue(), "half@exam");
  await world.state(page, "invite-draft");
  await button(box, "invite.discard").click();
  assert.equal(await chips(box).count(), 0);
  assert.equal(await addresses(box).inputValue(), "");
  await page.reload();
  box = await openInvite(page);
  assert.equal(await chips(box).count(), 0);
  assert.equal(await box.getByRole("textbox", { name: t("invite.message") }).inputValue(), "");
});

scenario("a draft that can't be saved is there until the page is left, and nobody is told that it is kept", async (world) => {
  const page = await world.person();
  await enter(page);
  await page.evaluate(() => { Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }; });
  let box = await openInvite(page);
  await paste(box, ANN);
  await chip(box, ANN).waitFor();
  await button(box, "common.close").click();
  await box.waitFor({ state: "hidden" });
  assert.equal(await said(page, "invite.kept").count(), 0);
  box = await openInvite(page);
  await chip(box, ANN).waitFor();
  await button(box, "invite.discard").click();
  await button(box, "common.close").click();
  box = await openInvite(page);
  assert.equal(await chips(box).count(), 0);
});

scenario("the saved results hold no formula, and everybody's outcome", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, `"=cmd|' /C calc'!A0" <${ANN}>, =cmd@example.com, no address`);
  await sendTo(box, 2);
  const coming = page.waitForEvent("download");
  await button(box, "invite.save").click();
  const download = await coming;
  assert.equal(download.suggestedFilename(), "invitations.csv");
  const content = await readFile(await download.path(), "utf8");
  const [head, ...lines] = content.replace("\ufeff", "").trimEnd().split("\r\n").map((line) => line.split(","));
  assert.deepEqual(head, ["email", "name", "locale", "groups", "external_id", "outcome", "detail", "user_id", "accept_url"]);
  const ann = await userOf(stack, ANN);
  assert.deepEqual(lines[0].slice(0, 8), [ANN, `'${ann.name}`, "", "", "", "invited", "", ann.id]);
  assert.match(ann.name, /^=cmd/);
  assert.equal(lines[1][0], "'=cmd@example.com");
  assert.deepEqual([lines[2][0], lines[2][5], lines.length], ["no address", "invalid_email", 3]);
  assert.ok(lines.flat().every((cell) => !/^"?[=+\-@]/.test(cell)), content);
});
