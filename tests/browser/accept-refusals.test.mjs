// A link that leads to no account leads on all the same.
import assert from "node:assert/strict";
import { scenario } from "./support/browser.mjs";
import { assertFragmentGone, button, nameField, PRODUCT, register, see, seeInvitation, seeWelcome, tokenOf, withToken } from "./support/accept.mjs";
import { t, within } from "./support/texts.mjs";

const ANN = "ann@example.com";
const WEEK = 7 * 24 * 60 * 60;

async function refused(world, page, code, { hint = true } = {}) {
  await see(page, `problem.${code}.title`);
  await assertFragmentGone(page);
  await page.getByText(within(`problem.${code}`)).first().waitFor();
  if (hint) await page.getByText(within(`problem.${code}.hint`)).first().waitFor();
  assert.equal(await nameField(page).isVisible(), false, "there is nothing to fill in");
  await world.state(page, `accept-${code}`);
}

scenario("an expired link has a fresh one sent to the same address, and that one works", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const link = await stack.link(ANN);
  await stack.later(WEEK + 60);
  const page = await world.person({ width: 320 });
  await page.goto(link);
  await refused(world, page, "invitation_expired");
  await button(page, "accept.renew").click();
  await see(page, "accept.renewed_title");
  await world.state(page, "accept-renewed");
  const fresh = await stack.link(ANN, 2);
  assert.notEqual(fresh, link);
  await page.goto("about:blank");
  await page.goto(link);
  await refused(world, page, "invitation_not_found");
  await page.goto("about:blank");
  await page.goto(fresh);
  await seeInvitation(page);
  await register(page, "Ann");
  await seeWelcome(page, "Ann");
  assert.equal((await stack.user(id)).state, "accepted");
});

scenario("a link that expires while the form is open leads to a fresh one", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await stack.later(WEEK + 60);
  await register(page, "Ann");
  await refused(world, page, "invitation_expired");
  await button(page, "accept.renew").click();
  await see(page, "accept.renewed_title");
  await stack.link(ANN, 2);
});

scenario("asking for a fresh link loses nothing when the connection is off", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  await stack.later(WEEK + 60);
  const page = await world.person({ width: 320 });
  await page.goto(link);
  await see(page, "problem.invitation_expired.title");
  await page.context().setOffline(true);
  await button(page, "accept.renew").click();
  await page.getByText(within("problem.offline")).waitFor();
  await world.state(page, "accept-renew-offline");
  await page.context().setOffline(false);
  await button(page, "accept.renew").click();
  await see(page, "accept.renewed_title");
  await stack.link(ANN, 2);
});

scenario("a superseded link sends people to their newest mail", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const old = await stack.link(ANN);
  await stack.later(61);
  await stack.call("POST", `/v1/users/${id}/resend`, {});
  const fresh = await stack.link(ANN, 2);
  const page = await world.person({ width: 320 });
  await page.goto(old);
  await refused(world, page, "invitation_not_found");
  await page.evaluate((link) => { location.href = link; }, fresh);
  await seeInvitation(page);
});

scenario("a withdrawn invitation says whom to ask", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const link = await stack.link(ANN);
  await stack.call("POST", `/v1/users/${id}/revoke`);
  const page = await world.person({ width: 320 });
  await page.goto(link);
  await refused(world, page, "invitation_revoked");
});

scenario("an invitation withdrawn while the form is open makes no account", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(await stack.link(ANN));
  await seeInvitation(page);
  await stack.call("POST", `/v1/users/${id}/revoke`);
  await register(page, "Ann");
  await refused(world, page, "invitation_revoked");
  assert.equal((await stack.user(id)).state, "revoked");
});

scenario("a declined invitation stays declined, and says whom to ask", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(link);
  await seeInvitation(page);
  await button(page, "accept.decline").click();
  await button(page, "accept.decline_confirm").click();
  await see(page, "accept.declined_title");
  await page.goto("about:blank");
  await page.goto(link);
  await refused(world, page, "invitation_declined");
});

scenario("a used link leads to signing in", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  const page = await world.person({ width: 320 });
  await page.goto(link);
  await register(page, "Ann");
  await seeWelcome(page, "Ann");
  await page.goto("about:blank");
  await page.goto(link);
  await refused(world, page, "invitation_already_used");
});

for (const [code, status] of [["invitation_revoked", 410], ["invitation_declined", 410], ["address_taken", 409], ["invitation_already_used", 409], ["a_code_of_tomorrow", 409]]) {
  scenario(`whoever may have an account already finds the way to signing in when it is ${code}`, async (world) => {
    const { stack } = world;
    await stack.invite(ANN, { redirect_url: `${stack.url}/elsewhere` });
    const page = await world.person({ width: 320 });
    const answers = (path) => page.route(path, (route) => route.fulfill({
      status, contentType: "application/problem+json",
      body: JSON.stringify({ code, status, title: "x", detail: "Detail.", hint: "Hint.", sign_in_url: "https://sign-in.example/login" }),
    }));
    const link = await stack.link(ANN);
    const signIn = page.getByRole("link", { name: t("accept.sign_in", { product: PRODUCT }) });
    await answers("**/v1/accept/lookup");
    await page.goto(link);
    await signIn.waitFor();
    assert.equal(await signIn.getAttribute("href"), "https://sign-in.example/login");
    await world.state(page, `accept-sign-in-${code}`);
    if (code === "invitation_already_used" || code === "a_code_of_tomorrow") return;
    await page.unroute("**/v1/accept/lookup");
    await answers("**/v1/accept");
    await page.goto("about:blank");
    await page.goto(link);
    await register(page, "Ann");
    await signIn.waitFor();
    assert.equal(await signIn.getAttribute("href"), "https://sign-in.example/login", "not where the invitation leads");
  });
}

scenario("two windows with the same link make one account", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const link = await stack.link(ANN);
  const [one, two] = [await world.person(), await world.person({ width: 320 })];
  await Promise.all([one.goto(link), two.goto(link)]);
  await Promise.all([seeInvitation(one), seeInvitation(two)]);
  await register(one, "Ann");
  await seeWelcome(one, "Ann");
  await register(two, "Somebody else");
  await refused(world, two, "invitation_already_used");
  assert.equal((await stack.user(id)).name, "Ann");
});

scenario("a malformed link, and one of nobody's, are no more than not valid", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  const page = await world.person({ width: 320 });
  const token = tokenOf(link);
  const nobody = token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");
  for (const bad of [token.slice(0, -3), nobody, "inv_short"]) {
    await page.goto("about:blank");
    await page.goto(withToken(link, bad));
    await refused(world, page, "invitation_not_found");
  }
});

scenario("a link with something around it still works", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  const page = await world.person({ width: 320 });
  for (const junk of [`${link}%20`, `${link}.`, `${link}>`, `${link}%22`]) {
    await page.goto("about:blank");
    await page.goto(junk);
    await seeInvitation(page);
    await assertFragmentGone(page);
  }
});

scenario("without a token the page asks to open the link again, and asks the server nothing", async (world) => {
  const page = await world.person({ width: 320 });
  let calls = 0;
  page.on("request", (request) => { if (request.url().includes("/v1/")) calls += 1; });
  for (const hash of ["", "#", "#inv_", "#something"]) {
    await page.goto("about:blank");
    await page.goto(`/accept${hash}`);
    await see(page, "accept.no_token_title");
    await assertFragmentGone(page);
  }
  await world.state(page, "accept-no-token");
  assert.equal(calls, 0);
});
