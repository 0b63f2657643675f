// The Mail view: every word of the invitation in every language, seen before anybody gets it.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { until } from "./support/stack.mjs";
import { openInvite } from "./support/invite.mjs";
import { LANGUAGES, t, within } from "./support/texts.mjs";
import { button, choose, dialog, enter, hasFocus, heading, said, table, tabTo } from "./support/users.mjs";
import { SOME, edit, enterView, field, inFrame, other, part, previewed, seeSaved, view } from "./support/views.mjs";

const ANN = "ann@example.com";
const subjectOf = async (stack, to, count) => (await stack.mail(to, count)).subject;
const saved = (stack, locale = "en", claims) => stack.call("GET", `/v1/templates/${locale}`, undefined, { claims });

// As another administrator who was quicker.
async function savedByOther(stack, change, locale = "en") {
  const { subject, text, html, version } = await saved(stack, locale);
  const claims = { sub: "bea", name: "Bea Boss", scope: "settings:write" };
  await stack.call("PUT", `/v1/templates/${locale}`, { subject, text, html, ...change }, { claims, headers: { "if-match": `"${version}"` } });
}

scenario("what is changed is seen at once, and after it is saved the next mail says it", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await view(page).getByText(t("mail.built_in")).waitFor();
  assert.equal(await button(page, "decided.discard").isVisible(), false);
  assert.equal(await button(page, "mail.reset").isVisible(), false);
  await edit(page, "subject", () => "Come to {{product_name}}, {{#if invitee_name}}{{invitee_name}}{{else}}you{{/if}}!");
  await edit(page, "html", (html) => html.replaceAll("Create your account", "Join us today"));
  await previewed(page, "Join us today");
  await view(page).getByText("Come to Acme, Alex Example!").first().waitFor();
  await view(page).getByText(within("decided.unsaved")).waitFor();
  await button(page, "common.save").click();
  await said(page, "mail.said_saved").waitFor();
  await seeSaved(page);
  await stack.invite({ email: ANN, name: "Ann" });
  const mail = await stack.mail(ANN);
  assert.equal(mail.subject, "Come to Acme, Ann!");
  assert.match(mail.html, /Join us today/);
  await view(page).getByLabel(t("common.language")).getByRole("option", { name: t("mail.own", { language: "English" }) }).waitFor({ state: "attached" });
});

scenario("the mail is seen wide and narrow, light and dark, as text, as a reminder, and without what may be empty", async (world) => {
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  const card = () => inFrame(page, (inside) => inside.defaultView.getComputedStyle(inside.querySelector(".card")).backgroundColor);
  const width = () => page.locator(".stage iframe").evaluate((frame) => frame.offsetWidth);
  assert.deepEqual([await card(), await width()], ["rgb(255, 255, 255)", 700]);
  await page.getByRole("radio", { name: t("mail.phone") }).check();
  assert.equal(await width(), 375);
  await page.getByRole("checkbox", { name: t("mail.dark") }).check();
  assert.equal(await card(), "rgb(28, 32, 30)", "as a dark mail program shows it, though this browser is light");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByRole("checkbox", { name: t("mail.dark") }).uncheck();
  assert.equal(await card(), "rgb(255, 255, 255)", "and the other way round");
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("radio", { name: t("mail.text") }).check();
  await page.locator("pre").getByText("Hello Alex Example,").waitFor();
  await page.getByRole("checkbox", { name: t("mail.bare") }).check();
  await page.locator("pre").getByText("Hello,").waitFor();
  await page.getByRole("checkbox", { name: t("mail.reminder") }).check();
  await view(page).getByText(/^Reminder: /).first().waitFor();
});

scenario("a mail in the preview runs no script, sends nothing and leads nowhere", async (world) => {
  const page = await world.person();
  const answered = async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    await route.fulfill({ response, body: JSON.stringify({ ...body, html: `<html><body onload="parent.hacked = 1"><script>parent.hacked = 2</script>
      <img src="x" onerror="parent.hacked = 3"><iframe srcdoc="<script>top.hacked = 4</script>"></iframe><form action="/v1/me"><button id="send">x</button></form>
      <meta http-equiv="refresh" content="0;url=/accept"><a id="link" href="/accept" target="_top">away</a><p id="there">there</p></body></html>` }) });
  };
  await page.route("**/preview", answered);
  await enterView(page, "mail");
  await previewed(page, "there");
  const frame = page.frameLocator(".stage iframe");
  await frame.locator("#link").click();
  await frame.locator("#send").click();
  await page.waitForTimeout(500);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(new URL(page.url()).pathname, "/");
  assert.ok(page.frames().every((frame) => !new URL(frame.url(), "http://x").pathname.startsWith("/accept")));
  // That is what the frame's policy is for: what it has stopped is no complaint.
  world.complaints.length = 0;
});

scenario("a mail that could not be sent is refused beside its part, with the place, and nothing that was written is lost", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "html", (html) => html.replace("<body", "<!-- äöü 😀 -->{{nobody}}<body"));
  const html = part(page, "html");
  const line = (await html.inputValue()).split("{{nobody}}")[0].split("\n");
  const place = { line: line.length, column: [...line.at(-1)].length + 1 };
  const error = page.locator("#mail-html-error");
  await error.getByText(within("mail.place", place)).waitFor();
  await view(page).getByText(t("mail.stale")).waitFor();
  assert.equal(await html.getAttribute("aria-invalid"), "true");
  assert.doesNotMatch(await error.innerText(), /In the HTML/);
  await world.state(page, "mail-refused");
  await part(page, "subject").focus();
  await button(page, "common.save").click();
  await page.waitForFunction(() => document.activeElement?.id === "mail-html");
  const caret = () => html.evaluate((field) => field.selectionStart);
  const at = (await html.inputValue()).indexOf("{{nobody}}");
  assert.equal(await caret(), at);
  assert.match(await html.inputValue(), /\{\{nobody\}\}/);
  assert.equal((await saved(stack)).source, "built_in");
  await part(page, "subject").focus();
  await button(error, "mail.go_there").click();
  assert.equal(await hasFocus(html), true);
  assert.equal(await caret(), at);
  await edit(page, "html", (html) => html.replace("{{nobody}}", "{{product_name}}"));
  await error.getByText(within("mail.place")).waitFor({ state: "detached" });
  assert.equal(await html.getAttribute("aria-invalid"), null);
});

scenario("what is not saved survives another view, another language, a reload and a sign-in that ends", async (world) => {
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine, {{product_name}}");
  await page.getByRole("link", { name: t("users.heading") }).click();
  await said(page, "decided.kept").waitFor();
  await page.goBack();
  const subject = part(page, "subject");
  await subject.waitFor();
  assert.equal(await subject.inputValue(), "Mine, {{product_name}}");
  await other(page, "de");
  await view(page).getByText(t("mail.built_in")).waitFor();
  assert.match(await subject.inputValue(), /Einladung/);
  assert.equal(await hasFocus(page.locator("#mail-language")), true, "whoever goes through the languages stays where they are");
  await other(page, "en");
  await view(page).getByText(within("decided.unsaved")).waitFor();
  await page.reload();
  await subject.waitFor();
  assert.equal(await subject.inputValue(), "Mine, {{product_name}}");
  await page.route("**/_local/sign-in/token", (route) => route.abort("internetdisconnected"));
  await page.route("**/v1/**", (route) => route.fulfill({ status: 401, contentType: "application/json", body: "{}" }));
  await edit(page, "subject", () => "Mine again, {{product_name}}");
  const ended = dialog(page, t("users.ended.title"));
  await ended.waitFor();
  await page.unroute("**/_local/sign-in/token");
  await page.unroute("**/v1/**");
  await button(ended, "users.ended.again").click();
  await page.waitForURL((url) => url.pathname === "/" && !url.search);
  await subject.waitFor();
  assert.equal(await subject.inputValue(), "Mine again, {{product_name}}");
  await button(page, "decided.discard").click();
  await view(page).getByText(within("decided.unsaved")).waitFor({ state: "detached" });
  await button(page.getByRole("status"), "common.undo").click();
  await view(page).getByText(within("decided.unsaved")).waitFor();
  assert.equal(await subject.inputValue(), "Mine again, {{product_name}}");
});

scenario("drafts are one tenant's and one person's", async (world) => {
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine, {{product_name}}");
  await view(page).getByText(within("decided.unsaved")).waitFor();
  // The issuer asks anew who it is.
  const become = async (tenant) => {
    await page.context().clearCookies();
    await page.reload();
    await choose(page, { as: "Alex Admin", tenant });
    await previewed(page, "Create your account");
    return part(page, "subject").inputValue();
  };
  assert.match(await become("globex"), /invites you/);
  assert.equal(await become(), "Mine, {{product_name}}");
});

for (const mine of [true, false]) {
  scenario(`somebody else's version is shown before it is written over, and ${mine ? "one's own" : "theirs"} is kept as it was`, async (world) => {
    const { stack } = world;
    const page = await world.person();
    await enterView(page, "mail");
    await previewed(page, "Create your account");
    await edit(page, "subject", () => "Mine, {{product_name}}");
    await savedByOther(stack, { subject: "Theirs, {{product_name}}" });
    await button(page, "common.save").click();
    await view(page).getByText(t("decided.meanwhile", { who: "Bea Boss" })).waitFor();
    assert.equal(await part(page, "subject").inputValue(), "Mine, {{product_name}}");
    await page.locator(".warning .lines del").getByText("Theirs, {{product_name}}").waitFor();
    await page.locator(".warning .lines ins").getByText("Mine, {{product_name}}").waitFor();
    assert.equal((await saved(stack)).subject, "Theirs, {{product_name}}");
    await world.state(page, "mail-meanwhile");
    await button(page, mine ? "mail.use_mine" : "mail.use_theirs").click();
    await view(page).getByText(t("decided.meanwhile", { who: "Bea Boss" })).waitFor({ state: "detached" });
    if (!mine) {
      assert.equal(await part(page, "subject").inputValue(), "Theirs, {{product_name}}");
      await button(page.getByRole("status"), "common.undo").click();
    }
    assert.equal(await part(page, "subject").inputValue(), "Mine, {{product_name}}");
    await button(page, "common.save").click();
    await said(page, "mail.said_saved").waitFor();
    assert.equal((await saved(stack)).subject, "Mine, {{product_name}}");
  });
}

scenario("a draft that somebody else's version has overtaken says so when it is opened again", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine, {{product_name}}");
  await savedByOther(stack, { subject: "Theirs, {{product_name}}" });
  await page.reload();
  await view(page).getByText(t("decided.meanwhile", { who: "Bea Boss" })).waitFor();
  assert.equal(await part(page, "subject").inputValue(), "Mine, {{product_name}}");
  await edit(page, "subject", () => "Mine after all, {{product_name}}");
  await button(page, "mail.use_mine").click();
  await button(page, "common.save").click();
  await said(page, "mail.said_saved").waitFor();
  assert.equal((await saved(stack)).subject, "Mine after all, {{product_name}}");
});

scenario("the built-in mail comes back at once, and so does one's own", async (world) => {
  const { stack } = world;
  await savedByOther(stack, { subject: "Ours, {{product_name}}" });
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await view(page).getByText(within("decided.saved", { who: "Bea Boss" })).waitFor();
  await page.getByRole("radio", { name: t("mail.changes") }).check();
  await page.locator(".lines ins").getByText("Ours, {{product_name}}").waitFor();
  await world.state(page, "mail-changes");
  await button(page, "mail.reset").click();
  await said(page, "mail.was_reset").waitFor();
  await view(page).getByText(t("mail.built_in")).waitFor();
  assert.equal((await saved(stack)).source, "built_in");
  assert.match(await part(page, "subject").inputValue(), /invites you to/);
  await button(page.getByRole("status"), "common.undo").click();
  await seeSaved(page);
  assert.equal((await saved(stack)).subject, "Ours, {{product_name}}");
  assert.equal(await part(page, "subject").inputValue(), "Ours, {{product_name}}");
});

scenario("a test mail comes to who asks for it, as it stands there", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "A trial of {{product_name}}");
  await button(page, "mail.test").click();
  const toast = said(page, "mail.tested");
  await toast.waitFor();
  const [to] = /\S+@[\w.-]+\w/.exec(await toast.innerText());
  assert.equal(await subjectOf(stack, to), "A trial of Acme");
  assert.equal((await saved(stack)).source, "built_in");
});

scenario("a variable is inserted where one writes, and the browser can undo it", async (world) => {
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  const text = part(page, "text");
  await text.fill("Dear , come: {{accept_url}}");
  await text.evaluate((field) => field.setSelectionRange(5, 5));
  await page.getByRole("button", { name: "{{invitee_name}}" }).click();
  assert.equal(await text.inputValue(), "Dear {{invitee_name}}, come: {{accept_url}}");
  assert.equal(await hasFocus(text), true);
  await page.keyboard.press("Control+z");
  assert.equal(await text.inputValue(), "Dear , come: {{accept_url}}");
  await page.getByRole("button", { name: "{{reminder}}" }).click();
  await page.keyboard.type("soon");
  assert.match(await text.inputValue(), /\{\{#if reminder\}\}soon\{\{\/if\}\}/);
});

scenario("a mail in a language that Usher has none in begins with the English one", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await view(page).getByLabel(t("common.language")).selectOption({ label: "Another language" });
  const ask = dialog(page, t("mail.another"));
  const tag = ask.getByRole("textbox");
  await tag.fill("??");
  await button(ask, "mail.begin").click();
  await ask.getByText(t("mail.tag_bad")).waitFor();
  await world.state(page, "mail-another");
  await tag.fill("fa");
  await button(ask, "mail.begin").click();
  await page.waitForURL(/#mail=fa$/);
  // Not the English mail that stood here before, whose preview has the same words.
  await page.waitForFunction(() => document.querySelector("#mail-html")?.value.includes('lang="fa"'));
  await previewed(page, "Create your account");
  assert.equal(await view(page).getByText(within("decided.unsaved")).count(), 0, "nobody has typed anything yet");
  assert.match(await part(page, "html").inputValue(), /lang="fa" dir="rtl"/);
  const runs = () => inFrame(page, (inside) => {
    const { direction, textAlign } = getComputedStyle(inside.querySelector("h1"));
    const { borderRightWidth, borderLeftWidth } = getComputedStyle(inside.querySelector(".note"));
    return { direction, textAlign, borderRightWidth, borderLeftWidth };
  });
  assert.deepEqual(await runs(), { direction: "rtl", textAlign: "right", borderRightWidth: "3px", borderLeftWidth: "0px" });
  await edit(page, "subject", () => "دعوت به {{product_name}}");
  await button(page, "common.save").click();
  await said(page, "mail.said_saved").waitFor();
  await stack.invite({ email: ANN, locale: "fa" });
  assert.match(await subjectOf(stack, ANN), /دعوت به/);
});

scenario("whoever only looks at another language leaves no draft, and whoever writes in it finds it again", async (world) => {
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  const languages = () => page.locator("#mail-language").evaluate((select) => [...select.options].map(({ value }) => value));
  await page.goto("/#mail=sr-Latn");
  await page.waitForFunction(() => document.querySelector("#mail-html")?.value.includes('lang="sr-Latn"'));
  assert.ok((await languages()).includes("sr-Latn"));
  await page.goto("/#mail=en");
  await view(page).getByText(t("mail.built_in")).waitFor();
  assert.equal((await languages()).includes("sr-Latn"), false);
  await page.goto("/#mail=sr-Latn");
  await page.waitForFunction(() => document.querySelector("#mail-html")?.value.includes('lang="sr-Latn"'));
  await edit(page, "subject", () => "Naše, {{product_name}}");
  await view(page).getByText(within("decided.unsaved")).waitFor();
  await other(page, "en");
  await view(page).getByText(t("mail.built_in")).waitFor();
  await other(page, "sr-Latn");
  await view(page).getByText(within("decided.unsaved")).waitFor();
  assert.equal(await part(page, "subject").inputValue(), "Naše, {{product_name}}");
});

scenario("a language is asked for as the API takes it, and one that can't be shown is no dead end", async (world) => {
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await view(page).getByLabel(t("common.language")).selectOption({ label: "Another language" });
  const ask = dialog(page, t("mail.another"));
  for (const bad of ["klingon", "und", "de-u-nu-arab", "en_"]) {
    await ask.getByRole("textbox").fill(bad);
    await button(ask, "mail.begin").click();
    await ask.getByText(t("mail.tag_bad")).waitFor();
    await ask.getByRole("textbox").fill("");
    await ask.getByRole("textbox").press("Enter");
  }
  await ask.getByRole("textbox").fill("de_AT");
  await button(ask, "mail.begin").click();
  await page.waitForURL(/#mail=de-AT$/);
  await page.waitForFunction(() => document.querySelector("#mail-html")?.value.includes('lang="de-AT"'));
  await page.route("**/templates/de?*", (route) => route.abort("internetdisconnected"));
  await other(page, "de");
  await view(page).getByText(within("problem.offline")).waitFor();
  await world.state(page, "mail-language-offline");
  await other(page, "en");
  await view(page).getByText(t("mail.built_in")).waitFor();
});

scenario("a language that there is no built-in mail in is deleted only after a question, and comes back", async (world) => {
  const { stack } = world;
  const { subject, text, html } = await stack.call("GET", "/v1/templates/sk?or=english");
  await stack.call("PUT", "/v1/templates/sk", { subject: `SK ${subject}`, text, html }, { headers: { "if-match": '"0"' } });
  const page = await world.person();
  await enterView(page, "mail");
  await other(page, "sk");
  await seeSaved(page);
  assert.equal(await button(page, "mail.reset").count(), 0);
  await button(page, "mail.delete").click();
  const sure = dialog(page, t("mail.delete"));
  await sure.getByText(t("mail.delete.text")).waitFor();
  await world.state(page, "mail-delete");
  await button(sure, "common.cancel").click();
  assert.equal((await saved(stack, "sk")).source, "own");
  await button(page, "mail.delete").click();
  await button(sure, "mail.delete").click();
  await said(page, "mail.deleted").waitFor();
  await page.waitForURL(/#mail$/);
  await view(page).getByText(t("mail.built_in")).waitFor();
  assert.equal(await page.locator("#mail-language").locator('[value="sk"]').count(), 0);
  await stack.call("GET", "/v1/templates/sk", undefined, { status: 404 });
  await button(page.getByRole("status"), "common.undo").click();
  await page.waitForURL(/#mail=sk$/);
  await seeSaved(page);
  assert.match((await saved(stack, "sk")).subject, /^SK /);
});

// The server takes the PUT, and what it says of it comes only when it is let.
async function held(page, path) {
  const { open, opened } = gate();
  let answered = false;
  await page.route(path, async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    const response = await route.fetch();
    answered = true;
    await opened;
    return route.fulfill({ response });
  });
  return { open, answered: () => until("the server has answered", () => answered) };
}

scenario("what is saved while one goes to another language leaves that as it is", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine, {{product_name}}");
  const put = await held(page, "**/v1/templates/en");
  await button(page, "common.save").click();
  await put.answered();
  await other(page, "de");
  await previewed(page, "Konto erstellen");
  put.open();
  await said(page, "mail.said_saved").waitFor();
  const select = page.locator("#mail-language");
  assert.equal(await select.inputValue(), "de");
  await select.getByRole("option", { name: t("mail.own", { language: "English" }) }).waitFor({ state: "attached" });
  assert.equal((await saved(stack)).subject, "Mine, {{product_name}}");
  await other(page, "en");
  await seeSaved(page);
  assert.equal(await view(page).getByText(within("decided.unsaved")).count(), 0);
});

scenario("what is typed in the same language again while it is saved is kept", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine, {{product_name}}");
  const put = await held(page, "**/v1/templates/en");
  await button(page, "common.save").click();
  await put.answered();
  await other(page, "de");
  await previewed(page, "Konto erstellen");
  await other(page, "en");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine again, {{product_name}}");
  put.open();
  await said(page, "mail.said_saved").waitFor();
  await view(page).getByText(within("decided.saved")).getByText(within("decided.unsaved")).waitFor();
  assert.equal(await part(page, "subject").inputValue(), "Mine again, {{product_name}}");
  await page.unroute("**/v1/templates/en");
  await button(page, "common.save").click();
  await until("it is saved", async () => (await saved(stack)).subject === "Mine again, {{product_name}}");
});

scenario("a version of somebody else's is said even to who has gone on to another language", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await edit(page, "subject", () => "Mine, {{product_name}}");
  await savedByOther(stack, { subject: "Theirs, {{product_name}}" });
  const put = await held(page, "**/v1/templates/en");
  await button(page, "common.save").click();
  await put.answered();
  await other(page, "de");
  await previewed(page, "Konto erstellen");
  put.open();
  await page.getByRole("status").getByText(within("decided.meanwhile", { who: "Bea Boss" })).getByText(within("decided.kept")).waitFor();
  await other(page, "en");
  await view(page).getByText(t("decided.meanwhile", { who: "Bea Boss" })).waitFor();
  assert.equal(await part(page, "subject").inputValue(), "Mine, {{product_name}}");
});

scenario("whoever closes the tab with something unsaved is asked first, and not on the way to sign in", async (world) => {
  const page = await world.person();
  const asked = [];
  page.on("dialog", (dialog) => { asked.push(dialog.type()); return dialog.accept(); });
  await enterView(page, "mail");
  await previewed(page, "Create your account");
  await page.reload();
  await previewed(page, "Create your account");
  assert.deepEqual(asked, []);
  await edit(page, "subject", () => "Mine, {{product_name}}");
  // Only to who has done something in it, a browser lets a page speak.
  await part(page, "subject").press("End");
  await page.route("**/_local/sign-in/token", (route) => route.abort("internetdisconnected"));
  await page.route("**/v1/**", (route) => route.fulfill({ status: 401, contentType: "application/json", body: "{}" }));
  await edit(page, "subject", () => "Mine again, {{product_name}}");
  const ended = dialog(page, t("users.ended.title"));
  await ended.waitFor();
  await page.unroute("**/_local/sign-in/token");
  await page.unroute("**/v1/**");
  await button(ended, "users.ended.again").click();
  await view(page).getByText(within("decided.unsaved")).waitFor();
  assert.deepEqual(asked, []);
  await part(page, "subject").press("End");
  await page.reload();
  assert.deepEqual(asked, ["beforeunload"]);
});

scenario("a mail that can't be read says so, and is saved over", async (world) => {
  const page = await world.person();
  const versions = [];
  await page.route("**/v1/templates/en*", async (route) => {
    const request = route.request();
    if (request.method() === "PUT") versions.push(await request.headerValue("if-match"));
    if (request.method() !== "GET") return route.continue();
    const response = await route.fetch();
    const body = await response.json();
    return route.fulfill({ response, json: { ...body, source: "own", version: 0, unreadable: true } });
  });
  await enterView(page, "mail");
  await view(page).getByText(t("decided.unreadable")).waitFor();
  await world.state(page, "mail-unreadable");
  await edit(page, "subject", () => "Mended, {{product_name}}");
  await button(page, "common.save").click();
  await said(page, "mail.said_saved").waitFor();
  await view(page).getByText(t("decided.unreadable")).waitFor({ state: "detached" });
  assert.deepEqual(versions, ["*"]);
});

scenario("on a phone the mail is first seen as on a phone", async (world) => {
  const page = await world.person({ width: 320 });
  await enterView(page, "mail");
  await page.getByRole("radio", { name: t("mail.phone") }).and(page.locator(":checked")).waitFor();
});

scenario("the mail can be changed with the keyboard alone", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  await tabTo(page, page.getByRole("link", { name: t("users.mail") }));
  await page.keyboard.press("Enter");
  await heading(page, "users.mail").waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === "H2");
  await tabTo(page, part(page, "subject"));
  await page.keyboard.press("Control+a");
  await page.keyboard.type("Typed for ");
  await tabTo(page, page.getByRole("button", { name: "{{product_name}}" }));
  await page.keyboard.press("Enter");
  assert.equal(await part(page, "subject").inputValue(), "Typed for {{product_name}}");
  await page.keyboard.press("Control+Enter");
  await said(page, "mail.said_saved").waitFor();
  assert.equal((await saved(stack)).subject, "Typed for {{product_name}}");
});

scenario("who may not change settings has no way there, and is told who can give it", async (world) => {
  const page = await world.person();
  await enter(page, { as: "Rita Reader" });
  assert.equal(await page.getByRole("link", { name: t("users.mail") }).isVisible(), false);
  for (const name of ["mail", "settings"]) {
    await page.goto(`/#${name}`);
    await heading(page, `users.${name}`).waitFor();
    await view(page).getByText(within("users.needs", { scope: "settings:write" })).waitFor();
    await world.state(page, `${name}-denied`);
  }
  await page.goto("/#");
  await table(page).or(page.getByRole("heading", { level: 2 })).first().waitFor();
});

for (const file of ["views.js", "mail.js", "mail.en.json", "templates"]) {
  scenario(`where ${file} does not come, the Mail view says so and asks again`, async (world) => {
    const page = await world.person();
    await enter(page);
    await page.route(`**/${file}`, (route) => route.abort("internetdisconnected"));
    await page.getByRole("link", { name: t("users.mail") }).click();
    await view(page).getByText(within("problem.offline")).waitFor();
    if (file === "templates") await world.state(page, "mail-offline");
    await page.unroute(`**/${file}`);
    await button(view(page), "common.retry").click();
    await previewed(page, "Create your account");
  });
}

scenario("the Invite dialog shows the mail that will be sent, with its message and in its language", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await box.getByLabel(t("invite.message")).fill("Willkommen im Team!");
  await box.getByLabel(t("invite.language")).selectOption("de");
  await button(box, "invite.see").click();
  const seen = dialog(page, t("mail.preview"));
  await seen.waitFor();
  await previewed(page, "Willkommen im Team!");
  await previewed(page, "Konto erstellen");
  await world.state(page, "invite-mail");
  await button(seen, "common.close").click();
  await box.getByLabel(t("invite.message")).fill("");
  await box.getByLabel(t("invite.language")).selectOption("");
  await button(box, "invite.see").click();
  await previewed(page, "Create your account");
  assert.doesNotMatch(await inFrame(page, (inside) => inside.body.innerText), /personal message stands|note/);
  const inviter = await world.person();
  await enter(inviter, { as: "Ivo Inviter" });
  await stack.call("PUT", "/v1/settings", { ...(await stack.call("GET", "/v1/settings")).settings, default_locale: "fr" }, { headers: { "if-match": '"0"' } });
  await button(await openInvite(inviter), "invite.see").click();
  await previewed(inviter, "Créer votre compte");
});

for (const language of LANGUAGES) {
  scenario(`the mail view looks right in ${language}`, async (world) => {
    const page = await world.person({ language });
    await enterView(page, "mail", language);
    await view(page).getByText(t("mail.built_in", {}, language)).waitFor();
    await page.frameLocator(".stage iframe").locator("h1").waitFor();
    await world.state(page, "mail-look", { everywhere: true });
    await field(page, "subject", language).fill("{{oops");
    await page.locator("#mail-subject-error").getByText(within("mail.place", {}, language)).waitFor();
    await page.getByRole("radio", { name: t("mail.changes", {}, language) }).check();
    await world.state(page, "mail-look-refused", { at: SOME[language] });
  });
}
