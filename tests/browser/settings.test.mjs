// The Settings view: what a tenant decides of its invitations, and what holds where it has decided nothing.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { until } from "./support/stack.mjs";
import { LANGUAGES, t, within } from "./support/texts.mjs";
import { button, enter, hasFocus, said, tabTo } from "./support/users.mjs";
import { SOME, enterView, seeSaved, view } from "./support/views.mjs";

const ANN = "ann@example.com";
const setting = (page, name, language) => page.locator(`#settings-${name}`).and(view(page).getByLabel(t(`settings.${name}`, {}, language)));
const errorOf = (page, name) => page.locator(`#settings-${name}-error`);
const save = (page, language) => button(page, "common.save", language).click();
const saved = (stack) => stack.call("GET", "/v1/settings");

async function savedByOther(stack, settings) {
  const { version, settings: old } = await saved(stack);
  const claims = { sub: "bea", name: "Bea Boss", scope: "settings:write" };
  await stack.call("PUT", "/v1/settings", { ...old, ...settings }, { claims, headers: { "if-match": `"${version}"` } });
}

scenario("what is set holds for the next mail, and every field says what holds while it is empty", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "settings");
  const { defaults } = await saved(stack);
  assert.equal(await setting(page, "product_name").getAttribute("placeholder"), defaults.product_name);
  assert.equal(await setting(page, "expires_in_days").getAttribute("placeholder"), String(defaults.expires_in_days));
  assert.equal(await setting(page, "brand_color").first().getAttribute("placeholder"), defaults.brand_color);
  assert.equal(await setting(page, "reply_to").getAttribute("placeholder"), "None");
  await setting(page, "default_locale").getByRole("option", { name: t("settings.by_default", { value: "English" }) }).waitFor({ state: "attached" });
  await setting(page, "product_name").fill("Globex");
  await setting(page, "default_locale").selectOption("de");
  await setting(page, "reply_to").fill("help@example.com");
  await setting(page, "expires_in_days").fill("3");
  await setting(page, "blocked_domains").fill("spam.example\n  bad.example \n");
  await setting(page, "reminder_days").fill("2, 1");
  await save(page);
  await said(page, "settings.said_saved").waitFor();
  await seeSaved(page);
  const { settings } = await saved(stack);
  assert.deepEqual([settings.product_name, settings.default_locale, settings.reply_to, settings.expires_in_days, settings.reminder_days, settings.blocked_domains, settings.sender_name],
    ["Globex", "de", "help@example.com", 3, [2, 1], ["spam.example", "bad.example"], null]);
  await stack.invite(ANN);
  assert.match((await stack.mail(ANN)).subject, /Globex/);
  assert.match((await stack.mail(ANN)).text, /Konto/, "in the new default language");
  await page.reload();
  await setting(page, "product_name").waitFor();
  assert.equal(await setting(page, "product_name").inputValue(), "Globex");
  assert.equal(await setting(page, "blocked_domains").inputValue(), "spam.example\nbad.example");
});

scenario("what the server refuses is said beside the field in its words, and nothing that was typed is lost", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "settings");
  for (const [name, wrong] of [["sender_address", "in@elsewhere.example"], ["support_address", "nobody"], ["logo_url", "http://example.com/x.png"], ["expires_in_days", "4000"], ["allowed_domains", "not a domain"], ["redirect_origins", "nowhere"]]) {
    await setting(page, name).fill(wrong);
    await save(page);
    await errorOf(page, name).getByText(/\S/).first().waitFor();
    assert.equal(await hasFocus(setting(page, name)), true, name);
    assert.equal(await setting(page, name).getAttribute("aria-invalid"), "true");
    assert.equal(await setting(page, name).inputValue(), wrong);
    if (name === "sender_address") await world.state(page, "settings-refused");
    await setting(page, name).fill("");
    await errorOf(page, name).getByText(/\S/).first().waitFor({ state: "hidden" });
  }
  await setting(page, "reminder_days").fill("soon");
  await save(page);
  await errorOf(page, "reminder_days").getByText(t("settings.whole_numbers")).waitFor();
  assert.equal((await saved(stack)).version, 0);
});

scenario("a colour is told to be readable before it is saved", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "settings");
  const picker = view(page).locator('[type="color"]');
  const typed = page.locator("#settings-brand_color");
  assert.equal(await picker.inputValue(), "#0b6b54", "the default");
  await typed.fill("#ffcc00");
  await view(page).getByText(within("settings.contrast_low", { ratio: "1.5", least: "4.5" })).waitFor();
  assert.equal(await picker.inputValue(), "#ffcc00");
  await save(page);
  await errorOf(page, "brand_color").getByText(/contrast/).waitFor();
  await picker.fill("#004488");
  assert.equal(await typed.inputValue(), "#004488");
  await view(page).getByText(within("settings.contrast")).waitFor();
  await save(page);
  await said(page, "settings.said_saved").waitFor();
  assert.equal((await saved(stack)).settings.brand_color, "#004488");
  await stack.invite(ANN);
  assert.match((await stack.mail(ANN)).html, /#004488/);
});

scenario("settings that somebody else has changed meanwhile are taken in, and one's own are kept", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "settings");
  await setting(page, "product_name").fill("Mine");
  await setting(page, "support_address").fill("mine@example.com");
  await savedByOther(stack, { product_name: "Theirs", reply_to: "theirs@example.com" });
  await save(page);
  const notice = view(page).getByRole("alert").filter({ hasText: within("decided.meanwhile", { who: "Bea Boss" }) });
  await notice.waitFor();
  assert.match(await notice.innerText(), /Product name: Theirs/);
  assert.doesNotMatch(await notice.innerText(), /Address for questions/);
  assert.equal(await setting(page, "product_name").inputValue(), "Mine");
  assert.equal(await setting(page, "reply_to").inputValue(), "theirs@example.com");
  await world.state(page, "settings-meanwhile");
  await save(page);
  await said(page, "settings.said_saved").waitFor();
  const { settings } = await saved(stack);
  assert.deepEqual([settings.product_name, settings.reply_to, settings.support_address], ["Mine", "theirs@example.com", "mine@example.com"]);
});

scenario("settings that somebody else has changed are told to who has gone on, and again to who comes back", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "settings");
  await setting(page, "product_name").fill("Mine");
  await savedByOther(stack, { product_name: "Theirs" });
  const { open, opened } = gate();
  let answered = false;
  await page.route("**/v1/settings", async (route) => {
    const response = await route.fetch();
    if (route.request().method() === "PUT") {
      answered = true;
      await opened;
    }
    return route.fulfill({ response });
  });
  await save(page);
  await until("the server has answered", () => answered);
  await page.getByRole("link", { name: t("users.mail") }).click();
  await page.getByRole("heading", { level: 2, name: t("users.mail") }).waitFor();
  open();
  await page.getByRole("status").getByText(within("decided.meanwhile", { who: "Bea Boss" })).getByText(within("decided.kept")).waitFor();
  await page.getByRole("link", { name: t("users.settings") }).click();
  const notice = view(page).getByRole("alert").filter({ hasText: within("decided.meanwhile", { who: "Bea Boss" }) });
  await notice.waitFor();
  assert.match(await notice.innerText(), /Product name: Theirs/);
  assert.equal(await setting(page, "product_name").inputValue(), "Mine");
  assert.equal((await saved(stack)).settings.product_name, "Theirs");
});

scenario("what is typed in the settings again while they are saved is kept", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "settings");
  await setting(page, "product_name").fill("Mine");
  const { open, opened } = gate();
  let answered = false;
  await page.route("**/v1/settings", async (route) => {
    const response = await route.fetch();
    if (route.request().method() === "PUT" && !answered) {
      answered = true;
      await opened;
    }
    return route.fulfill({ response });
  });
  await save(page);
  await until("the server has answered", () => answered);
  await page.getByRole("link", { name: t("users.mail") }).click();
  await page.getByRole("heading", { level: 2, name: t("users.mail") }).waitFor();
  await page.getByRole("link", { name: t("users.settings") }).click();
  await setting(page, "sender_name").waitFor();
  await setting(page, "sender_name").fill("Bo");
  open();
  await said(page, "settings.said_saved").waitFor();
  await seeSaved(page);
  assert.equal(await setting(page, "sender_name").inputValue(), "Bo");
  await save(page);
  await until("both are saved", async () => {
    const { settings } = await saved(stack);
    return settings.product_name === "Mine" && settings.sender_name === "Bo";
  });
});

scenario("settings that can't be read say so, and are saved over", async (world) => {
  const { stack } = world;
  const page = await world.person();
  const versions = [];
  await page.route("**/v1/settings", async (route) => {
    if (route.request().method() === "PUT") {
      versions.push(await route.request().headerValue("if-match"));
      return route.continue();
    }
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...await response.json(), unreadable: true } });
  });
  await enterView(page, "settings");
  await view(page).getByText(t("decided.unreadable")).waitFor();
  await world.state(page, "settings-unreadable");
  await setting(page, "product_name").fill("Mended");
  await save(page);
  await said(page, "settings.said_saved").waitFor();
  await view(page).getByText(t("decided.unreadable")).waitFor({ state: "detached" });
  assert.deepEqual(versions, ["*"]);
  assert.equal((await saved(stack)).settings.product_name, "Mended");
});

scenario("what is wrong with a setting is said in the page's language, and a number is never the server's riddle", async (world) => {
  const page = await world.person({ language: "de" });
  await enterView(page, "settings", "de");
  for (const [name, wrong] of [["expires_in_days", "100000000000000000000000"], ["reminder_days", "99999999999999999999"], ["support_address", "nobody"]]) {
    await setting(page, name, "de").fill(wrong);
    await save(page, "de");
    await errorOf(page, name).getByText(within("problem.invalid_field", {}, "de")).waitFor();
    const [quote] = await errorOf(page, name).locator('[lang="en"]').allTextContents();
    assert.match(quote, /^Must be /);
    await setting(page, name, "de").fill("");
  }
  await setting(page, "logo_url", "de").fill("http://example.com/x.png");
  await save(page, "de");
  await errorOf(page, "logo_url").getByText(t("settings.logo_url.help", {}, "de")).waitFor();
});

scenario("whoever saves again and again is told so in one place", async (world) => {
  const page = await world.person();
  await enterView(page, "settings");
  for (const name of ["A", "B", "C"]) {
    await setting(page, "product_name").fill(name);
    const answer = page.waitForResponse((response) => response.request().method() === "PUT");
    await save(page);
    await answer;
    await seeSaved(page);
    await page.getByText(within("decided.unsaved")).waitFor({ state: "detached" });
  }
  assert.equal(await said(page, "settings.said_saved").count(), 1);
});

scenario("settings that are not saved survive another view and a reload, and can be discarded", async (world) => {
  const page = await world.person();
  await enterView(page, "settings");
  await setting(page, "product_name").fill("Mine");
  await page.getByRole("link", { name: t("users.mail") }).click();
  await said(page, "decided.kept").waitFor();
  await page.goBack();
  await setting(page, "product_name").waitFor();
  assert.equal(await setting(page, "product_name").inputValue(), "Mine");
  await page.reload();
  await setting(page, "product_name").waitFor();
  assert.equal(await setting(page, "product_name").inputValue(), "Mine");
  await view(page).getByText(within("decided.unsaved")).waitFor();
  await button(page, "decided.discard").click();
  assert.equal(await setting(page, "product_name").inputValue(), "");
  await button(page.getByRole("status"), "common.undo").click();
  assert.equal(await setting(page, "product_name").inputValue(), "Mine");
});

scenario("a list that the deployment has filled can be emptied", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await page.route("**/v1/settings", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    await route.fulfill({ response, body: JSON.stringify({ ...body, defaults: { ...body.defaults, reminder_days: [3, 1] } }) });
  });
  await enterView(page, "settings");
  const days = setting(page, "reminder_days");
  assert.equal(await days.getAttribute("placeholder"), "3, 1");
  const none = view(page).locator(".field").filter({ has: page.locator("#settings-reminder_days") }).getByRole("checkbox", { name: t("settings.none") });
  await none.check();
  assert.equal(await days.isDisabled(), true);
  await save(page);
  await said(page, "settings.said_saved").waitFor();
  assert.deepEqual((await saved(stack)).settings.reminder_days, []);
  await page.reload();
  await days.waitFor();
  assert.equal(await none.isChecked(), true);
});

scenario("settings can be changed with the keyboard alone", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  await tabTo(page, page.getByRole("link", { name: t("users.settings") }));
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.tagName === "H2");
  await tabTo(page, setting(page, "product_name"));
  await page.keyboard.type("Typed");
  await page.keyboard.press("Enter");
  await said(page, "settings.said_saved").waitFor();
  assert.equal((await saved(stack)).settings.product_name, "Typed");
});

for (const language of LANGUAGES) {
  scenario(`the settings view looks right in ${language}`, async (world) => {
    const page = await world.person({ language });
    await enterView(page, "settings", language);
    await setting(page, "product_name", language).waitFor();
    await world.state(page, "settings-look", { everywhere: true });
    await setting(page, "support_address", language).fill("nobody");
    await save(page, language);
    await errorOf(page, "support_address").getByText(/\S/).first().waitFor();
    await world.state(page, "settings-look-refused", { at: SOME[language] });
  });
}
