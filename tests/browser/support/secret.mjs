// Where a link's token may be: in the bodies of POSTs to the accept routes, and in the page's memory. Nowhere else.
import assert from "node:assert/strict";

// Listens to everything the page's browser sends, from before the page is opened.
export async function listen(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const requests = [];
  session.on("Network.requestWillBeSent", ({ request, documentURL }) => requests.push({ ...request, documentURL }));
  session.on("Network.requestWillBeSentExtraInfo", ({ headers }) => requests.push({ url: "", headers }));
  return { session, requests };
}

export async function assertSecret(world, page, { session, requests }, token) {
  const secret = token.slice(token.indexOf("inv_") + 4);
  assert.ok(secret.length > 20);
  const holds = (value) => JSON.stringify(value ?? "").includes(secret);
  for (const { postData, method, ...sent } of requests) {
    // What a browser calls a request's URL has no fragment; CDP keeps that apart, for the document only.
    const { urlFragment, documentURL, ...visible } = sent;
    assert.ok(!holds(visible), `the token is in a request: ${method} ${sent.url}`);
    if (holds(postData)) {
      assert.equal(method, "POST");
      assert.match(new URL(sent.url).pathname, /^\/v1\/accept(\/(lookup|decline|renew))?$/);
    }
  }
  assert.ok(requests.some(({ postData }) => holds(postData)), "the page has sent the token at all");

  const kept = await page.evaluate(async () => ({
    address: location.href,
    dom: document.documentElement.outerHTML,
    fields: [...document.querySelectorAll("input, textarea, select")].map((field) => field.value),
    title: document.title,
    state: history.state,
    local: { ...localStorage },
    session: { ...sessionStorage },
    cookies: document.cookie,
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
    window: window.name,
  }));
  for (const [where, value] of Object.entries(kept)) assert.ok(!holds(value), `the token is in ${where}`);
  assert.deepEqual([kept.databases, kept.caches, kept.workers, kept.cookies], [[], [], 0, ""]);
  assert.ok(!holds(await page.context().storageState()), "the token is in the browser's storage");
  const { entries } = await session.send("Page.getNavigationHistory");
  for (const { url } of entries) assert.ok(!holds(url), "the token is in the history");
  assert.ok(!holds(world.spoken), "the token is in the console");
  assert.ok(!holds(world.stack.said()), "the token is in the stack's log");
}
