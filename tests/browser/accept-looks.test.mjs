// Every state of the accept page in every language, at every width, light and dark.
import assert from "node:assert/strict";
import { gate, scenario } from "./support/browser.mjs";
import { button, register, see, seeInvitation, seeWelcome, tokenOf, withToken } from "./support/accept.mjs";
import { openWithoutScripts } from "./support/state.mjs";
import { LANGUAGES, t, within } from "./support/texts.mjs";

const WEEK = 7 * 24 * 60 * 60;
const NAMES = { en: "Ann Lee", de: "Änne Groß", ar: "نور الهدى" };

for (const language of LANGUAGES) {
  const name = NAMES[language];
  const look = (world, page, state) => world.state(page, `accept-${state}`, { everywhere: true });
  const invite = async (stack, email) => {
    const id = await stack.invite({ email, name, locale: language }, { message: `${name}: 1, 2, 3?` });
    return { id, link: await stack.link(email) };
  };
  const open = async (page, link) => {
    await page.goto("about:blank");
    await page.goto(link);
  };

  scenario(`the way to an account looks right in ${language}`, async (world) => {
    const { stack } = world;
    const { link } = await invite(stack, "ann@example.com");
    const page = await world.person({ width: 320, language });
    const lookup = gate();
    await page.route("**/v1/accept/lookup", async (route) => { await lookup.opened; await route.continue(); }, { times: 1 });
    await page.goto(link);
    await page.getByText(t("accept.loading", {}, language)).waitFor();
    await look(world, page, "loading");
    lookup.open();
    await seeInvitation(page, language);
    await look(world, page, "invitation");
    await register(page, "", language);
    await page.getByText(t("accept.name_missing", {}, language)).waitFor();
    await look(world, page, "name-missing");
    await page.context().setOffline(true);
    await register(page, name, language);
    await page.getByText(within("problem.offline", {}, language)).waitFor();
    await look(world, page, "offline");
    await page.context().setOffline(false);
    const accept = gate();
    await page.route("**/v1/accept", async (route) => { await accept.opened; await route.continue(); });
    await register(page, name, language);
    await button(page, "accept.creating", language).waitFor();
    await look(world, page, "creating");
    accept.open();
    await seeWelcome(page, name, language);
    await look(world, page, "created");
    await open(page, link);
    await see(page, "problem.invitation_already_used.title", {}, language);
    await look(world, page, "invitation_already_used");
  });

  scenario(`declining looks right in ${language}`, async (world) => {
    const { stack } = world;
    const { link } = await invite(stack, "bo@example.com");
    const page = await world.person({ width: 320, language });
    await page.goto(link);
    await seeInvitation(page, language);
    await button(page, "accept.decline", language).click();
    await button(page, "accept.decline_confirm", language).waitFor();
    await look(world, page, "decline");
    await button(page, "accept.decline_confirm", language).click();
    await see(page, "accept.declined_title", {}, language);
    await look(world, page, "declined");
    await open(page, link);
    await see(page, "problem.invitation_declined.title", {}, language);
    await look(world, page, "invitation_declined");
  });

  scenario(`links that lead to no account look right in ${language}`, async (world) => {
    const { stack } = world;
    const { id, link: revoked } = await invite(stack, "cy@example.com");
    const { link } = await invite(stack, "di@example.com");
    await stack.call("POST", `/v1/users/${id}/revoke`);
    const page = await world.person({ width: 320, language });
    await page.goto(revoked);
    await see(page, "problem.invitation_revoked.title", {}, language);
    await look(world, page, "invitation_revoked");
    await open(page, withToken(link, tokenOf(link).slice(0, -2)));
    await see(page, "problem.invitation_not_found.title", {}, language);
    await look(world, page, "invitation_not_found");
    await open(page, withToken(link, ""));
    await see(page, "accept.no_token_title", {}, language);
    await look(world, page, "no-token");
    await stack.later(WEEK + 60);
    await open(page, link);
    await see(page, "problem.invitation_expired.title", {}, language);
    await look(world, page, "invitation_expired");
    await button(page, "accept.renew", language).click();
    await see(page, "accept.renewed_title", {}, language);
    await look(world, page, "renewed");
    await page.route("**/v1/accept/lookup", (route) => route.abort("internetdisconnected"));
    await open(page, link);
    await see(page, "problem.offline.title", {}, language);
    await look(world, page, "unreachable");
  });
}

for (const [path, language] of ["/accept", "/"].flatMap((path) => LANGUAGES.map((language) => [path, language]))) {
  scenario(`${path} looks right, and can be read out, without JavaScript in ${language}`, async (world) => {
    const [page, plain] = [await world.person({ width: 320, language }), await world.person({ width: 320, language, options: { javaScriptEnabled: false } })];
    await openWithoutScripts(page, path);
    await plain.goto(path);
    const seen = ({ body }) => body.innerText;
    const [said, really] = await Promise.all([page, plain].map((page) => page.evaluate(`(${seen})(document)`)));
    assert.equal(said, really, "what is examined is what a browser without JavaScript shows");
    await page.getByRole("heading", { name: t("page.no_script.title", {}, language) }).waitFor();
    await world.state(page, `noscript-${path.slice(1) || "users"}`, { everywhere: true });
  });
}
