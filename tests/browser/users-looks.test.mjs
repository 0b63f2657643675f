// The states of the Users page in every language, at every width, light and dark. The list, a person and the Invite dialog
// are seen in all 18 combinations; what is seen less often, in six that have each language at two widths, and each width and
// each scheme with two or three languages.
import { scenario } from "./support/browser.mjs";
import { until } from "./support/stack.mjs";
import { LANGUAGES, plural, t, within } from "./support/texts.mjs";
import { button, dialog, enter, heading, inviteButton, open, opener, row, rowButton, seeDelivery, seeState, signIn } from "./support/users.mjs";

const WEEK = 7 * 24 * 60 * 60;
// Narrow is hardest in German, for its long words, and in Arabic, for its direction.
const SOME = {
  en: [{ width: 768, scheme: "light" }, { width: 1440, scheme: "dark" }],
  de: [{ width: 320, scheme: "light" }, { width: 1440, scheme: "light" }],
  ar: [{ width: 320, scheme: "dark" }, { width: 768, scheme: "dark" }],
};
const ANN = "ann@example.com";
const LONG = "bartholomaeus.wolkenstein-hohenfels@verwaltung.landesregierung.example.com";
const BOUNCE = "bounce@simulator.amazonses.com";
// One of each kind that the Invite dialog tells apart; four of them can be invited.
const PASTED = ['"Lee, Cy" <cy@example.com>', "di@gmial.com", ANN, "declined@example.com", "revoked@example.com", `new.${LONG}`, "no address", "نور <noor@example.com>", "cy@example.com"];
const NAMES = { en: "Ann Lee", de: "Änne Groß", ar: "نور الهدى" };

const look = (world, page, state) => world.state(page, `users-look-${state}`, { everywhere: true });
const glance = (world, page, state) => world.state(page, `users-look-${state}`, { at: SOME[page.usher.language] });

// People in every state, and a mail in every other. The newest is Ann, whose mail has arrived.
async function people(stack, name) {
  await stack.invite({ email: "expired@example.com", name: "Eva Expired" });
  await stack.mail("expired@example.com");
  await stack.later(WEEK + 60);
  const post = async (path, body) => {
    const answer = await fetch(stack.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  };
  await stack.invite({ email: "bo@example.com", name: "Bo Berg" });
  await post("/v1/accept", { token: (await stack.link("bo@example.com")).split("#")[1], name: "Bo Berg" });
  await stack.invite("declined@example.com");
  await post("/v1/accept/decline", { token: (await stack.link("declined@example.com")).split("#")[1] });
  const revoked = await stack.invite({ email: "revoked@example.com", name: "سلمى" });
  await stack.call("POST", `/v1/users/${revoked}/revoke`);
  await stack.invite("by.hand@example.com", { notify: false });
  const bounced = await stack.invite(BOUNCE);
  await until("the mail has bounced", async () => (await stack.user(bounced)).delivery.status === "bounced");
  await stack.invite({ email: LONG, name: "Bartholomäus Freiherr von Wolkenstein zu Hohenfels" });
  const ann = await stack.invite({ email: ANN, name, groups: ["readers", "writers"], external_id: "4711", metadata: { team: "blue" } });
  await stack.delivered(ann);
  return ann;
}

for (const language of LANGUAGES) {
  const say = (key, values) => t(key, values, language);

  scenario(`the ways in look right in ${language}`, async (world) => {
    const page = await world.person({ language });
    await page.goto("/");
    await heading(page, "users.gate.welcome.title", { product: "Acme" }, language).waitFor();
    await glance(world, page, "welcome");
    await signIn(page, { language });
    await heading(page, "users.first.title", {}, language).waitFor();
    await glance(world, page, "first-visit");
    await button(page, "users.account", language).click();
    await button(page, "users.sign_out", language).waitFor();
    await glance(world, page, "account");
    const nobody = await world.person({ language });
    await signIn(nobody, { as: "Nora Nobody", language });
    await heading(nobody, "users.denied.title", { name: "Nora Nobody" }, language).waitFor();
    await glance(world, nobody, "no-permission");
  });

  scenario(`people look right in ${language}`, async (world) => {
    const { stack } = world;
    const name = NAMES[language];
    await people(stack, name);
    const page = await world.person({ language });
    await enter(page, { language });
    await seeDelivery(page, ANN, "delivered", language);
    await seeDelivery(page, BOUNCE, "bounced", language);
    await seeState(page, "expired@example.com", "expired", language);
    await look(world, page, "list");
    for (const email of [ANN, LONG]) await page.getByRole("checkbox", { name: say("users.select_one", { email }) }).check();
    await page.getByRole("button", { name: plural("users.resend_selected", 2, {}, language) }).waitFor();
    await glance(world, page, "selection");
    await page.getByRole("button", { name: plural("users.resend_selected", 2, {}, language) }).click();
    const many = dialog(page, plural("users.ask.selected", 2, {}, language));
    await many.waitFor();
    await glance(world, page, "ask-selected");
    await button(many, "common.cancel", language).click();
    await button(page, "users.clear_selection", language).click();

    // Whose mail has only just gone can't be sent another.
    await rowButton(page, ANN, "users.do.resend", language).click();
    await row(page, ANN).getByText(within("problem.too_soon", {}, language)).waitFor();
    await glance(world, page, "refusal");
    await button(row(page, ANN), "common.dismiss", language).click();

    const panel = await open(page, ANN, name);
    await panel.getByText(say("history.invited")).first().waitFor();
    await look(world, page, "person");
    await button(panel, "users.do.edit", language).click();
    const address = panel.getByRole("textbox", { name: say("users.edit.email") });
    await address.fill("bo@example.com");
    await glance(world, page, "edit");
    await button(panel, "common.save", language).click();
    await panel.getByText(within("problem.already_registered", {}, language)).or(panel.getByText(within("problem.address_taken", {}, language))).first().waitFor();
    await glance(world, page, "edit-refused");
    await button(panel, "common.cancel", language).click();
    await button(panel, "users.do.erase", language).click();
    await dialog(page, say("users.erase.title")).waitFor();
    await glance(world, page, "erase");
    await page.keyboard.press("Escape");
    await button(panel, "common.close", language).click();
    await opener(page, BOUNCE).click();
    const bounced = dialog(page, BOUNCE);
    await bounced.getByText(within("users.suppressed.bounced", {}, language)).waitFor();
    await glance(world, page, "person-bounced");
  });

  scenario(`inviting looks right in ${language}`, async (world) => {
    const { stack } = world;
    await people(stack, NAMES[language]);
    const page = await world.person({ language });
    await enter(page, { language });
    await seeState(page, ANN, "pending", language);
    await inviteButton(page, language).click();
    const box = dialog(page, say("invite.title"));
    const next = button(box, "invite.next", language);
    await glance(world, page, "invite-empty");
    await box.getByRole("textbox", { name: say("invite.addresses") }).fill(`${PASTED.join("\n")}\n`);
    await box.getByRole("list", { name: say("invite.chips") }).getByRole("button").first().waitFor();
    await box.getByText("noor@example.com").first().waitFor();
    await look(world, page, "invite-chips");
    await next.click();
    await box.getByRole("heading", { level: 3, name: plural("invite.ready", 4, {}, language) }).waitFor();
    await glance(world, page, "invite-check");
    await box.getByRole("button", { name: plural("invite.send", 4, {}, language) }).click();
    await box.getByRole("heading", { level: 3, name: plural("invite.invited", 4, {}, language) }).waitFor();
    await glance(world, page, "invite-results");
    await button(box, "invite.done", language).click();
    await page.getByRole("status").getByText(say("invite.kept")).waitFor();
    await glance(world, page, "invite-kept");
  });
}
