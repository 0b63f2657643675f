// The way from the mail to the account: in any state of the connection, and with nothing but a keyboard.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { assertFragmentGone, button, heading, INVITER, nameField, PRODUCT, register, see, seeInvitation, seeWelcome } from "./support/accept.mjs";
import { ALL_LANGUAGES, LANGUAGES, t, within } from "./support/texts.mjs";
import { seeFocus, tabTo } from "./support/users.mjs";

const ANN = "ann@example.com";

scenario("the link in the mail leads to an account", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Ann Lee" }, { message: "See you <b>soon</b>!", redirect_url: `${stack.url}/?from=acme` });
  await stack.mail(ANN);
  const mailbox = await world.person({ options: { reducedMotion: "no-preference" } });
  await mailbox.goto("/_local/mail");
  await mailbox.getByRole("link", { name: ANN }).click();
  const opened = mailbox.context().waitForEvent("page");
  await mailbox.frameLocator("iframe").getByRole("link", { name: "Create your account" }).click();
  const page = Object.assign(await opened, { usher: mailbox.usher });

  await seeInvitation(page);
  await assertFragmentGone(page);
  await page.getByText(t("accept.invited", { email: ANN })).waitFor();
  await page.getByText("See you <b>soon</b>!").waitFor();
  await page.getByText(t("accept.name_hint", { name: "Ann Lee" })).waitFor();
  assert.equal(await nameField(page).inputValue(), "", "nobody registers without having typed something");
  await world.state(page, "accept-invitation");
  await register(page, "Ann Lee-Smith");
  await seeWelcome(page, "Ann Lee-Smith");
  await world.state(page, "accept-created");
  const user = await stack.user(id);
  assert.deepEqual([user.state, user.name], ["accepted", "Ann Lee-Smith"]);
  await page.getByRole("link", { name: t("accept.continue", { product: PRODUCT }) }).click();
  await page.waitForURL(`${stack.url}/?from=acme`);
});

scenario("the whole way goes by keyboard", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const page = await world.person();
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await tabTo(page, nameField(page));
  await page.keyboard.type("Ann Lee");
  await page.keyboard.press("Enter");
  await seeWelcome(page, "Ann Lee");
  await page.locator("h1:focus").waitFor(); // what is new is read out
  assert.equal((await stack.user(id)).state, "accepted");
});

scenario("declining asks first, by keyboard too, and takes no for an answer", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await tabTo(page, button(page, "accept.decline"));
  await page.keyboard.press("Enter");
  const confirm = button(page, "accept.decline_confirm");
  await confirm.waitFor();
  await page.getByText(t("accept.decline_text", { product: PRODUCT, email: ANN })).waitFor();
  await world.state(page, "accept-decline");
  await page.keyboard.press("Escape");
  await confirm.waitFor({ state: "hidden" });
  assert.equal((await stack.user(id)).state, "pending");
  await seeInvitation(page);
  await tabTo(page, button(page, "accept.decline"));
  await page.keyboard.press("Enter");
  await confirm.waitFor();
  await button(page, "accept.back").click();
  await seeInvitation(page);
  assert.equal((await stack.user(id)).state, "pending");
  await button(page, "accept.decline").click();
  await tabTo(page, confirm);
  await page.keyboard.press("Enter");
  await see(page, "accept.declined_title");
  await world.state(page, "accept-declined");
  assert.equal((await stack.user(id)).state, "declined");
});

scenario("an empty name is asked for beside the field, and nothing is sent", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await register(page, "  ");
  await page.getByText(t("accept.name_missing")).waitFor();
  await seeFocus(nameField(page));
  assert.equal(await nameField(page).getAttribute("aria-invalid"), "true");
  await world.state(page, "accept-name-missing");
  assert.equal((await stack.user(id)).state, "pending");
});

scenario("a name that the API refuses is said in words, and can be corrected", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await register(page, "Win at https://casino.example");
  await page.getByText(within("accept.problem.invalid_field.hint")).waitFor();
  await world.state(page, "accept-name-refused");
  assert.equal(await nameField(page).inputValue(), "Win at https://casino.example", "what was typed is still there");
  await register(page, "Ann");
  await seeWelcome(page, "Ann");
});

scenario("a connection that is lost before the answer loses nothing that was typed", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await page.context().setOffline(true);
  await register(page, "Ann Lee");
  await page.getByText(within("problem.offline")).waitFor();
  await world.state(page, "accept-offline");
  assert.equal(await nameField(page).inputValue(), "Ann Lee");
  await button(page, "accept.create").click();
  await page.getByText(within("problem.offline")).waitFor();
  assert.equal((await stack.user(id)).state, "pending");
  await page.context().setOffline(false);
  await button(page, "accept.create").click();
  await seeWelcome(page, "Ann Lee");
  assert.equal((await stack.user(id)).name, "Ann Lee");
});

scenario("an answer that is lost on its way makes one account, and trying again says so, by no name that the account may not have", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await page.route("**/v1/accept", async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  }, { times: 1 });
  await register(page, "Ann Lee");
  await page.getByText(within("problem.offline")).waitFor();
  const accepted = await stack.user(id);
  assert.equal(accepted.state, "accepted");
  await register(page, "Anna");
  await see(page, "accept.created_title");
  assert.deepEqual(await stack.user(id), accepted, "the second try changed nothing");
});

scenario("an invitation that can't be loaded is loaded again from the same page", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  const page = await world.person({ width: 320 });
  await page.route("**/v1/accept/lookup", (route) => route.abort("internetdisconnected"), { times: 1 });
  await page.goto(link);
  await see(page, "problem.offline.title");
  await assertFragmentGone(page);
  await world.state(page, "accept-unreachable");
  await button(page, "common.retry").click();
  await seeInvitation(page);
});

scenario("a server that fails is no dead end, and has a reference for support", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.route("**/v1/accept/lookup", (route) => route.fulfill({
    status: 500, contentType: "application/problem+json",
    body: JSON.stringify({ code: "internal_error", status: 500, title: "Internal Server Error", detail: "x", hint: "y", request_id: "01M84REFERENCE" }),
  }), { times: 1 });
  await page.goto(await stack.link(ANN));
  await page.getByText(t("common.reference", { id: "01M84REFERENCE" })).waitFor();
  await world.state(page, "accept-server-error");
  await button(page, "common.retry").click();
  await seeInvitation(page);
});

scenario("on a slow network the page says what it is doing, and a button can't be pressed twice", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  const [lookup, accept] = [gate(), gate()];
  await page.route("**/v1/accept/lookup", async (route) => { await lookup.opened; await route.continue(); });
  let posts = 0;
  await page.route("**/v1/accept", async (route) => { posts += 1; await accept.opened; await route.continue(); });
  await page.goto(await stack.link(ANN));
  await page.getByText(t("accept.loading")).waitFor();
  await world.state(page, "accept-loading");
  lookup.open();
  await seeInvitation(page);
  await register(page, "Ann Lee");
  const busy = button(page, "accept.creating");
  await busy.waitFor();
  await world.state(page, "accept-creating");
  await busy.click({ force: true });
  await nameField(page).press("Enter");
  accept.open();
  await seeWelcome(page, "Ann Lee");
  assert.equal(posts, 1);
});

scenario("the page speaks the invitation's language, and the person's choice goes into the account", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, locale: "de" });
  const page = await world.person({ width: 320, language: "en" });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page, "de");
  await world.state(page, "accept-switched", { language: "de" });
  await nameField(page, "de").fill("Ann Lee");
  const language = page.getByRole("combobox", { name: t("common.language", {}, "de") });
  const offered = await language.getByRole("option").evaluateAll((options) => options.map(({ value, textContent }) => [value, textContent]));
  assert.deepEqual(offered.map(([tag]) => tag).sort(), [...ALL_LANGUAGES].sort());
  assert.deepEqual(LANGUAGES.map((tag) => Object.fromEntries(offered)[tag]), ["English", "Deutsch", "العربية"], "each by its own name");
  await language.selectOption("ar");
  await seeInvitation(page, "ar");
  await world.state(page, "accept-switched", { language: "ar" });
  assert.equal(await nameField(page, "ar").inputValue(), "Ann Lee", "what was typed is still there");
  await button(page, "accept.create", "ar").click();
  await seeWelcome(page, "Ann Lee", "ar");
  assert.equal((await stack.user(id)).locale, "ar");
});

scenario("the page speaks the tenant's language where nobody has said another, and names the tenant's product", async (world) => {
  const { stack } = world;
  const decided = { default_locale: "de", product_name: "Raketen & Co" };
  await stack.call("PUT", "/v1/settings", decided, { headers: { "if-match": "*" } });
  await stack.invite(ANN);
  // Basque: there is a mail in it if the tenant writes one, and no page.
  await stack.invite({ email: "eve@example.com", locale: "eu" });
  for (const address of [ANN, "eve@example.com"]) {
    const page = await world.person({ language: "en" });
    await page.goto(await stack.link(address));
    await seeInvitation(page, "de", { inviter: INVITER, product: "Raketen & Co" });
    assert.equal(await page.locator(".brand").textContent(), "Raketen & Co");
    assert.ok((await page.title()).includes("Raketen & Co"), await page.title());
  }
});

scenario("until the page knows its words it says in the browser's language that it is loading", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  for (const language of LANGUAGES) {
    const page = await world.person({ width: 320, language });
    const words = gate();
    await page.route("**/accept.*.json", async (route) => { await words.opened; await route.continue(); });
    await page.goto(link);
    await page.locator("#loading").getByText(t("common.loading", {}, language)).waitFor();
    await world.state(page, "accept-wordless", { everywhere: language === "en" });
    words.open();
    await seeInvitation(page);
  }
});

scenario("who reads one language is not kept waiting for the invitation's own", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, locale: "de" });
  const page = await world.person({ width: 320 });
  const words = gate();
  await page.route("**/accept.de.json", async (route) => { await words.opened; await route.continue(); });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await nameField(page).fill("Ann Lee");
  words.open();
  await seeInvitation(page, "de");
  assert.equal(await nameField(page, "de").inputValue(), "Ann Lee");
});

scenario("a catalogue that does not come is nothing to be alarmed at while there is another", async (world) => {
  const { stack } = world;
  await stack.invite({ email: ANN, locale: "de" });
  const page = await world.person();
  await page.route("**/accept.de.json", (route) => route.abort("timedout"));
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  assert.equal(await page.locator(".toast").count(), 0);
  const language = page.getByRole("combobox", { name: t("common.language") });
  // Whoever asks for it is told.
  await language.selectOption("de");
  await page.getByRole("status").getByText(t("problem.offline")).waitFor();
  assert.equal(await language.inputValue(), "en");
  await button(page, "common.dismiss").click();
  await register(page, "Ann Lee");
  await seeWelcome(page, "Ann Lee");
});

scenario("a second link in the same tab is another person's, who has chosen no language yet", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const bo = await stack.invite({ email: "bo@example.com", locale: "de" });
  const [first, second] = [await stack.link(ANN), await stack.link("bo@example.com")];
  const page = await world.person();
  await page.goto(first);
  await seeInvitation(page);
  await page.getByRole("combobox", { name: t("common.language") }).selectOption("ar");
  await seeInvitation(page, "ar");
  await page.evaluate((link) => { location.href = link; }, second);
  await seeInvitation(page, "de");
  await register(page, "Bo", "de");
  await seeWelcome(page, "Bo", "de");
  assert.equal((await stack.user(bo)).locale, "de");
});

scenario("a second link in the same tab shows the second invitation, and accepts that one", async (world) => {
  const { stack } = world;
  const ann = await stack.invite(ANN);
  const bo = await stack.invite("bo@example.com");
  const [first, second] = [await stack.link(ANN), await stack.link("bo@example.com")];
  const page = await world.person();
  await page.goto(first);
  await page.getByText(t("accept.invited", { email: ANN })).waitFor();
  await nameField(page).fill("Ann");
  // As a click on the second mail's link in this tab does: only what stands behind # is another.
  await page.evaluate((link) => { location.href = link; }, second);
  await page.getByText(t("accept.invited", { email: "bo@example.com" })).waitFor();
  await assertFragmentGone(page);
  assert.equal(await nameField(page).inputValue(), "", "nothing of the first is left");
  await register(page, "Bo");
  await seeWelcome(page, "Bo");
  assert.equal((await stack.user(ann)).state, "pending");
  assert.deepEqual([(await stack.user(bo)).state, (await stack.user(bo)).name], ["accepted", "Bo"]);
});

scenario("coming back to the page never shows a form that was sent", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person();
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await register(page, "Ann");
  await seeWelcome(page, "Ann");
  await page.goto("/_local/mail");
  await page.goBack();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await nameField(page).waitFor({ state: "hidden" });
  await page.reload();
  await see(page, "accept.no_token_title");
});

scenario("names of every script and length fit, and stay names", async (world) => {
  const { stack } = world;
  const long = "Wolfeschlegelsteinhausenbergerdorff".repeat(3).slice(0, 100);
  const page = await world.person({ width: 320 });
  for (const [email, name, inviter] of [["a@example.com", "نور الهدى", "محمد"], ["b@example.com", long, long]]) {
    await stack.invite({ email, name }, { message: `${name} <script>alert(1)</script>` }, { claims: { sub: email, name: inviter } });
    await page.goto(await stack.link(email));
    await page.getByText(t("accept.invited", { email })).waitFor();
    await world.state(page, `accept-name-${email[0]}`, { everywhere: true });
    await page.getByText(t("accept.name_hint", { name })).waitFor();
    await register(page, name);
    await seeWelcome(page, name);
    await world.state(page, `accept-created-${email[0]}`, { everywhere: true });
  }
});

for (const [language, marker] of [["en", "JavaScript"], ["de", "JavaScript"], ["ar", "JavaScript"]]) {
  scenario(`without JavaScript the page says in ${language} what to do`, async (world) => {
    const { stack } = world;
    const id = await stack.invite({ email: ANN, locale: language });
    const before = await stack.delivered(id);
    const page = await world.person({ width: 320, language, options: { javaScriptEnabled: false } });
    await page.goto(await stack.link(ANN));
    const section = page.locator(`:lang(${language})`).filter({ hasText: marker }).last();
    await section.waitFor();
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
    await page.screenshot({ path: `${world.shots}accept-noscript-320-light-${language}.png` });
    assert.deepEqual(await stack.user(id), before);
  });
}
