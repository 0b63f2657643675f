// Instants as the pages say them.
import assert from "node:assert/strict";
import { test } from "node:test";

// The module asks the browser for its languages, and the document for those that there are texts in.
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-GB"] }, configurable: true });
globalThis.document = { querySelector: () => null };
const { relative } = await import("../../../functions/pages/web/texts.js");

const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
const now = Date.UTC(2026, 2, 1, 12);
const said = (seconds, options) => relative(new Date(now + seconds * 1000).toISOString(), { now, ...options });

test("an instant is said in the largest unit of which there is one whole", () => {
  for (const [seconds, words] of [
    [-5, "5 seconds ago"], [-59, "59 seconds ago"], [-MINUTE, "1 minute ago"], [-59 * MINUTE, "59 minutes ago"], [-HOUR, "1 hour ago"],
    [-DAY, "1 day ago"], [-29 * DAY, "29 days ago"], [-31 * DAY, "1 month ago"], [-400 * DAY, "1 year ago"],
    [5, "in 5 seconds"], [90 * MINUTE, "in 1 hour"], [2 * DAY, "in 2 days"],
  ]) assert.equal(said(seconds), words, `${seconds} seconds from now`);
});

test("what has just begun still has all of its time", () => {
  assert.equal(said(7 * DAY - 20), "in 7 days");
  assert.equal(said(DAY - MINUTE), "in 1 day");
  assert.equal(said(HOUR - 20), "in 1 hour");
});

test("no deadline looks as if there were a unit more than there is", () => {
  assert.equal(said(6.9 * DAY), "in 6 days");
  assert.equal(said(1.9 * HOUR), "in 1 hour");
});

test("this very moment is now, in the past and in the future", () => {
  for (const seconds of [0, 0.4, -0.4]) assert.equal(said(seconds), "now");
});

test("a short style is short, and an instant may be a number", () => {
  assert.equal(said(-3 * MINUTE, { style: "short" }), "3 min ago");
  assert.equal(relative(now - 3 * MINUTE * 1000, { now }), "3 minutes ago");
});

test("what is no instant is said as nothing", () => {
  for (const instant of [null, undefined, "", "tomorrow"]) assert.equal(relative(instant, { now }), "");
});
