// The Users page when something comes between: an answer that is lost or late, a part that does not load, another
// administrator, a sign-in that ends. Nothing is done twice, nothing that was said goes unseen, nothing typed is lost.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { addresses, check, chip, chips, openInvite, paste, refused } from "./support/invite.mjs";
import { until } from "./support/stack.mjs";
import { LANGUAGES, plural, t, within } from "./support/texts.mjs";
import { assertShown, button, dialog, enter, hasFocus, heading, open, opener, row, rowButton, said, search, seeFocus, seeState, tab, tabTo } from "./support/users.mjs";

const ANN = "ann@example.com";
const BO = "bo@example.com";
const WEEK = 7 * 24 * 60 * 60;
const numbered = (n, from = 0) => Array.from({ length: n }, (_, index) => `p${String(from + index).padStart(3, "0")}@example.com`);
const inviteMany = (stack, emails) => stack.call("POST", "/v1/invitations", { invitees: emails.map((email) => ({ email })), notify: false });

async function decline(stack, email) {
  const token = (await stack.link(email)).split("#")[1];
  const answer = await fetch(`${stack.url}/v1/accept/decline`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }) });
  assert.ok(answer.ok);
}

// The keys of all that is sent again. The first does its work, but its answer is lost.
async function losesFirstAnswer(page) {
  const keys = [];
  await page.route("**/resend", async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort("internetdisconnected");
  });
  return keys;
}

// As if the issuer did not know the person any more.
async function endSignIn(page) {
  await page.route("**/_local/sign-in/token", (route) => route.abort("internetdisconnected"));
  await page.route("**/v1/**", (route) => route.fulfill({ status: 401, contentType: "application/json", body: "{}" }));
  const ended = dialog(page, t("users.ended.title"));
  await ended.waitFor({ timeout: 20_000 });
  await page.unroute("**/_local/sign-in/token");
  await page.unroute("**/v1/**");
  return ended;
}

// How many mails have come, once none is on its way.
async function countMails(stack, id, email) {
  await stack.delivered(id);
  return (await stack.mails(email)).length;
}

scenario("an invitation that is tried again is sent once, as all tries have one key", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.later(61);
  const page = await world.person();
  const keys = await losesFirstAnswer(page);
  await enter(page);
  await rowButton(page, ANN, "users.do.resend").click();
  await row(page, ANN).getByText(within("problem.offline")).waitFor();
  await stack.later(61);
  await button(row(page, ANN), "common.retry").click();
  await said(page, "users.said.resent", { who: ANN }).waitFor();
  assert.equal(await countMails(stack, id, ANN), 2);
  await stack.later(61);
  await rowButton(page, ANN, "users.do.resend").click();
  await until("it is sent for the third time", () => keys.length === 3);
  assert.ok(keys[0]?.length >= 16);
  assert.equal(keys[1], keys[0], "a retry is the same");
  assert.notEqual(keys[2], keys[0], "who presses once more wants once more");
  await stack.mail(ANN, 3);
});

// Two people who are sent to again together: `again` presses the button for that, and confirms.
async function withTwo(world, { clock = false } = {}) {
  const { stack } = world;
  const people = [];
  for (const email of [ANN, BO]) people.push([await stack.invite(email), email]);
  await stack.later(61);
  const page = await world.person();
  if (clock) await page.clock.install();
  const keys = await losesFirstAnswer(page);
  await enter(page);
  await assertShown(page, 2);
  const many = page.getByRole("button", { name: plural("users.resend_selected", 2) });
  const select = () => page.getByRole("checkbox", { name: t("users.select_all") }).check();
  const again = async () => {
    await many.click();
    await button(dialog(page, plural("users.ask.selected", 2)), "users.do.resend").click();
  };
  const running = dialog(page, t("users.bulk.title"));
  const done = () => page.getByRole("status").getByText(plural("users.bulk.done", 2)).last().waitFor();
  const mails = () => Promise.all(people.map(([id, email]) => countMails(stack, id, email)));
  return { page, keys, many, select, again, running, done, mails };
}

scenario("many that are tried again are sent once, and who was not answered for stays selected", async (world) => {
  const { stack } = world;
  const { keys, many, select, again, running, done, mails } = await withTwo(world);
  await select();
  await again();
  await running.getByText(within("problem.offline")).waitFor();
  await stack.later(61);
  await button(running, "common.retry").click();
  await done();
  assert.ok(keys[0]?.length >= 16);
  assert.equal(keys[1], keys[0]);
  assert.deepEqual(await mails(), [2, 2]);
  await many.waitFor({ state: "detached" });

  await stack.later(61);
  await select();
  await again();
  await until("it is sent for the third time", () => keys.length === 3);
  assert.notEqual(keys[2], keys[0], "who sends once more wants once more");
});

scenario("who stops after a lost answer and sends again sends nobody a second mail", async (world) => {
  const { stack } = world;
  const { page, keys, many, select, again, running, done, mails } = await withTwo(world);
  await select();
  await again();
  await running.getByText(within("problem.offline")).waitFor();
  await button(running, "users.bulk.stop").click();
  await page.getByRole("status").getByText(within("users.bulk.lost")).waitFor();
  await world.state(page, "users-bulk-lost");
  assert.equal(await many.isVisible(), true, "both are still selected");
  await stack.later(61);
  await again();
  await done();
  assert.equal(keys[1], keys[0]);
  assert.deepEqual(await mails(), [2, 2]);
});

scenario("who the database did not confirm is tried again by the same key, and gets one mail", async (world) => {
  const { stack } = world;
  const { page, keys, select, again, done, mails } = await withTwo(world);
  await page.unroute("**/resend");
  await page.route("**/resend", async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    if (keys.length > 1) return route.continue();
    const response = await route.fetch();
    const json = await response.json();
    json.counts = { total: 2, resent: 0, not_resent: 2 };
    for (const row of json.results) row.outcome = "unavailable";
    return route.fulfill({ response, json });
  });
  await select();
  await again();
  const result = dialog(page, t("users.bulk.result"));
  await result.getByText(within("outcome.unavailable")).first().waitFor();
  await stack.later(61);
  await result.getByRole("button", { name: plural("users.bulk.retry", 2) }).click();
  await done();
  assert.equal(keys[1], keys[0]);
  assert.deepEqual(await mails(), [2, 2]);
});

scenario("what sends to many is asked for again if it did not come", async (world) => {
  const { page, select, many, again, done, mails } = await withTwo(world);
  await page.unroute("**/resend");
  await page.route("**/assets/*/many_send.js", (route) => route.abort("internetdisconnected"), { times: 1 });
  await select();
  await many.click();
  const toast = page.getByRole("status").filter({ hasText: within("problem.offline") });
  await button(toast, "common.retry").click();
  await button(dialog(page, plural("users.ask.selected", 2)), "common.cancel").click();
  await again();
  await done();
  assert.deepEqual(await mails(), [2, 2]);
});

scenario("who sends again long after a lost answer wants another mail", async (world) => {
  const { stack } = world;
  const { page, keys, select, again, running, done, mails } = await withTwo(world, { clock: true });
  await select();
  await again();
  await running.getByText(within("problem.offline")).waitFor();
  await button(running, "users.bulk.stop").click();
  await page.clock.fastForward(11 * 60_000);
  await stack.later(61);
  await again();
  await done();
  assert.notEqual(keys[1], keys[0]);
  assert.deepEqual(await mails(), [3, 3]);
});

scenario("all in a state are sent once, even if the answer for some of them is lost", async (world) => {
  const { stack } = world;
  const ids = [];
  for (const email of [ANN, BO]) ids.push(await stack.invite(email));
  await stack.later(61);
  const page = await world.person();
  const keys = [];
  // The first call seems to be for a part of them, and the next one is lost.
  await page.route("**/resend", async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    if (keys.length === 2) return route.abort("internetdisconnected");
    const response = await route.fetch();
    const json = await response.json();
    if (keys.length === 1) json.list_metadata.after = "more";
    return route.fulfill({ response, json });
  });
  await enter(page);
  await tab(page, "pending").click();
  const again = async () => {
    await button(page, "users.resend_all.pending").click();
    await button(dialog(page, t("users.ask.all.pending")), "users.do.resend").click();
  };
  await again();
  const running = dialog(page, t("users.bulk.title"));
  await running.getByText(within("problem.offline")).waitFor();
  await button(running, "users.bulk.stop").click();
  const lost = page.getByRole("status").getByText(within("users.bulk.lost"));
  await lost.waitFor();
  await stack.later(61);
  await again();
  await until("it is sent for the third time", () => keys.length === 3);
  await running.waitFor({ state: "detached" });
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual([await countMails(stack, ids[0], ANN), await countMails(stack, ids[1], BO)], [2, 2]);
});

scenario("mail to who reported it as spam is allowed only after a question", async (world) => {
  const { stack } = world;
  const email = "complaint@simulator.amazonses.com";
  const id = await stack.invite(email);
  await until("the person has complained", async () => (await stack.user(id)).suppressed);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, email);
  await button(panel, "users.do.lift").click();
  const ask = dialog(page, t("users.ask.complained"));
  await ask.getByText(t("users.ask.complained.text", { who: email })).waitFor();
  await world.state(page, "users-ask-complained");
  await button(ask, "common.cancel").click();
  await ask.waitFor({ state: "detached" });
  assert.equal((await stack.user(id)).suppressed.reason, "complained");
  await button(panel, "users.do.lift").click();
  await button(ask, "users.do.lift").click();
  await said(page, "users.said.lifted", { who: email }).waitFor();
  assert.ok(!(await stack.user(id)).suppressed);
});

scenario("who declined is invited after all only after a question, in the Invite dialog too", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  await decline(stack, ANN);
  await stack.later(61);
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, ANN);
  await check(box);
  const afterAll = box.getByRole("button", { name: t("invite.reactivate_who", { who: ANN }) });
  await afterAll.click();
  const ask = dialog(page, t("users.ask.declined"));
  await ask.getByText(t("users.ask.declined.text", { who: ANN })).waitFor();
  await button(ask, "common.cancel").click();
  await ask.waitFor({ state: "detached" });
  assert.equal((await stack.mails(ANN)).length, 1);
  await afterAll.click();
  await button(ask, "invite.reactivate").click();
  await refused(box, ANN).getByText(t("outcome.resent")).waitFor();
  await stack.mail(ANN, 2);
});

scenario("a refusal that comes after the form was closed is said, and what was typed is still there", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  await stack.invite({ email: BO, name: "Bo" });
  const page = await world.person();
  const answer = gate();
  await page.route("**/v1/users/*", async (route) => {
    if (route.request().method() === "PATCH") await answer.opened;
    return route.continue();
  });
  await enter(page);
  const panel = await open(page, BO, "Bo");
  await button(panel, "users.do.edit").click();
  await panel.getByRole("textbox", { name: t("users.edit.email") }).fill(ANN);
  await button(panel, "common.save").click();
  await button(panel.getByRole("form"), "common.saving").waitFor();
  await button(panel, "common.close").click();
  await panel.waitFor({ state: "hidden" });
  answer.open();
  const toast = page.getByRole("status").filter({ hasText: within("users.failed_for", { who: "Bo" }) });
  await toast.getByText(within("problem.address_taken")).waitFor();
  await world.state(page, "users-refused-late");
  await button(toast, "users.show_person").click();
  await panel.waitFor();
  assert.equal(await panel.getByRole("textbox", { name: t("users.edit.email") }).inputValue(), ANN);
});

scenario("what is typed while something else is saved stays, and is saved next", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Amn" });
  await stack.delivered(id);
  const page = await world.person();
  const answer = gate();
  await page.route("**/v1/users/*", async (route) => {
    if (route.request().method() === "PATCH") await answer.opened;
    return route.continue();
  });
  await enter(page);
  await open(page, ANN, "Amn");
  const panel = page.locator("#person");
  await button(panel, "users.do.edit").click();
  const field = (name) => panel.getByRole("textbox", { name: t(`users.edit.${name}`) });
  await field("name").fill("Ann");
  await button(panel, "common.save").click();
  await button(panel.getByRole("form"), "common.saving").waitFor();
  await field("groups").fill("readers");
  answer.open();
  await said(page, "users.said.saved", { who: "Ann" }).waitFor();
  assert.equal(await field("groups").inputValue(), "readers");
  assert.deepEqual((await stack.user(id)).groups, []);
  await button(panel, "common.save").click();
  await field("groups").waitFor({ state: "detached" });
  const { name, groups } = await stack.user(id);
  assert.deepEqual({ name, groups }, { name: "Ann", groups: ["readers"] });
});

scenario("a person who does not come at first comes with their history", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Ann" });
  await stack.delivered(id);
  const page = await world.person();
  await page.route(`**/v1/users/${id}`, (route) => route.abort("internetdisconnected"), { times: 1 });
  await enter(page);
  await tab(page, "revoked").click();
  await heading(page, "users.empty.revoked").waitFor();
  await page.evaluate((id) => { location.hash = `state=revoked&user=${id}`; }, id);
  const panel = dialog(page, t("problem.offline.title"));
  await button(panel, "common.retry").click();
  await dialog(page, "Ann").getByRole("listitem").getByText(t("history.invited")).waitFor();
  // Somebody who is not there any more.
  await stack.call("DELETE", `/v1/users/${id}`);
  await page.reload();
  const words = await page.locator("#person").getByRole("alert").locator("xpath=..").innerText();
  assert.match(words, within("problem.user_not_found"));
  assert.doesNotMatch(words, /false/);
});

scenario("a refusal in a row that is not seen is said at the edge of the page, and waits with the person", async (world) => {
  const { stack } = world;
  await inviteMany(stack, numbered(40));
  await stack.invite(ANN);
  const page = await world.person();
  const answer = gate();
  await page.route("**/resend", async (route) => { await answer.opened; return route.continue(); });
  await enter(page);
  await assertShown(page, 41);
  await rowButton(page, ANN, "users.do.resend").click();
  await rowButton(page, ANN, "users.doing.resend").waitFor();
  await page.getByRole("rowheader").last().scrollIntoViewIfNeeded();
  answer.open();
  const toast = page.getByRole("status").filter({ hasText: within("users.failed_for", { who: ANN }) });
  await toast.getByText(within("problem.too_soon")).waitFor();
  await button(toast, "users.show_person").click();
  const panel = dialog(page, ANN);
  await panel.getByText(within("problem.too_soon")).waitFor();
});

for (const language of LANGUAGES) {
  scenario(`a module that does not load is said in a browser's ${language}, with a way to load the page again`, async (world) => {
    const page = await world.person({ width: 320, language });
    await page.route("**/assets/*/live.js", (route) => route.abort("internetdisconnected"));
    await page.goto("/");
    const again = page.getByRole("link", { name: t("common.retry", {}, language) });
    await again.waitFor({ timeout: 25_000 });
    await page.getByText(t("page.unreached", {}, language)).waitFor();
    await world.state(page, "users-unreached-module");
    await page.unroute("**/assets/*/live.js");
    await again.click();
    await heading(page, "users.gate.welcome.title", { product: "Acme" }, language).waitFor();
    assert.equal(await again.isVisible(), false);
  }, { timeout: 90_000 });
}

scenario("a catalogue that does not load is said at once, and loading again leads back to the same place", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  const page = await world.person();
  await enter(page);
  await open(page, ANN, "Ann");
  await page.route("**/assets/*/users.*.json", (route) => route.abort("internetdisconnected"));
  await page.reload();
  const again = page.getByRole("link", { name: /Try again/ });
  await again.waitFor();
  await world.state(page, "users-unreached-catalogue");
  await page.unroute("**/assets/*/users.*.json");
  await again.click();
  await dialog(page, "Ann").waitFor();
});

scenario("undoing the revocation of what has expired meanwhile promises nothing", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN);
  await button(panel, "users.do.revoke").click();
  await said(page, "users.said.revoked", { who: ANN }).waitFor();
  await stack.later(WEEK + 60);
  await button(page.getByRole("status"), "common.undo").click();
  await said(page, "users.said.restored_expired", { who: ANN }).waitFor();
  await seeState(page, ANN, "expired");
  assert.equal(await said(page, "users.said.restored", { who: ANN }).count(), 0);
  await world.state(page, "users-restored-expired");
  await button(page.getByRole("status"), "users.do.resend").click();
  await said(page, "users.said.resent", { who: ANN }).waitFor();
  await stack.mail(ANN, 2);
});

scenario("the focus never gets lost with what had it", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await page.clock.install();
  await enter(page);
  // A refusal in a row.
  await rowButton(page, ANN, "users.do.resend").click();
  await tabTo(page, button(row(page, ANN), "common.dismiss"));
  await page.keyboard.press("Enter");
  await row(page, ANN).getByText(within("problem.too_soon")).waitFor({ state: "detached" });
  await seeFocus(rowButton(page, ANN, "users.do.resend")); // it is at the row's button
  // A toast whose action is done, and one that is dismissed.
  const panel = await open(page, ANN);
  const status = page.getByRole("status");
  const press = async (key) => {
    await button(panel, "users.do.revoke").focus();
    await page.keyboard.press("Enter");
    await said(page, "users.said.revoked", { who: ANN }).waitFor();
    await seeFocus(button(panel, "users.do.restore")); // the button that undoes it
    await button(status, key).last().focus();
    await page.keyboard.press("Enter");
  };
  await press("common.undo");
  await said(page, "users.said.restored", { who: ANN }).waitFor();
  await panel.locator(":focus").waitFor(); // it is in the panel after undoing
  await press("common.dismiss");
  await seeFocus(button(panel, "users.do.restore")); // it is where it was before
  // One that has the focus stays, even if the pointer was there and left.
  const restored = said(page, "users.said.restored", { who: ANN });
  await button(panel, "users.do.restore").click();
  // What was said the last time may still stand there: only when the focus moves on is it said again.
  await seeFocus(button(panel, "users.do.resend"));
  await button(status, "common.dismiss").last().focus();
  await restored.last().hover();
  await page.mouse.move(0, 0);
  await page.clock.fastForward(60_000);
  assert.equal(await hasFocus(button(status, "common.dismiss")), true);
  await page.keyboard.press("Enter");
  await seeFocus(button(panel, "users.do.resend"));
});

scenario("the focus goes back to the panel from a toast even if the button that had it is gone", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  const answer = gate();
  await page.route("**/restore", async (route) => { await answer.opened; return route.continue(); });
  await enter(page);
  const panel = await open(page, ANN);
  await button(panel, "users.do.revoke").click();
  const revoked = page.getByRole("status").filter({ hasText: within("users.said.revoked", { who: ANN }) });
  await revoked.waitFor();
  await button(panel, "users.do.restore").click();
  await button(panel, "users.doing.restore").waitFor();
  await button(revoked, "common.dismiss").focus();
  answer.open();
  await button(panel, "users.do.resend").waitFor();
  await page.keyboard.press("Enter");
  await panel.locator(":focus").waitFor();
});

scenario("only why something was refused is read out, and not every second of the wait", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person();
  await enter(page);
  await rowButton(page, ANN, "users.do.resend").click();
  const alert = row(page, ANN).getByRole("alert");
  await alert.getByText(within("problem.too_soon")).waitFor();
  await row(page, ANN).getByRole("button", { name: /\d+ seconds/ }).waitFor();
  assert.equal(await alert.getByRole("button").count(), 0);
});

scenario("what was typed a moment before another tab was chosen is searched for there", async (world) => {
  const { stack } = world;
  await inviteMany(stack, ["anna@example.com", "annika@example.com", "bo@example.com"]);
  const page = await world.person();
  await enter(page);
  await assertShown(page, 3);
  await search(page).evaluate((field) => {
    field.value = "anni";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    document.querySelector('[data-state="pending"]').click();
  });
  await assertShown(page, 1);
  assert.equal(await tab(page, "pending").getAttribute("aria-current"), "page");
  assert.equal(await search(page).inputValue(), "anni");
  // The same words as before change nothing, and keep nobody from going on.
  await search(page).evaluate((field) => {
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    document.querySelector('[data-state=""]').click();
  });
  await page.waitForURL((url) => !url.hash.includes("state="));
  await until("its tab is chosen", async () => await tab(page, "all").getAttribute("aria-current") === "page");
  await assertShown(page, 1);
});

scenario("rows stay alive below those that were put on top", async (world) => {
  const { stack } = world;
  await inviteMany(stack, numbered(50));
  const page = await world.person();
  await enter(page);
  await assertShown(page, 50);
  for (const [from, shown] of [[100, 80], [200, 110]]) {
    await inviteMany(stack, numbered(30, from));
    await page.getByRole("button", { name: plural("users.new", 30) }).click({ timeout: 60_000 });
    await assertShown(page, shown);
  }
  // Twice the mail is still on its way when the page looks at the person alone.
  const target = "p000@example.com";
  let looks = 0;
  const { data: [{ id }] } = await stack.call("GET", `/v1/users?q=${target}`);
  await page.route(`**/v1/users/${id}`, async (route) => {
    const answer = await route.fetch();
    const user = await answer.json();
    if (looks < 2) user.delivery.status = "sent";
    looks += 1;
    await route.fulfill({ response: answer, json: user });
  });
  await opener(page, target).scrollIntoViewIfNeeded();
  await rowButton(page, target, "users.do.resend").click();
  await row(page, target).getByText(within("delivery.delivered")).first().waitFor({ timeout: 20_000 });
  const all = await page.getByRole("rowheader").evaluateAll((cells) => cells.map((cell) => cell.querySelector("a").textContent));
  assert.equal(new Set(all).size, 110, "nobody is shown twice");
}, { timeout: 150_000 });

scenario("what went wrong in one tab is not said in the next", async (world) => {
  const { stack } = world;
  await inviteMany(stack, numbered(60));
  const page = await world.person();
  await enter(page);
  await assertShown(page, 50, true);
  await page.route(/after=/, (route) => route.abort("internetdisconnected"));
  await button(page, "users.more").click();
  await page.getByText(within("problem.offline")).waitFor();
  await tab(page, "revoked").click();
  await heading(page, "users.empty.revoked").waitFor();
  assert.equal(await page.getByText(within("problem.offline")).count(), 0);
});

scenario("what one administrator has typed is not shown to another in the same tab", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN, "Ann");
  await button(panel, "users.do.edit").click();
  const name = panel.getByRole("textbox", { name: t("users.edit.name") });
  await name.fill("Ann Secret");
  // Each time the issuer asks anew who it is.
  const become = async (who) => {
    const ended = await endSignIn(page);
    await page.context().clearCookies();
    await button(ended, "users.ended.again").click();
    await page.getByRole("heading", { name: "Sign in as" }).waitFor();
    if (who === "Sign in as somebody else") await page.getByText("Somebody else, another tenant").click();
    await page.getByRole("button", { name: who, exact: true }).click();
    await panel.getByText(t("history.invited")).first().waitFor();
  };
  await become("Sign in as somebody else");
  assert.equal(await name.count(), 0, "no form is open");
  await button(panel, "users.do.edit").click();
  assert.equal(await name.inputValue(), "Ann");
  await become("Alex Admin");
  assert.equal(await name.inputValue(), "Ann Secret", "whose it is gets it back");
  await name.fill("Ann Secret Lee");
  await page.getByRole("button", { name: t("users.account") }).click();
  await button(page, "users.sign_out").click();
  await button(page, "users.sign_in").waitFor();
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...sessionStorage })), /Secret/);
});

scenario("the way back after closing a person does not open them again", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  await stack.invite({ email: BO, name: "Bo" });
  const page = await world.person({ width: 320 });
  await enter(page);
  await tab(page, "pending").click();
  await assertShown(page, 2);
  // Once more is nowhere else.
  await tab(page, "pending").click();
  const panel = await open(page, ANN, "Ann");
  await button(panel, "common.close").click();
  await panel.waitFor({ state: "hidden" });
  await seeFocus(opener(page, ANN));
  await page.goBack();
  await until("the first tab is back", async () => await tab(page, "all").getAttribute("aria-current") === "page");
  assert.equal(await panel.isVisible(), false);
  // What was searched for beside the open person stays when the person is closed.
  await page.setViewportSize({ width: 1440, height: 900 });
  await open(page, ANN, "Ann");
  await search(page).fill("ann");
  await assertShown(page, 1);
  await button(panel, "common.close").click();
  await panel.waitFor({ state: "hidden" });
  assert.equal(await search(page).inputValue(), "ann");
  await assertShown(page, 1);
});

scenario("two who edit the same person keep each other's work", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Amn", groups: ["readers"] });
  await stack.delivered(id);
  const [one, two] = [await world.person(), await world.person()];
  const field = (page, name) => page.getByRole("textbox", { name: t(`users.edit.${name}`) });
  for (const page of [one, two]) {
    await enter(page);
    await button(await open(page, ANN, "Amn"), "users.do.edit").click();
  }
  await field(two, "groups").fill("readers, writers");
  await field(one, "name").fill("Ann");
  await button(one, "common.save").click();
  await said(one, "users.said.saved", { who: "Ann" }).waitFor();
  // The other sees it, and their form stays as it is.
  await dialog(two, "Ann").waitFor({ timeout: 30_000 });
  assert.equal(await field(two, "name").inputValue(), "Amn");
  assert.equal(await field(two, "groups").inputValue(), "readers, writers");
  await button(two, "common.save").click();
  await said(two, "users.said.saved", { who: "Ann" }).waitFor();
  const { name, groups } = await stack.user(id);
  assert.deepEqual({ name, groups }, { name: "Ann", groups: ["readers", "writers"] });
}, { timeout: 90_000 });

scenario("a sign-in that ends while somebody invites loses nobody that was entered", async (world) => {
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, `${ANN}\n${BO}`);
  await until("both are read", async () => await chips(box).count() === 2);
  await addresses(box).fill("cy@");
  const message = box.getByRole("textbox", { name: t("invite.message") });
  await message.fill("See you soon!");
  const ended = await endSignIn(page);
  await button(ended, "users.ended.again").click();
  await page.waitForURL((url) => url.pathname === "/" && !url.search);
  await until("all three are there again", async () => await chips(box).count() === 3);
  await chip(box, "cy@").waitFor();
  assert.equal(await message.inputValue(), "See you soon!");
});
