// Nothing on a page is in another language than its own, unless nobody but the server can say it.
import assert from "node:assert/strict";
import { scenario } from "./support/browser.mjs";
import { addresses, openInvite } from "./support/invite.mjs";
import { button, enter, heading, row, signIn, table } from "./support/users.mjs";
import { t, within } from "./support/texts.mjs";

// Every reason that the API gives for what became of a mail, as it gives it.
const REASONS = [
  "There is no such mailbox. (smtp; 550 5.1.1 user unknown)", "The recipient's mail server refuses the address: most likely there is no such mailbox.",
  "SES sends nothing to this address, since earlier mail to it bounced or was called spam.", "SES sends nothing to this address, since earlier mail to it was called spam.",
  "The person has unsubscribed from mail that this account sends.", "The mailbox is full.", "The recipient's mail server takes no mail of this size.",
  "The recipient's mail server did not like the mail's content.", "The recipient's mail server did not take the mail, for a reason that may pass.", "The person has called the mail spam.",
  "The mailbox is full. SES goes on trying.", "The recipient's mail server holds back mail from SES. SES goes on trying.", "The recipient's mail server does not take the mail now. SES goes on trying.",
  "SES did not want to send the mail after all, and sends no mail like it.", "The mail's template does not fit its data, so nothing was sent. Correct the template, then send the invitation again.",
  "SES refused the mail. Its sandbox only takes verified addresses; else check the address.", "SES can't mail this address. Check it.",
  "SES's daily quota is used up. The mail waits and is tried again every hour. Ask AWS for a higher quota.",
  "SES has paused this account's sending. The mail waits and is tried again every hour. See SES's reputation page in the AWS console.",
  "The sender's address is not verified with SES. The mail waits and is tried again every hour; verify the sender.",
  "SES refused the call. The mail waits and is tried again every hour; the operator finds SES's code in the mailer's log.",
  "The mailer may not send: its role lacks ses:SendBulkEmail or ses:SendBulkTemplatedEmail on the sender's identity, the configuration set or the template. The mail waits and is tried again every hour.",
  "Much mail is waiting, and SES takes only so much a second. This one has its turn soon.", "The mail may have gone or not: what SES answered was lost. It is sent again soon, with the same link, three times at most.",
  "The invitation ended before its mail was sent.", "The address gets no mail, since an earlier one bounced or was called spam. Reach the person another way, or lift the suppression with DELETE /v1/users/{id}/suppression.",
  "SES did not take the mail in ten tries, for a reason that Usher does not know. The operator finds SES's words in the mailer's log; once that is mended, send the invitation again.",
];

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
    const english = await table(page).locator('[lang="en"]').allTextContents();
    assert.deepEqual(english, []);
    const titles = await page.locator("tbody .reason").evaluateAll((reasons) => reasons.map(({ title }) => title));
    for (const [index, title] of titles.entries()) assert.ok(title && !REASONS.includes(title), `${index}: ${title}`);
    await row(page, "p0@example.com").getByRole("link").click();
    await page.getByRole("dialog").locator('[lang="en"]').getByText("(smtp; 550 5.1.1 user unknown)", { exact: true }).waitFor();
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
}
