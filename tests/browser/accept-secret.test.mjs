// The token is the person's alone, and nothing that only looks spends it.
import assert from "node:assert/strict";
import { scenario } from "./support/browser.mjs";
import { button, register, see, seeInvitation, seeWelcome, tokenOf } from "./support/accept.mjs";
import { fetchAll, linksOf, renderAndClick } from "./support/scanner.mjs";
import { assertSecret, listen } from "./support/secret.mjs";

const ANN = "ann@example.com";
const WEEK = 7 * 24 * 60 * 60;

scenario("the token is nowhere but in the bodies of the page's own posts", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  const page = await world.person();
  const heard = await listen(page);
  await page.goto(link);
  await seeInvitation(page);
  await assertSecret(world, page, heard, tokenOf(link));
  await button(page, "accept.decline").click();
  await button(page, "accept.decline_confirm").waitFor();
  await assertSecret(world, page, heard, tokenOf(link));
  await button(page, "accept.back").click();
  await page.context().setOffline(true);
  await register(page, "Ann");
  await page.getByRole("alert").filter({ hasText: /\S/ }).waitFor();
  await assertSecret(world, page, heard, tokenOf(link));
  await page.context().setOffline(false);
  await register(page, "Ann");
  await seeWelcome(page, "Ann");
  await assertSecret(world, page, heard, tokenOf(link));
});

scenario("the token of a link that has expired is kept as secret, and so is the fresh one's", async (world) => {
  const { stack } = world;
  await stack.invite(ANN);
  const link = await stack.link(ANN);
  await stack.later(WEEK + 60);
  const page = await world.person();
  const heard = await listen(page);
  await page.goto(link);
  await see(page, "problem.invitation_expired.title");
  await button(page, "accept.renew").click();
  await see(page, "accept.renewed_title");
  await assertSecret(world, page, heard, tokenOf(link));
  const fresh = await stack.link(ANN, 2);
  await page.evaluate((link) => { location.href = link; }, fresh);
  await seeInvitation(page);
  await assertSecret(world, page, heard, tokenOf(fresh));
});

scenario("a mail scanner that opens, renders and clicks everything changes nothing", async (world) => {
  const { stack } = world;
  const id = await stack.invite({ email: ANN, name: "Ann" }, { message: "Have a look at https://example.com/." });
  const mail = await stack.mail(ANN);
  const before = await stack.delivered(id);
  const links = linksOf(mail).filter((link) => link.startsWith(stack.url));
  assert.ok(links.length > 0);
  for (const link of links) {
    await fetchAll(link);
    const page = await world.person({ width: 320 });
    const clicked = await renderAndClick(page, link);
    assert.ok(clicked.length > 0, "there is something to click at all");
    await page.context().close();
    assert.deepEqual(await stack.user(id), before, `after ${clicked.join(", ")}`);
  }
  const person = await world.person();
  await person.goto(links[0]);
  await register(person, "Ann");
  await seeWelcome(person, "Ann");
});

scenario("a mail scanner asks for no fresh link in anybody's name", async (world) => {
  const { stack } = world;
  const id = await stack.invite(ANN);
  const mail = await stack.mail(ANN);
  await stack.later(WEEK + 60);
  for (const link of linksOf(mail).filter((link) => link.startsWith(stack.url))) {
    await fetchAll(link);
    const page = await world.person({ width: 320 });
    await renderAndClick(page, link);
  }
  assert.equal((await stack.user(id)).state, "expired");
  assert.equal((await stack.mails(ANN)).length, 1);
});
