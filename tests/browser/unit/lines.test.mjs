// How the Mail view tells what differs between two mails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, shortened } from "../../../functions/pages/web/lines.js";

const signs = { same: " ", gone: "-", new: "+", gap: "…" };
const shown = (lines) => lines.map(({ kind, line }) => signs[kind] + line).join("|");
const differ = (before, after) => shown(differences(before, after));

test("lines that went, came and stayed are told apart", () => {
  assert.equal(differ("a\nb\nc", "a\nB\nc"), " a|-b|+B| c");
  assert.equal(differ("a\nb", "a\nx\nb"), " a|+x| b");
  assert.equal(differ("a\nx\nb", "a\nb"), " a|-x| b");
  assert.equal(differ("same", "same"), " same");
  assert.equal(differ("", "a"), "-|+a");
});

test("no more lines go and come than have to", () => {
  assert.equal(differ("a\nb\nc\nd\ne", "b\nx\nd\ne\nf"), "-a| b|-c|+x| d| e|+f");
  assert.equal(differ("x\nx\na", "x\na\nx"), " x|-x| a|+x");
});

test("how lines end makes no difference", () => {
  assert.equal(differ("a\r\nb", "a\nb"), " a| b");
});

test("before and after can be made of the differences again", () => {
  let seed = 7;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  for (let round = 0; round < 200; round++) {
    const [before, after] = [0, 1].map(() => Array.from({ length: random(12) }, () => "abc"[random(3)]).join("\n"));
    const lines = differences(before, after);
    const without = (kind) => lines.filter((line) => line.kind !== kind).map(({ line }) => line).join("\n");
    assert.deepEqual([without("new"), without("gone")], [before, after]);
  }
});

test("what stays is left out, but for the lines around what does not", () => {
  const many = Array.from({ length: 20 }, (_, index) => `l${index}`);
  const changed = many.map((line, index) => (index === 10 ? "x" : line));
  assert.equal(shown(shortened(differences(many.join("\n"), changed.join("\n")))), "…| l8| l9|-l10|+x| l11| l12|…");
  assert.equal(shown(shortened(differences("a\nb", "a\nb"))), "");
});

test("two large texts that have nothing in common keep nobody waiting", () => {
  const text = (sign) => Array.from({ length: 20_000 }, (_, index) => `${sign}${index}`).join("\n");
  const start = process.cpuUsage();
  assert.equal(differences(text("a"), text("b")).length, 40_000);
  shortened(differences(text("a"), text("a").replace("a7\n", "")));
  assert.ok(process.cpuUsage(start).user < 2_000_000);
});
