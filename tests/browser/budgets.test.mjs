// What the pages cost the person who opens them.
import assert from "node:assert/strict";
import { scenario } from "./support/browser.mjs";
import { seeInvitation } from "./support/accept.mjs";
import { longestTask, measure } from "./support/budget.mjs";
import { LANGUAGES, heaviest } from "./support/texts.mjs";
import { button, choose, rows } from "./support/users.mjs";

// Over the wire, headers included: the page and what it loads. What the API answers is counted for itself.
const BYTES = 60_000;
const ANSWERS = 40_000;

// What holds for both pages, once the page shows what it is for.
async function assertCheap(page, measured, { requests, longest }) {
  const all = measured.requests().filter(({ url }) => url.startsWith("http"));
  assert.ok(all.every(({ url }) => new URL(url).origin === new URL(page.url()).origin), "nothing comes from elsewhere");
  const assets = all.filter(({ url }) => new URL(url).pathname.startsWith("/assets/"));
  const twice = assets.filter(({ url }, index) => assets.findIndex((other) => other.url === url) < index);
  assert.deepEqual(twice, [], "no asset is asked for twice");
  assert.ok(all.length <= requests, `${all.length} requests: ${all.map(({ url }) => url).join(" ")}`);
  for (const request of assets) {
    const depth = measured.depth(request);
    // Which language it is to be, only a script can tell: the catalogue comes one round trip after the scripts.
    const allowed = request.url.endsWith(".json") ? 2 : 1;
    assert.ok(depth >= 1 && depth <= allowed, `${request.url} is found ${depth} round trips after the page`);
  }
  const isAnswer = ({ url }) => new URL(url).pathname.startsWith("/v1/");
  const sum = (requests) => requests.reduce((sum, { bytes }) => sum + bytes, 0);
  const [bytes, answers] = [sum(all.filter((request) => !isAnswer(request))), sum(all.filter(isAnswer))];
  assert.ok(all.every(({ done }) => done), "everything was there");
  assert.ok(bytes > 1000 && bytes < BYTES, `${bytes} bytes`);
  assert.ok(answers > 100 && answers < ANSWERS, `answers of ${answers} bytes`);
  const { shift, shifts } = await measured.shown();
  assert.ok(shift < 0.01, `what is shown jumps by ${shift}: ${shifts.join(", ")}`);
  assert.ok(longest < 200, `a task of ${longest} ms`);
  console.log(`${new URL(page.url()).pathname}: ${bytes} bytes and ${answers} of answers, ${all.length} requests, shift ${shift}, longest task ${longest} ms`);
}

// Fifty people, and for each way in which a mail ends somebody who lives it.
const people = Array.from({ length: 50 }, (_, index) => ({ email: `person.${index}@example.com`, name: index % 3 ? `Somebody Longname ${index}` : undefined }));

for (const language of [...LANGUAGES, heaviest(["accept", "common", "problem"])]) {
  for (const width of [320, 1440]) {
    scenario(`the accept page is cheap in ${language}, ${width} pixels wide`, async (world) => {
      const { stack } = world;
      await stack.invite({ email: "ann@example.com", name: "Ann", locale: language }, { message: "See you soon!" });
      const link = await stack.link("ann@example.com");
      const page = await world.person({ language, width });
      const measured = await measure(page);
      await measured.slow();
      const longest = await longestTask(page, async () => {
        await page.goto(link);
        await seeInvitation(page, language);
        await page.waitForLoadState("networkidle");
      });
      await assertCheap(page, measured, { requests: 16, longest });
    });
  }
}

for (const language of [...LANGUAGES, heaviest(["common", "delivery", "history", "outcome", "problem", "state", "users"])]) {
  for (const width of [320, 1440]) {
    scenario(`the Users page is cheap in ${language}, ${width} pixels wide`, async (world) => {
      const { stack } = world;
      await stack.call("POST", "/v1/invitations", { invitees: people });
      const page = await world.person({ language, width });
      await page.goto("/");
      await button(page, "users.sign_in", language).click();
      await page.getByRole("heading", { name: "Sign in as" }).waitFor();
      const measured = await measure(page);
      await measured.slow();
      const longest = await longestTask(page, async () => {
        await choose(page, { as: "Alex Admin" });
        await rows(page).nth(49).waitFor();
        await page.waitForLoadState("networkidle");
      });
      await assertCheap(page, measured, { requests: 32, longest });
    });
  }
}
