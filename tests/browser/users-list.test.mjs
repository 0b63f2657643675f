// The list of people: who is in it, how it is found, and that it keeps its place while it lives.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { seeWelcome, register } from "./support/accept.mjs";
import { until } from "./support/stack.mjs";
import { plural, t, within } from "./support/texts.mjs";
import { assertShown, button, dialog, enter, heading, open, opener, row, rows, search, seeDelivery, seeFocus, seeState, signIn, tab } from "./support/users.mjs";

const ANN = "ann@example.com";
const numbered = (n, from = 0) => Array.from({ length: n }, (_, index) => `p${String(from + index).padStart(3, "0")}@example.com`);
const inviteMany = (stack, emails, request = {}) => stack.call("POST", "/v1/invitations", { invitees: emails.map((email) => ({ email })), notify: false, ...request });

scenario("the list turns with the mail and with the person, without a reload", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  await heading(page, "users.first.title").waitFor();
  await world.state(page, "users-first-visit");
  await stack.invite({ email: ANN, name: "Ann Lee" });
  // While no mail is under way, the page looks every 20 seconds.
  await page.getByRole("button", { name: plural("users.new", 1) }).click({ timeout: 30_000 });
  await seeState(page, ANN, "pending");
  await seeDelivery(page, ANN, "delivered");
  await world.state(page, "users-list");
  const loaded = await page.evaluate(() => performance.timeOrigin);

  const phone = await world.person({ width: 320 });
  await phone.goto(await stack.link(ANN));
  await register(phone, "Ann Lee");
  await seeWelcome(phone, "Ann Lee");
  await seeState(page, ANN, "accepted");
  assert.equal(await page.evaluate(() => performance.timeOrigin), loaded, "the page was not loaded again");
}, { timeout: 90_000 });

scenario("tabs show who is in which state, and the way back leads back", async (world) => {
  const { stack } = world;
  const ids = {};
  for (const state of ["pending", "accepted", "revoked", "declined"]) ids[state] = await stack.invite(`${state}@example.com`);
  const token = async (state) => (await stack.link(`${state}@example.com`)).split("#")[1];
  const post = async (path, body) => assert.ok((await fetch(stack.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).ok);
  await post("/v1/accept", { token: await token("accepted"), name: "Ann" });
  await post("/v1/accept/decline", { token: await token("declined") });
  await stack.call("POST", `/v1/users/${ids.revoked}/revoke`);
  const page = await world.person();
  await enter(page);
  await assertShown(page, 4);
  await world.state(page, "users-all");
  for (const state of ["pending", "accepted", "revoked", "declined"]) {
    await tab(page, state).click();
    await assertShown(page, 1);
    await seeState(page, `${state}@example.com`, state);
    assert.equal(await tab(page, state).getAttribute("aria-current"), "page");
  }
  await tab(page, "expired").click();
  await heading(page, "users.empty.expired").waitFor();
  await world.state(page, "users-empty-tab");
  await page.goBack();
  await seeState(page, "declined@example.com", "declined");
  await page.reload();
  await seeState(page, "declined@example.com", "declined");
  await assertShown(page, 1);
  await stack.later(8 * 24 * 60 * 60);
  await tab(page, "expired").click();
  await seeState(page, "pending@example.com", "expired");
});

scenario("a search finds by how an address begins, and an answer that comes late changes nothing", async (world) => {
  const { stack } = world;
  await inviteMany(stack, ["anna@example.com", "annika@example.com", "bo@example.com"]);
  const page = await world.person();
  await enter(page);
  await assertShown(page, 3);
  const late = gate();
  await page.route(/q=bo(&|$)/, async (route) => { await late.opened; await route.continue().catch(() => {}); });
  const asked = page.waitForRequest(/q=bo(&|$)/);
  await search(page).fill("bo");
  await asked;
  await search(page).fill("ann");
  await assertShown(page, 2);
  late.open();
  await page.unroute(/q=bo(&|$)/);
  await search(page).fill("annik");
  await assertShown(page, 1);
  await row(page, "annika@example.com").waitFor();
  await search(page).fill("nobody");
  await heading(page, "users.empty.search", { q: "nobody" }).waitFor();
  await world.state(page, "users-search-empty");
  await button(page, "users.clear_search").click();
  await assertShown(page, 3);
  await seeFocus(search(page));
});

scenario("130 people are read page by page, and nobody loses their place", async (world) => {
  const { stack } = world;
  await inviteMany(stack, numbered(130));
  const page = await world.person();
  await enter(page);
  await assertShown(page, 50, true);
  await button(page, "users.more").click();
  await assertShown(page, 100, true);
  await world.state(page, "users-paged");
  const seen = await rows(page).evaluateAll((cells) => cells.map((cell) => cell.querySelector("a").textContent));
  const target = seen[74];
  await opener(page, target).scrollIntoViewIfNeeded();
  const top = await opener(page, target).evaluate((link) => link.getBoundingClientRect().top);
  const scrolled = await page.evaluate(() => scrollY);
  assert.ok(scrolled > 500);
  // Somebody else invites people meanwhile: they are announced, and nothing moves.
  await inviteMany(stack, numbered(3, 500));
  const panel = await open(page, target);
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  await seeFocus(opener(page, target)); // the focus is back at the row
  await page.getByRole("button", { name: plural("users.new", 3) }).waitFor({ timeout: 30_000, state: "attached" });
  assert.equal(await page.evaluate(() => scrollY), scrolled, "the page did not scroll");
  const now = await opener(page, target).evaluate((link) => link.getBoundingClientRect().top);
  assert.ok(Math.abs(now - top) < 2, `the row moved from ${top} to ${now}`);
  await button(page, "users.more").click();
  await assertShown(page, 130, false);
  const all = await rows(page).evaluateAll((cells) => cells.map((cell) => cell.querySelector("a").textContent));
  assert.deepEqual(all.slice(0, 100), seen, "what was shown stays where it was");
  assert.equal(new Set(all).size, 130, "nobody is shown twice");
  await page.getByRole("button", { name: plural("users.new", 3) }).click();
  await assertShown(page, 133, false);
  await row(page, "p502@example.com").waitFor();
}, { timeout: 90_000 });

scenario("a page that does not come can be asked for again", async (world) => {
  const { stack } = world;
  await inviteMany(stack, numbered(60));
  const page = await world.person();
  await enter(page);
  await assertShown(page, 50, true);
  await page.route(/after=/, (route) => route.abort("internetdisconnected"), { times: 1 });
  await button(page, "users.more").click();
  await page.getByText(within("problem.offline")).waitFor();
  await world.state(page, "users-more-offline");
  assert.equal(await rows(page).count(), 50);
  await button(page, "common.retry").click();
  await assertShown(page, 60, false);
  await seeFocus(rows(page).nth(50).getByRole("link")); // the focus is at the first of those who came
});

scenario("a person's panel says everything about them, and what happened", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "نور الهدى", groups: ["readers"], external_id: "4711", metadata: { team: "blue" }, locale: "de" });
  await stack.delivered(id);
  await stack.later(3600);
  await stack.call("POST", `/v1/users/${id}/resend`, {});
  await stack.mail(ANN, 2);
  const page = await world.person();
  await enter(page);
  const panel = await open(page, ANN, "نور الهدى");
  for (const words of [ANN, "4711", "readers", id]) await panel.getByText(words).first().waitFor();
  for (const kind of ["invited", "mail_sent", "resent"]) await panel.getByText(t(`history.${kind}`)).first().waitFor();
  await panel.getByText(t("users.history.by", { who: "Alex Admin" })).first().waitFor();
  await world.state(page, "users-person");
  const where = page.url();
  await page.reload();
  await dialog(page, "نور الهدى").waitFor();
  assert.equal(page.url(), where);
  await page.keyboard.press("Escape");
  await dialog(page, "نور الهدى").waitFor({ state: "hidden" });
});

scenario("on a phone the panel takes the page's place, and gives it back", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann Lee" });
  const page = await world.person({ width: 320 });
  await enter(page);
  await seeState(page, ANN, "pending");
  await world.state(page, "users-phone");
  const panel = await open(page, ANN, "Ann Lee");
  await world.state(page, "users-phone-person");
  assert.equal(await page.locator("#page:not([inert]) #invite").count(), 0, "what is below the panel can't be reached");
  await button(panel, "common.close").click();
  await panel.waitFor({ state: "hidden" });
  await seeFocus(opener(page, ANN));
});

scenario("a list that can't be loaded is said in words, and loaded again", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person();
  await page.route(/\/v1\/users\?/, (route) => route.fulfill({
    status: 503, contentType: "application/problem+json", headers: { "retry-after": "1" },
    body: JSON.stringify({ code: "temporarily_unavailable", status: 503, title: "Service Unavailable", detail: "x", hint: "y", request_id: "01M84REFERENCE" }),
  }), { times: 1 });
  await signIn(page);
  await page.getByText(within("problem.temporarily_unavailable")).first().waitFor();
  await world.state(page, "users-unavailable");
  await button(page, "common.retry").click();
  await seeState(page, ANN, "pending");
  await seeFocus(page.getByRole("main")); // the focus is not lost with the button
});

scenario("the mail doctor's findings stand above the list, and can be put away", async (world) => {
  const page = await world.person();
  await enter(page);
  const banner = page.getByText(plural("users.health.degraded", 1));
  await banner.click();
  await page.getByText(t("health.sandbox")).waitFor();
  await world.state(page, "users-health");
  await button(page, "users.health.dismiss").click();
  await banner.waitFor({ state: "hidden" });
  await page.reload();
  await heading(page, "users.first.title").waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(await banner.count(), 0, "it stays away for this visit");
}, { stack: { options: ["--ses-sandbox", "--ses-verified", "example.com"] } });

scenario("of many who have left the list, each is looked at in turn", async (world) => {
  const { stack } = world;
  await inviteMany(stack, numbered(8));
  const page = await world.person();
  const looked = new Set();
  // Their mail stays under way, and after the first look nobody of them is in the list any more.
  const underWay = (user) => ({ ...user, delivery: { ...user.delivery, status: "sent" } });
  let shown = false;
  await page.route(/\/v1\/users(\?|\/usr_\w+$)/, async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    if (!json.data) looked.add(json.email);
    await route.fulfill({ response, json: json.data ? { ...json, data: shown ? [] : json.data.map(underWay) } : underWay(json) });
    shown = true;
  });
  await enter(page);
  await assertShown(page, 8);
  await until("each was looked at", () => looked.size === 8, 30_000);
});
