// The people in the Invite dialog's box, and the requests that invite them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readPaste } from "../../../functions/pages/web/paste.js";
import { languageReader } from "../../../functions/pages/web/csv.js";
import { MOST, Rows, droppable, inSlices, packed, unpacked } from "../../../functions/pages/web/invite_rows.js";
import { invite } from "../../../functions/pages/web/invite_send.js";

const rules = { administrator: false, languageOf: languageReader(["en", "de"]) };
const OPTIONS = { locale: "", groups: [], message: "", days: 7, notify: true };

function box(people) {
  const rows = new Rows(rules);
  for (const person of typeof people === "string" ? readPaste(people) : people) rows.add(person);
  rows.settle();
  return rows;
}
const states = (rows) => rows.list.map(({ state }) => state);
const person = (address, more = {}) => ({ input: address, address, ...more });

test("every row is good, doubtful, bad or there twice, and what needs a look comes first", () => {
  const rows = box("ann@x.org ANN@x.org bo@gmial.com nonsense");
  assert.deepEqual(states(rows), ["good", "again", "doubt", "bad"]);
  assert.deepEqual(rows.counts, { total: 4, good: 1, doubt: 1, bad: 1, again: 1 });
  assert.deepEqual(rows.first(3).map(({ state }) => state), ["bad", "doubt", "again"]);
  assert.deepEqual(rows.sendable().map(({ email }) => email), ["ann@x.org", "bo@gmial.com"]);
});

test("when the first of two goes, the second takes its place", () => {
  const rows = box("ann@x.org ann@x.org");
  rows.remove(rows.list[0]);
  assert.deepEqual(states(rows), ["good"]);
});

test("a row that is bad does not keep its address from another", () => {
  const rows = box([person("ann@x.org", { groups: ["administrators"] }), person("ann@x.org")]);
  assert.deepEqual(states(rows), ["bad", "good"]);
});

test("what a corrected text does not say stays as the table said it", () => {
  const rows = box([person("ann@gmial.com", { name: "Ann", locale: "de", groups: ["sales"], externalId: "7" })]);
  rows.replace(rows.list[0], [person("ann@gmail.com", { name: "Ann" })]);
  const [{ email, name, locale, groups, externalId }] = rows.list;
  assert.deepEqual({ email, name, locale, groups, externalId }, { email: "ann@gmail.com", name: "Ann", locale: "de", groups: ["sales"], externalId: "7" });
});

test("values of a table that can't be taken are named, and can be left out", () => {
  const wrong = (more) => { const [row] = box([person("ann@x.org", more)]).list; return [row.wrong, droppable(row)]; };
  assert.deepEqual(wrong({ locale: "klingonisch" }), ["locale", "locale"]);
  assert.deepEqual(wrong({ groups: ["administrators"] }), ["administrators", "groups"]);
  assert.deepEqual(wrong({ groups: ["a b"] }), ["groups_symbol", "groups"]);
  assert.deepEqual(wrong({ groups: Array.from({ length: 21 }, (_, index) => `g${index}`) }), ["groups_many", "groups"]);
  assert.deepEqual(wrong({ groups: ["x".repeat(65)] }), ["groups_long", "groups"]);
  assert.deepEqual(wrong({ externalId: "x".repeat(256) }), ["external_id", "externalId"]);
  assert.deepEqual(wrong({ name: "www.spam.example" }), ["name_web_address", null]);
  assert.deepEqual(wrong({ name: "Ann", locale: "de-AT", groups: ["sales"], externalId: "7" }), [null, null]);
});

test("a draft brings back the same people", () => {
  const people = [...readPaste('ann@x.org; "Lee, Bo" <bo@x.org>; nonsense here; Cy <cy@x.org; a@@b.org'), person("a@x.org; b@x.org"),
    person("di@x.org", { name: "'Di'", locale: "de", groups: ["sales"], externalId: "7" }), person("ed@x.org", { name: 'Ed "the" Fox' })];
  const seen = ({ list }) => list.map(({ address, name, locale, groups, externalId, email, wrong }) => ({ address, name, locale, groups, externalId, email, wrong }));
  const rows = box(people);
  const draft = JSON.parse(JSON.stringify(rows.list.map(packed)));
  assert.equal(draft.filter((kept) => typeof kept === "string").length, 3);
  assert.deepEqual(seen(box([...unpacked(draft)])), seen(rows));
});

test("the box is full at as many as the API takes", async () => {
  const rows = new Rows(rules);
  const all = await inSlices(Array.from({ length: MOST + 5 }, (_, index) => person(`p${index}@x.org`)), (one) => !rows.full && (rows.add(one), true));
  assert.deepEqual([all, rows.list.length], [false, MOST]);
});

// A session that answers as it is told, and remembers what it was asked.
function session(...answers) {
  const calls = [];
  return { calls, call: async (method, path, body, { idempotencyKey }) => {
    calls.push({ path, n: body.invitees.length, key: idempotencyKey, body });
    return answers.shift() ?? { ok: true, body: { results: body.invitees.map(({ email }) => ({ email, outcome: "invited" })) } };
  } };
}
const many = (n) => box(Array.from({ length: n }, (_, index) => person(`p${index}@x.org`))).list;
const going = { each: () => true, failed: async () => true };

test("a large list is sent in requests of 500, each with a key of its own", async () => {
  const to = session();
  assert.deepEqual(await invite(to, many(1200), OPTIONS, "a", going), []);
  assert.deepEqual(to.calls.map(({ n }) => n), [500, 500, 200]);
  assert.equal(new Set(to.calls.map(({ key }) => key)).size, 3);
});

test("a request whose answer was lost is repeated with the same key and content", async () => {
  const to = session({ problem: { offline: true } }, { problem: { timed_out: true } });
  await invite(to, many(3), OPTIONS, "a", going);
  assert.equal(to.calls.length, 3);
  assert.equal(new Set(to.calls.map(({ key, body }) => key + JSON.stringify(body))).size, 1);
});

test("a later attempt at the same content has the same key only if it goes on with the same attempt", async () => {
  const key = async (attempt, options) => { const to = session(); await invite(to, many(2), { ...OPTIONS, ...options }, attempt, going); return to.calls[0].key; };
  assert.equal(await key("a"), await key("a"));
  assert.notEqual(await key("a"), await key("b"));
  assert.notEqual(await key("a"), await key("a", { message: "Hi" }));
  assert.match(await key("a"), /^a-[0-9a-f]{32}$/);
});

test("who stops between two requests, or gives up after a failure, gets back whoever was not sent", async () => {
  const left = await invite(session(), many(1200), OPTIONS, "a", { ...going, each: () => false });
  assert.equal(left.length, 700);
  const failed = await invite(session({ ok: true, body: { results: [] } }, { problem: { offline: true } }), many(1200), OPTIONS, "a", { ...going, failed: async () => false });
  assert.equal(failed.length, 700);
});

test("a row says only what it knows itself; the rest holds for all", async () => {
  const to = session();
  const rows = box([person("ann@x.org", { name: "Ann", locale: "de_AT", groups: ["sales"], externalId: "7" }), person("bo@x.org")]).list;
  await invite(to, rows, { locale: "ar", groups: ["all"], message: "Hi", days: 3, notify: false }, "a", going);
  assert.deepEqual(JSON.parse(JSON.stringify(to.calls[0].body)), {
    invitees: [{ email: "ann@x.org", name: "Ann", locale: "de-AT", groups: ["sales"], external_id: "7" }, { email: "bo@x.org" }],
    locale: "ar", groups: ["all"], message: "Hi", expires_in_days: 3, notify: false,
  });
});
