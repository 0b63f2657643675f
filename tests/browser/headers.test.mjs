// What the pages' function says over real HTTP.
import assert from "node:assert/strict";
import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { Stack } from "./support/stack.mjs";

let stack;
before(async () => { stack = await Stack.start(); });
after(() => stack.stop());

// As it comes over the wire: fetch would unpack it.
function get(path, headers = {}, method = "GET") {
  return new Promise((resolve, reject) => {
    const sent = request(stack.url + path, { method, headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

const assetsOf = (html) => [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);

for (const path of ["/", "/accept"]) {
  test(`${path} comes with a policy that lets nothing in from elsewhere`, async () => {
    const { status, headers, body } = await get(path);
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    const policy = Object.fromEntries(headers["content-security-policy"].split(";").map((part) => {
      const [name, ...sources] = part.trim().split(/\s+/);
      return [name, sources.join(" ")];
    }));
    const { "connect-src": connect, ...rest } = policy;
    assert.deepEqual(rest, {
      "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'", "font-src": "'self'",
      "frame-src": path === "/" ? "'self'" : "'none'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'", "require-trusted-types-for": "'script'",
    });
    const token = /name="usher:token_url" content="([^"]+)"/.exec((await get("/")).body.toString())?.[1];
    const origins = new Set(["'self'", ...(token ? [new URL(token).origin] : [])]);
    for (const source of connect.split(" ")) assert.ok(origins.has(source), `connects to ${source}`);
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    assert.doesNotMatch(body.toString(), /\{\{|<script>|<style|\son\w+=|\sstyle=/, "nothing is inline, and no placeholder is left");
  });

  test(`${path} is asked for every time, and sent only if it has changed`, async () => {
    const { headers } = await get(path);
    assert.equal(headers["cache-control"], "no-cache");
    const again = await get(path, { "if-none-match": headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    assert.equal(again.headers.etag, headers.etag);
    assert.equal((await get(path, { "if-none-match": '"another"' })).status, 200);
  });

  test(`${path} and all that it names are compressed for who can read that, and kept for ever`, async () => {
    const plain = await get(path);
    const html = plain.body.toString();
    assert.equal(plain.headers["content-encoding"], undefined);
    const assets = assetsOf(html);
    assert.ok(assets.length > 1, "the page names its assets");
    for (const named of [path, ...assets]) {
      const [plain, packed] = [await get(named), await get(named, { "accept-encoding": "br, gzip" })];
      assert.equal(plain.status, 200, named);
      assert.equal(packed.headers["content-encoding"], "gzip", named);
      assert.match(packed.headers.vary, /accept-encoding/i, named);
      assert.deepEqual(gunzipSync(packed.body), plain.body, named);
      assert.equal(packed.headers["x-content-type-options"], "nosniff", named);
      if (named !== path) assert.equal(packed.headers["cache-control"], "public, max-age=31536000, immutable", named);
    }
    assert.equal((await get(path, { "accept-encoding": "gzip;q=0" })).headers["content-encoding"], undefined);
  });
}

test("the document in which a mail is shown lets it be styled, and nothing else but pictures in", async () => {
  const [asset] = assetsOf((await get("/")).body.toString());
  const { status, headers, body } = await get(asset.replace(/[^/]+$/, "mail_frame.html"));
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "text/html; charset=utf-8");
  assert.equal(headers["content-security-policy"], "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.doesNotMatch(body.toString(), /script|http/);
});

test("a file asked for under another version is served, but not kept", async () => {
  const [asset] = assetsOf((await get("/accept")).body.toString());
  const current = await get(asset);
  const other = await get(asset.replace(/^\/assets\/[^/]+/, "/assets/0000000000000000"));
  assert.equal(other.status, 200);
  assert.deepEqual(other.body, current.body);
  assert.equal(other.headers["cache-control"], "no-store");
});

test("a file that does not exist is not found", async () => {
  const [asset] = assetsOf((await get("/accept")).body.toString());
  const root = asset.split("/").slice(0, 3).join("/");
  for (const name of ["nothing.js", "accept.html", "..%2faccept.html", "%00"]) {
    const { status, headers } = await get(`${root}/${name}`);
    assert.equal(status, 404, name);
    assert.doesNotMatch(headers["cache-control"] ?? "", /immutable/, name);
  }
});
