// As many people as fit in at once: the page stays quick to answer whoever uses it meanwhile.
import assert from "node:assert/strict";
import { scenario } from "./support/browser.mjs";
import { longestTask, measure } from "./support/budget.mjs";
import { addresses, counted, openInvite, readCount, step } from "./support/invite.mjs";
import { button, enter } from "./support/users.mjs";

const MOST = 10_000;
const LONGEST = 100;
const MINUTE = 60_000;
// So that a paste that is read in one piece is seen on a fast machine, too. Measured on two busy cores: in one piece its longest
// task takes 160 ms at half the speed and 350 at a quarter; in slices, 60 to 85 at a quarter.
const SLOWER = 3;

// Pastes, checks, sends and looks at what became of everybody: the longest task of each step in milliseconds.
async function inviteAll(world, round) {
  const page = await world.person();
  const { session } = await measure(page);
  const slowed = (rate) => session.send("Emulation.setCPUThrottlingRate", { rate });
  await enter(page);
  const box = await openInvite(page);
  const longest = {};
  const during = async (what, run) => { longest[what] = await longestTask(page, run); };
  // What runs in a task of the browser's tools is not observed, so what is to be is put off into one of the page's own.
  await during("known", () => page.evaluate((busy) => new Promise((resolve) => {
    setTimeout(() => {
      const end = performance.now() + busy;
      while (performance.now() < end);
      resolve();
    });
  }), 5 * LONGEST));
  assert.ok(longest.known >= LONGEST, "a long task is seen at all");
  delete longest.known;
  // What is in the clipboard is made before: that is not the page's work.
  await addresses(box).evaluate((_, [count, round]) => {
    window.clipboard = new DataTransfer();
    window.clipboard.setData("text/plain", Array.from({ length: count }, (_, index) => `Person ${index} <r${round}.p${index}@example.com>`).join("\n"));
  }, [MOST, round]);
  await slowed(SLOWER);
  await during("paste", async () => {
    await addresses(box).evaluate((field) => {
      setTimeout(() => field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: window.clipboard, bubbles: true, cancelable: true })));
    });
    await readCount(box).getByText(/^10,000 addresses$/).waitFor({ timeout: MINUTE });
  });
  await slowed(1);
  await during("check", async () => {
    await button(box, "invite.next").click();
    await step(box, "invite.ready", MOST).waitFor({ timeout: MINUTE });
  });
  if (round === 1) await world.state(page, "invite-10000-check");
  await during("sending", async () => {
    await counted(box, "invite.send", MOST).click();
    await step(box, "invite.invited", MOST).waitFor({ timeout: 4 * MINUTE });
  });
  if (round === 1) await world.state(page, "invite-10000-results");
  await page.context().close();
  return longest;
}

scenario("10,000 people are pasted, checked and invited, and the page never keeps anybody waiting", async (world) => {
  // Whatever else the machine does meanwhile makes a task longer and never shorter, so of up to three rounds the best counts.
  const rounds = [];
  for (let round = 1; round <= 3; round++) {
    const longest = await inviteAll(world, round);
    rounds.push(longest);
    console.log(`10,000 people, longest tasks in ms: ${JSON.stringify(longest)}`);
    if (Object.values(longest).every((task) => task <= LONGEST)) return;
  }
  assert.fail(`a task took longer than ${LONGEST} ms in every round: ${JSON.stringify(rounds)}`);
}, { timeout: 15 * MINUTE });
