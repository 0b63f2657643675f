// Nothing on a page is in another language than its own, unless nobody but the server can say it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scenario } from "./support/browser.mjs";
import { addresses, openInvite } from "./support/invite.mjs";
import { button, enter, heading, row, rowButton, signIn, table } from "./support/users.mjs";
import { plural, t, within } from "./support/texts.mjs";

// Every reason that the API gives for what became of a mail, from where it is: among the words of the code that makes such
// reasons, all sentences. The first quotes a foreign server.
const SERVER = fileURLToPath(new URL("../../", import.meta.url));
const FOREIGN = "(smtp; 550 5.1.1 user unknown)";

function reasons() {
  const places = [join(SERVER, "shared/src"), ...readdirSync(join(SERVER, "functions")).map((name) => join(SERVER, "functions", name, "src"))];
  const files = places.flatMap((place) => readdirSync(place, { recursive: true }).filter((name) => name.endsWith(".rs")).map((name) => join(place, name)));
  const code = files.filter((file) => !file.includes("/health/")).map((file) => readFileSync(file, "utf8").split(/^#\[cfg\(test\)\]/m)[0].replace(/^\s*\/\/.*$|\\\n\s*/gm, ""));
  const telling = code.filter((text) => /\bDelivery(::new\(| \{)|(?<!Some\()\bOutcome::(Failed|Parked)\(|\bReportKind::\w+,/.test(text));
  const sentences = new Set(telling.flatMap((text) => [...text.matchAll(/"([A-Z][^"]* [^"]*\.)"/g)].map(([, sentence]) => sentence)));
  return [`There is no such mailbox. ${FOREIGN}`, ...sentences];
}
const REASONS = reasons();
assert.ok(REASONS.length > 25, "the server's reasons are found");
const reasonThat = (begins) => `p${REASONS.findIndex((reason) => reason.startsWith(`The mail may have gone or not: what SES answered was lost. ${begins}`))}@example.com`;

for (const language of ["de", "ar"]) {
  scenario(`what became of mails is said in ${language}, and only a foreign server is quoted`, async (world) => {
    const { stack } = world;
    const people = REASONS.map((_, index) => ({ email: `p${index}@example.com` }));
    await stack.call("POST", "/v1/invitations", { invitees: people, notify: false });
    const page = await world.person({ language });
    const told = ({ email, ...user }) => ({ ...user, email, delivery: { ...user.delivery, status: "failed", at: user.invited_at, reason: REASONS[/\d+/.exec(email)[0]] } });
    await page.route(/\/v1\/users(\?|\/usr_\w+$)/, async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      await route.fulfill({ response, json: body.data ? { ...body, data: body.data.map(told) } : told(body) });
    });
    await enter(page, { language });
    await row(page, "p0@example.com").getByText(t("users.reason.no_mailbox", {}, language)).waitFor();
    assert.equal(await page.locator("tbody .reason").count(), REASONS.length);
    // Of two that begin alike, one is sent again.
    await row(page, reasonThat("It is sent")).getByText(t("users.reason.lost", {}, language)).waitFor();
    await row(page, reasonThat("It is not sent")).getByText(t("users.reason.lost_for_good", {}, language)).waitFor();
    const english = await table(page).locator('[lang="en"]').allTextContents();
    assert.deepEqual(english, []);
    const titles = await page.locator("tbody .reason").evaluateAll((reasons) => reasons.map(({ title }) => title));
    for (const [index, title] of titles.entries()) assert.ok(title && !REASONS.includes(title), `${index}: ${title}`);
    await row(page, "p0@example.com").getByRole("link").click();
    await page.getByRole("dialog").locator('[lang="en"]').getByText(FOREIGN, { exact: true }).waitFor();
    await world.state(page, "wording-reasons");
  });

  scenario(`who may not enter is told in ${language} who can let them in`, async (world) => {
    const page = await world.person({ language });
    await signIn(page, { as: "Nora Nobody", language });
    await heading(page, "users.denied.title", { name: "Nora Nobody" }, language).waitFor();
    await page.getByText(within("users.denied.ask_group", {}, language)).waitFor();
    assert.equal(await page.locator('main [lang="en"]:visible').count(), 0);
    await world.state(page, "wording-denied");
  });

  scenario(`a problem that only the server can name is told in ${language}, and the server quoted in English`, async (world) => {
    const page = await world.person({ language });
    await page.route("**/v1/invitations?*", (route) => route.fulfill({
      status: 400, contentType: "application/problem+json",
      body: JSON.stringify({ code: "invalid_field", status: 400, title: "Bad Request", detail: "The field redirect_url is not allowed.", hint: "Correct it.", field: "redirect_url" }),
    }));
    await enter(page, { language });
    const box = await openInvite(page, language);
    await addresses(box, language).fill("ann@example.com");
    await button(box, "invite.next", language).click();
    const alert = box.getByRole("alert").filter({ hasText: within("problem.invalid_field", {}, language) });
    await alert.waitFor();
    assert.deepEqual(await alert.locator('[lang="en"]').allTextContents(), ["The field redirect_url is not allowed."]);
    await world.state(page, "wording-quoted");
  });

  scenario(`what only the server can name is told in ${language} wherever something is refused`, async (world) => {
    const { stack } = world;
    const WHY = "The claim sub is too long.";
    await stack.invite("ann@example.com");
    const page = await world.person({ language });
    const refuse = (route) => route.fulfill({
      status: 403, contentType: "application/problem+json",
      body: JSON.stringify({ code: "invalid_claim", status: 403, title: "Forbidden", detail: WHY, hint: "Correct it." }),
    });
    const seeQuoted = (place) => place.locator('[lang="en"]').getByText(WHY, { exact: true }).waitFor();
    await enter(page, { language });
    await page.route("**/resend", refuse);
    await rowButton(page, "ann@example.com", "users.do.resend", language).click();
    await seeQuoted(row(page, "ann@example.com"));
    await page.getByRole("checkbox").last().check();
    await page.getByRole("button", { name: plural("users.resend_selected", 1, {}, language) }).click();
    const running = page.getByRole("dialog", { name: t("users.bulk.title", {}, language) });
    await seeQuoted(running);
    await button(running.locator("footer"), "common.close", language).click();
    await page.route(/\/v1\/users(\?|\/)/, refuse);
    await row(page, "ann@example.com").getByRole("link").click();
    const panel = page.getByRole("dialog", { name: "ann@example.com" });
    await button(panel, "users.do.revoke", language).click();
    await seeQuoted(panel.locator(".p-refusal"));
    await button(panel, "common.close", language).click();
    await page.getByRole("navigation").getByRole("link").last().click();
    await seeQuoted(page.locator("#list-problem"));
    await page.route("**/v1/me", refuse);
    await page.reload();
    await seeQuoted(page.locator("#gate"));
  });
}
