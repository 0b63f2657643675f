// Who may come in, what they may do, and how a sign-in begins and ends.
import assert from "node:assert/strict";
import { scenario } from "./support/browser.mjs";
import { LANGUAGES, t, within } from "./support/texts.mjs";
import { assertShown, button, dialog, enter, heading, inviteButton, open, row, rowButton, search, seeState, signIn, tab, said } from "./support/users.mjs";

const ANN = "ann@example.com";

scenario("the page says what it is, signs in, and keeps no token", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person();
  const answers = [];
  page.on("response", (answer) => { if (answer.url().endsWith("/_local/sign-in/token")) answers.push(answer.json()); });
  await page.goto("/");
  await heading(page, "users.gate.welcome.title", { product: "Acme" }).waitFor();
  await world.state(page, "users-welcome");
  await signIn(page);
  await seeState(page, ANN, "pending");
  assert.equal(new URL(page.url()).search, "", "the code is gone from the address bar");
  const tokens = (await Promise.all(answers)).flatMap((body) => ["access_token", "id_token", "refresh_token"].map((name) => body[name]).filter(Boolean));
  assert.ok(tokens.length > 0);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML, location.href, history.state]));
  for (const token of tokens) assert.ok(!kept.includes(token), "a token is kept");
  const loaded = await page.evaluate(() => performance.timeOrigin);
  await page.reload();
  await seeState(page, ANN, "pending");
  assert.notEqual(await page.evaluate(() => performance.timeOrigin), loaded, "a reload needs no click");
  await Promise.all(answers);
});

scenario("a reload leads back to the tab, the search and the person", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  await stack.invite("bo@example.com");
  const page = await world.person();
  await enter(page);
  await tab(page, "pending").click();
  await search(page).fill("ann");
  await assertShown(page, 1);
  await open(page, ANN, "Ann");
  await page.reload();
  await dialog(page, "Ann").waitFor();
  assert.equal(await search(page).inputValue(), "ann");
  assert.equal(await tab(page, "pending").getAttribute("aria-current"), "page");
  await assertShown(page, 1);
});

scenario("who cancels the sign-in is told so in words", async (world) => {
  const page = await world.person();
  await signIn(page, { as: "Cancel" });
  await heading(page, "users.gate.denied.title").waitFor();
  await world.state(page, "users-sign-in-cancelled");
  await signIn(page);
  await heading(page, "users.first.title").waitFor();
});

scenario("a code that the page did not ask for is not used", async (world) => {
  const page = await world.person();
  let asked = 0;
  page.on("request", (request) => { if (request.url().endsWith("/_local/sign-in/token")) asked += 1; });
  await page.goto("/?code=stolen&state=foreign");
  await button(page, "users.sign_in").waitFor();
  assert.equal(new URL(page.url()).search, "");
  assert.equal(asked, 0);
});

scenario("signing out ends the sign-in, here and at the issuer", async (world) => {
  const page = await world.person();
  await enter(page);
  await page.getByRole("button", { name: t("users.account") }).click();
  await page.getByText(t("users.signed_in_as", { name: "Alex Admin" })).waitFor();
  await world.state(page, "users-account");
  await button(page, "users.sign_out").click();
  await button(page, "users.sign_in").waitFor();
  await page.reload();
  await button(page, "users.sign_in").click();
  await page.getByRole("heading", { name: "Sign in as" }).waitFor();
});

scenario("someone without the permission learns what the page is for, what is missing and who can give it", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person();
  await signIn(page, { as: "Nora Nobody" });
  await heading(page, "users.denied.title", { name: "Nora Nobody" }).waitFor();
  await page.getByText(within("users.denied.purpose")).waitFor();
  await page.getByText(/users:read/).first().waitFor();
  await world.state(page, "users-denied");
  assert.equal(await page.getByText(ANN).count(), 0, "nobody's address is shown");
  const me = await stack.call("GET", "/v1/me", undefined, { claims: { sub: "nobody", scope: "" } });
  await page.getByText(me.who_can_grant).waitFor();
});

scenario("someone who may only see, sees, and is told why they can't do more", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  await stack.later(61);
  const before = await stack.user(id);
  const page = await world.person();
  await enter(page, { as: "Rita Reader" });
  await page.getByText(within("users.needs", { scope: "users:invite, users:write" })).first().waitFor();
  await world.state(page, "users-read-only");
  await rowButton(page, ANN, "users.do.resend").click({ force: true });
  await inviteButton(page).click({ force: true });
  await page.getByRole("status").getByText(within("users.needs", { scope: "users:invite" })).first().waitFor();
  const panel = await open(page, ANN);
  for (const action of ["resend", "revoke", "edit", "erase"]) {
    const one = button(panel, `users.do.${action}`);
    assert.equal(await one.getAttribute("aria-disabled"), "true", action);
    await one.click({ force: true });
  }
  await world.state(page, "users-read-only-person");
  assert.equal(await page.getByRole("dialog").count(), 1, "nothing else was opened");
  assert.deepEqual(await stack.user(id), before);
});

scenario("someone who may see and invite does that, and nothing else", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  await stack.later(61);
  const page = await world.person();
  await enter(page, { as: "Ivo Inviter" });
  await rowButton(page, ANN, "users.do.resend").click();
  await said(page, "users.said.resent", { who: ANN }).waitFor();
  const panel = await open(page, ANN);
  assert.equal(await button(panel, "users.do.revoke").getAttribute("aria-disabled"), "true");
});

scenario("nobody sees the users of another tenant", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  await stack.invite("bo@other.example", {}, { claims: { tenant: "other" } });
  const page = await world.person();
  await enter(page, { tenant: "other" });
  await assertShown(page, 1);
  await row(page, "bo@other.example").waitFor();
});

scenario("a sign-in that ends is begun again, and nothing typed is lost", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, name: "Ann" });
  const page = await world.person();
  await enter(page, { endsAfter: 40 });
  const panel = await open(page, ANN, "Ann");
  await button(panel, "users.do.edit").click();
  await panel.getByRole("textbox", { name: t("users.edit.name") }).fill("Ann Lee");
  const ended = dialog(page, t("users.ended.title"));
  await ended.waitFor({ timeout: 60_000 });
  await world.state(page, "users-ended");
  await button(ended, "users.ended.again").click();
  const again = dialog(page, "Ann");
  await again.waitFor({ timeout: 20_000 });
  assert.equal(await again.getByRole("textbox", { name: t("users.edit.name") }).inputValue(), "Ann Lee");
}, { timeout: 120_000 });

scenario("someone invited who comes here without their link is told where it is", async (world) => {
  const { stack } = world;
  const page = await world.person({ width: 320 });
  await page.goto("/");
  await page.getByText(within("users.gate.invited")).waitFor();
  await world.state(page, "users-welcome");
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  await page.goto("about:blank");
  await page.goto(link.replace("/accept#", "/#"));
  await page.waitForURL((url) => url.pathname === "/accept");
});

scenario("a stack without a sign-in says to its operator what to set", async (world) => {
  const page = await world.person();
  await page.route((url) => url.pathname === "/", async (route) => {
    const answer = await route.fetch();
    const html = (await answer.text()).replace(/(name="usher:(?:authorize_url|token_url|client_id|scopes|logout_url)" content=")[^"]*/g, "$1");
    await route.fulfill({ response: answer, body: html });
  });
  await page.goto("/");
  await heading(page, "users.gate.not_configured.title").waitFor();
  await world.state(page, "users-not-configured");
});

scenario("without JavaScript the page says in the browser's language what it needs", async (world) => {
  for (const language of LANGUAGES) {
    const page = await world.person({ width: 320, language, options: { javaScriptEnabled: false } });
    await page.goto("/");
    await page.getByRole("heading", { name: t("page.no_script.title", {}, language) }).waitFor();
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  }
});

scenario("the page changes its language and remembers it", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person();
  await enter(page);
  await page.getByRole("button", { name: t("users.account") }).click();
  await page.getByRole("combobox", { name: t("common.language") }).selectOption("ar");
  await inviteButton(page, "ar").waitFor();
  await world.state(page, "users-switched", { language: "ar" });
  await page.reload();
  await inviteButton(page, "ar").waitFor();
  await seeState(page, ANN, "pending", "ar");
});
