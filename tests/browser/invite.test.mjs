// The Invite dialog, from what people have to paste to their mails and rows.
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gate, scenario } from "./support/browser.mjs";
import { seeInvitation, INVITER } from "./support/accept.mjs";
import { linkIn, until } from "./support/stack.mjs";
import { plural, sentence, t, within } from "./support/texts.mjs";
import { addresses, check, chip, chips, counted, everybody, openInvite, paste, readCount, refused, sendTo, step, userOf } from "./support/invite.mjs";
import { assertShown, button, enter, inviteButton, open, seeDelivery, seeFocus, seeState, table, tabTo } from "./support/users.mjs";

const ANN = "ann@example.com";
const BO = "bo@gmail.com";
const CY = "cy@example.com";
const DAY = 24 * 60 * 60 * 1000;

scenario("what people paste is read, corrected, checked and invited, and their rows turn with the mail", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const loaded = await page.evaluate(() => performance.timeOrigin);
  const box = await openInvite(page);
  await seeFocus(addresses(box));
  await world.state(page, "invite-empty", { everywhere: true });
  await paste(box, `Ann Lee <${ANN}>; bo@gmial.com, cy.example.com\r\nANN@example.com`);
  await readCount(box).getByText(/^4 addresses, 2 to look at, 1 twice$/).waitFor();
  await chip(box, "cy.example.com").getByText(sentence("invite.bad.no_at")).waitFor();
  await chip(box, "bo@gmial.com").getByText(sentence("invite.doubt")).waitFor();
  await chip(box, "ANN@example.com").getByText(sentence("invite.again")).waitFor();
  assert.equal(await chip(box, `Ann Lee ${ANN}`).locator(".why").count(), 0, "a good one needs no words");
  await world.state(page, "invite-chips", { everywhere: true });

  await box.getByRole("button", { name: t("invite.use", { address: BO }) }).click();
  await chip(box, BO).waitFor();
  await box.getByRole("button", { name: t("invite.edit", { who: "cy.example.com" }) }).click();
  const field = box.getByRole("textbox", { name: t("invite.edit", { who: "cy.example.com" }) });
  await world.state(page, "invite-correcting");
  await field.fill(CY);
  await field.press("Enter");
  await box.getByRole("button", { name: t("invite.remove", { who: "ANN@example.com" }) }).click();
  await readCount(box).getByText(/^3 addresses$/).waitFor();
  assert.equal(await chips(box).count(), 3);

  await check(box, 3);
  await world.state(page, "invite-check");
  assert.deepEqual(await everybody(stack), [], "a check invites nobody");
  await counted(box, "invite.send", 3).click();
  await step(box, "invite.invited", 3).waitFor();
  await world.state(page, "invite-results");
  await button(box, "invite.done").click();
  await box.waitFor({ state: "hidden" });
  for (const email of [ANN, BO, CY]) {
    await seeDelivery(page, email, "delivered");
    await stack.mail(email);
  }
  assert.equal(await page.evaluate(() => performance.timeOrigin), loaded, "the page was not loaded again");
  assert.equal((await userOf(stack, ANN)).name, "Ann Lee");
  await openInvite(page);
  assert.equal(await chips(box).count(), 0, "who is invited has left the box");
}, { timeout: 120_000 });

scenario("a lifetime that nobody types is what the settings say, which the dialog shows", async (world) => {
  const { stack } = world;
  const { settings } = await stack.call("GET", "/v1/settings");
  await stack.call("PUT", "/v1/settings", { ...settings, expires_in_days: 3 }, { headers: { "if-match": '"0"' } });
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  const days = box.getByRole("spinbutton", { name: t("invite.days") });
  await days.and(page.getByPlaceholder(/^3$/)).waitFor();
  assert.equal(await days.inputValue(), "");
  await paste(box, ANN);
  await sendTo(box, 1);
  const lasts = async () => {
    const { last_sent_at, invited_at, expires_at } = await userOf(stack, ANN);
    return Math.round((Date.parse(expires_at) - Date.parse(last_sent_at ?? invited_at)) / DAY);
  };
  assert.equal(await lasts(), 3);
  // Nobody else may read the settings, which hold all the same.
  const inviter = await world.person();
  await enter(inviter, { as: "Ivo Inviter" });
  const theirs = await openInvite(inviter);
  await paste(theirs, "bo@example.com");
  await sendTo(theirs, 1);
  const { invited_at, expires_at } = await userOf(stack, "bo@example.com");
  assert.equal(Math.round((Date.parse(expires_at) - Date.parse(invited_at)) / DAY), 3);
  // Nor does sending again say it for them.
  const sent = [];
  page.on("request", (request) => { if (request.url().endsWith("/resend")) sent.push(request.postDataJSON()); });
  await button(box, "invite.done").click();
  const again = await openInvite(page);
  await paste(again, ANN);
  await check(again);
  await stack.later(120);
  await button(again, "invite.resend").or(again.getByRole("button", { name: t("invite.resend_who", { who: ANN }) })).first().click();
  await until("it is sent again", () => sent.length === 1);
  assert.equal("expires_in_days" in sent[0], false);
});

scenario("the tenant's own languages can be chosen for who is invited, and for who is corrected", async (world) => {
  const { stack } = world;
  const { subject, text, html } = await stack.call("GET", "/v1/templates/sk?or=english");
  await stack.call("PUT", "/v1/templates/sk", { subject: `SK ${subject}`, text, html }, { headers: { "if-match": '"0"' } });
  const page = await world.person();
  await enter(page);
  let box = await openInvite(page);
  const language = () => box.getByRole("combobox", { name: t("invite.language") });
  await language().getByRole("option", { name: "Slovenčina" }).waitFor({ state: "attached" });
  await language().selectOption("sk");
  // The draft is there before what the settings say is.
  await page.route("**/v1/settings", (route) => route.abort("internetdisconnected"));
  await button(box, "common.close").click();
  box = await openInvite(page);
  assert.equal(await language().inputValue(), "sk");
  await paste(box, ANN);
  await sendTo(box, 1);
  assert.match((await stack.mail(ANN)).subject, /^SK /);
  await page.unroute("**/v1/settings");
  await button(box, "invite.done").click();
  await stack.invite("bo@example.com");
  await page.reload();
  const panel = await open(page, "bo@example.com");
  await button(panel, "users.do.edit").click();
  const select = panel.getByRole("combobox", { name: t("users.edit.locale") });
  await select.getByRole("option", { name: "Slovenčina" }).waitFor({ state: "attached" });
  await select.selectOption("sk");
  await button(panel, "common.save").click();
  await until("it is saved", async () => (await userOf(stack, "bo@example.com")).locale === "sk");
});

scenario("language, groups, message and lifetime reach the mail and the person", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, ANN);
  await box.getByRole("combobox", { name: t("invite.language") }).selectOption("de");
  const days = box.getByRole("spinbutton", { name: t("invite.days") });
  await days.fill("400");
  await box.getByRole("textbox", { name: t("invite.groups") }).fill("readers, writers");
  await box.getByRole("textbox", { name: t("invite.message") }).fill("Bis morgen!\nAlex");
  await button(box, "invite.next").click();
  await box.getByRole("alert").getByText(t("invite.bad.days")).waitFor();
  await seeFocus(days);
  await world.state(page, "invite-wrong-days");
  await days.fill("3");
  await sendTo(box, 1);
  const mail = await stack.mail(ANN);
  assert.match(mail.html, /lang="de"/);
  for (const part of [mail.html, mail.text]) assert.match(part, /Bis morgen!/);
  const { locale, groups, invited_at, expires_at } = await userOf(stack, ANN);
  assert.deepEqual({ locale, groups }, { locale: "de", groups: ["readers", "writers"] });
  assert.ok(Math.abs(Date.parse(expires_at) - Date.parse(invited_at) - 3 * DAY) < 60_000, `from ${invited_at} to ${expires_at}`);
  const phone = await world.person({ width: 320, language: "de" });
  await phone.goto(linkIn(mail));
  await seeInvitation(phone, "de");
});

scenario("links can be made without a mail, and are copied to be handed over", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: stack.url });
  await enter(page);
  const box = await openInvite(page);
  await paste(box, `${ANN}, ${CY}`);
  await box.getByRole("group", { name: t("invite.way") }).getByRole("radio", { name: t("invite.way_links") }).check();
  await check(box, 2, "invite.ready_links");
  await counted(box, "invite.send_links", 2).click();
  await step(box, "invite.made", 2).waitFor();
  await world.state(page, "invite-links", { everywhere: true });
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await button(box, "invite.copy_all").click();
  const lines = await until("all links are copied", async () => { const all = (await copied()).split("\n"); return all.length === 2 && all; });
  assert.deepEqual(lines.map((line) => line.split("\t")[0]), [ANN, CY]);
  await box.getByRole("button", { name: t("invite.copy_who", { who: CY }) }).click();
  await until("one link is copied", async () => await copied() === lines[1].split("\t")[1]);
  const phone = await world.person({ width: 320 });
  await phone.goto(await copied());
  await seeInvitation(phone);
  assert.deepEqual([await stack.mails(ANN), await stack.mails(CY)], [[], []], "nobody was mailed");
});

scenario("a table's columns are named, and each row keeps its own language and name", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  const lines = ["E-Mail;Vorname;Nachname;Sprache;Gruppen;Nr", `${ANN};Ann;Lee;de;readers;17`, `${CY};Cy;"Ray; Jr";Arabic;;18`, ";Nobody;;;;19", "di@example.com;;;;;"];
  await box.getByLabel(t("invite.open_file")).setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(`\ufeff${lines.join("\r\n")}\r\n`) });
  await step(box, "invite.table.title").waitFor();
  const column = (field) => box.getByRole("combobox", { name: t(`invite.table.${field}`) });
  const chosen = (field) => column(field).evaluate((select) => select.selectedOptions[0].textContent);
  for (const [field, heading] of [["email", "E-Mail"], ["first_name", "Vorname"], ["last_name", "Nachname"], ["locale", "Sprache"], ["groups", "Gruppen"], ["separator", "Semicolon"]]) {
    assert.equal(await chosen(field), heading);
  }
  await column("email").selectOption(sentence("invite.table.none"));
  await button(box, "invite.table.add").click();
  await box.getByRole("alert").getByText(t("invite.table.no_email")).waitFor();
  await column("email").selectOption("E-Mail");
  await column("external_id").selectOption("Nr");
  await box.getByRole("region", { name: t("invite.table.preview") }).getByRole("cell", { name: "Ray; Jr" }).waitFor();
  await world.state(page, "invite-table", { everywhere: true });
  await button(box, "invite.table.add").click();
  await box.getByRole("alert").getByText(within("invite.table.empty.one", { n: 1, lines: 4 })).waitFor();
  await chip(box, `Ann Lee ${ANN} de`).waitFor();
  await world.state(page, "invite-table-read");
  await box.getByRole("combobox", { name: t("invite.language") }).selectOption("en");
  await sendTo(box, 3);
  const told = (await everybody(stack)).map(({ email, name, locale, groups, external_id }) => [email, name, locale, groups, external_id]);
  assert.deepEqual(told.sort(), [
    [ANN, "Ann Lee", "de", ["readers"], "17"], [CY, "Cy Ray; Jr", "ar", [], "18"], ["di@example.com", null, "en", [], null],
  ]);
  assert.match((await stack.mail(ANN)).html, /lang="de"/);
  assert.match((await stack.mail(CY)).html, /lang="ar"/);
}, { timeout: 90_000 });

// Lets a file go over the page, as from the desktop: an unhandled one would take the page's place.
async function drop(page, file, { x, y }) {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) await devtools.send("Input.dispatchDragEvent", { type, x, y, data });
  await devtools.detach();
}

async function written(name, content) {
  const path = join(await mkdtemp(join(tmpdir(), "usher-drop-")), name);
  await writeFile(path, content);
  return path;
}

scenario("a file that is dropped anywhere on the page goes into the dialog", async (world) => {
  const [list, picture] = await Promise.all([written("people.csv", `email,name\n${ANN},Ann Lee\n`), written("people.png", "\0\0")]);
  const page = await world.person();
  await page.goto("/");
  await button(page, "users.sign_in").waitFor();
  await drop(page, list, { x: 700, y: 700 });
  await enter(page);
  const loaded = await page.evaluate(() => performance.timeOrigin);
  await page.getByText(t("users.first.paste")).waitFor();
  await drop(page, list, { x: 700, y: 700 });
  const box = page.getByRole("dialog", { name: t("invite.title") });
  await step(box, "invite.table.title").waitFor();
  await world.state(page, "invite-dropped");
  await button(box, "invite.table.add").click();
  await chip(box, `Ann Lee ${ANN}`).waitFor();
  await check(box, 1);
  // Beside the dialog, on what it darkens.
  await drop(page, picture, { x: 5, y: 5 });
  await box.getByRole("alert").getByText(t("invite.table.no_table")).waitFor();
  await drop(page, list, { x: 5, y: 5 });
  await step(box, "invite.table.title").waitFor();
  await button(box, "common.cancel").click();
  await chip(box, `Ann Lee ${ANN}`).waitFor();
  assert.equal(await page.evaluate(() => performance.timeOrigin), loaded, "the page is still the page");
});

scenario("a dropped file takes the place neither of sending nor of what became of everybody", async (world) => {
  const list = await written("people.csv", `email\n${BO}\n`);
  const page = await world.person();
  const answer = gate();
  let asked = false;
  await page.route((url) => url.pathname === "/v1/invitations" && !url.search, async (route) => { asked = true; await answer.opened; return route.continue(); });
  await enter(page);
  const box = await openInvite(page);
  await paste(box, ANN);
  await check(box, 1);
  // One that is still being read when the sending begins, and one that comes later.
  await page.evaluate(() => {
    const { arrayBuffer } = Blob.prototype;
    const reading = new Promise((resolve) => { window.letRead = resolve; });
    Blob.prototype.arrayBuffer = async function read() {
      await reading;
      return arrayBuffer.call(this);
    };
  });
  await drop(page, list, { x: 5, y: 5 });
  await counted(box, "invite.send", 1).click();
  await until("it is being sent", () => asked);
  const said = page.getByRole("status").getByText(t("invite.sending"));
  await page.evaluate(() => window.letRead());
  await said.evaluate((words) => { words.dataset.first = ""; });
  await drop(page, list, { x: 5, y: 5 });
  await until("it is said anew, in one place", async () => await said.count() === 1 && await said.evaluate(({ dataset }) => !("first" in dataset)));
  answer.open();
  await step(box, "invite.invited", 1).waitFor();
  await drop(page, list, { x: 5, y: 5 });
  await page.getByRole("status").getByText(plural("invite.invited", 1)).waitFor();
  await step(box, "invite.invited", 1).waitFor();
  await world.state(page, "invite-dropped-late");
});

scenario("the dialog opens without what only its warnings need", async (world) => {
  const page = await world.person();
  await page.route("**/assets/*/health.*.json", (route) => route.abort("internetdisconnected"));
  await enter(page);
  const box = await openInvite(page);
  await paste(box, ANN);
  await sendTo(box, 1);
});

scenario("who may not invite is told so when they drop a file", async (world) => {
  const path = await written("people.csv", ANN);
  const page = await world.person();
  await enter(page, { as: "Rita Reader" });
  await drop(page, path, { x: 700, y: 700 });
  await page.getByRole("status").getByText(within("users.needs", { scope: "users:invite" })).waitFor();
  assert.equal(await page.getByRole("dialog", { name: t("invite.title") }).count(), 0);
});

scenario("who can't be invited stays in the box, is corrected and invited", async (world) => {
  const { stack } = world;
  const bounce = "bounce@simulator.amazonses.com";
  const id = await stack.invite(bounce);
  await until("the mail has bounced", async () => (await stack.user(id)).delivery.status === "bounced");
  await stack.call("DELETE", `/v1/users/${id}`);
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, `${ANN}\nCy <${bounce}>\nnobody`);
  await check(box, 1);
  await refused(box, bounce).getByText(t("outcome.suppressed")).waitFor();
  await refused(box, "nobody").getByText(t("invite.bad.no_at")).waitFor();
  await world.state(page, "invite-check-refused", { everywhere: true });
  await counted(box, "invite.send", 1).click();
  await step(box, "invite.invited", 1).waitFor();
  await world.state(page, "invite-results-refused");
  await counted(box, "invite.correct", 2).click();
  await chip(box, `Cy ${bounce}`).getByText(sentence("outcome.suppressed")).waitFor();
  assert.equal(await chips(box).count(), 2);
  await box.getByRole("button", { name: t("invite.remove", { who: "nobody" }) }).click();
  await box.getByRole("button", { name: t("invite.edit", { who: `Cy ${bounce}` }) }).click();
  const field = box.getByRole("textbox", { name: t("invite.edit") });
  await field.fill(`Cy <${CY}>`);
  await field.press("Enter");
  await sendTo(box, 1);
  await button(box, "invite.done").click();
  await seeState(page, CY, "pending");
  await stack.mail(CY);
  assert.equal((await stack.mails(ANN)).length, 1, "who was invited before is not mailed again");
}, { timeout: 90_000 });

scenario("who was invited already is told apart, and sent the invitation again", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  await stack.delivered(id);
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  await paste(box, ANN);
  await check(box);
  await refused(box, ANN).getByText(t("outcome.already_invited")).waitFor();
  await world.state(page, "invite-already");
  const again = box.getByRole("button", { name: t("invite.resend_who", { who: ANN }) });
  await again.click();
  await refused(box, ANN).getByText(t("outcome.too_soon")).waitFor();
  await stack.later(61);
  await again.click();
  await refused(box, ANN).getByText(t("outcome.resent")).waitFor();
  await world.state(page, "invite-resent");
  await stack.mail(ANN, 2);
  await until("the second mail is counted", async () => (await stack.user(id)).send_count === 2);
  await box.getByRole("link", { name: t("invite.person_who", { who: ANN }) }).click();
  await page.getByRole("dialog", { name: ANN }).waitFor();
});

scenario("the mail doctor warns before anything is sent", async (world) => {
  const { stack } = world;
  const page = await world.person();
  await enter(page);
  const box = await openInvite(page);
  // SES would not take it: only addresses at example.com are verified.
  await paste(box, `${ANN}, bo@elsewhere.example`);
  await check(box, 2);
  await box.getByText(t("invite.warning.sandbox.one", { n: 1, all: 2 })).waitFor();
  await box.getByText(t("health.sandbox.hint")).waitFor();
  await world.state(page, "invite-sandbox", { everywhere: true });
  assert.deepEqual(await everybody(stack), []);
}, { stack: { options: ["--ses-sandbox", "--ses-verified", "example.com"] }, timeout: 90_000 });

scenario("an invitation goes out by keyboard alone, from the sign-in on", async (world) => {
  const { stack } = world;
  const page = await world.person();
  const press = async (locator) => { await tabTo(page, locator); await page.keyboard.press("Enter"); };
  await page.goto("/");
  await press(button(page, "users.sign_in"));
  await press(page.getByRole("button", { name: INVITER, exact: true }));
  await press(inviteButton(page).first());
  const box = page.getByRole("dialog", { name: t("invite.title") });
  await box.waitFor();
  await seeFocus(addresses(box));
  await page.keyboard.type(`${ANN}, bo@gmial.com `);
  await chip(box, "bo@gmial.com").waitFor();
  await tabTo(page, box.getByRole("button", { name: t("invite.edit", { who: "bo@gmial.com" }) }));
  await page.keyboard.press("ArrowRight");
  await seeFocus(box.getByRole("button", { name: t("invite.use", { address: BO }) }));
  await world.state(page, "invite-keyboard");
  await page.keyboard.press("Enter");
  await chip(box, BO).waitFor();
  await page.keyboard.press("Control+Enter");
  await step(box, "invite.ready", 2).waitFor();
  await seeFocus(step(box, "invite.ready", 2)); // the step is read out
  await press(counted(box, "invite.send", 2));
  await step(box, "invite.invited", 2).waitFor();
  await seeFocus(step(box, "invite.invited", 2));
  await press(button(box, "invite.done"));
  await box.waitFor({ state: "hidden" });
  await seeFocus(inviteButton(page).first()); // the focus is back where it came from
  await Promise.all([stack.mail(ANN), stack.mail(BO)]);
  await table(page).waitFor();
  await assertShown(page, 2);
});

scenario("the dialog is written from right to left in Arabic, on a phone", async (world) => {
  const page = await world.person({ width: 320, language: "ar" });
  await enter(page, { language: "ar" });
  const box = await openInvite(page, "ar");
  await addresses(box, "ar").fill(`نور <${ANN}>`);
  await button(box, "invite.next", "ar").click();
  await step(box, "invite.ready", 1, "ar").waitFor();
  await world.state(page, "invite-arabic-check");
  await button(box, "common.back", "ar").click();
  const said = await box.evaluate((dialog) => dialog.textContent);
  assert.match(said, /[\u0660-\u0669]{3}/, "this browser writes numbers with digits of its own");
  assert.doesNotMatch(said, /\d/, "and all of them");
  await world.state(page, "invite-arabic", { everywhere: true });
}, { timeout: 90_000 });
