// What a page costs: bytes and requests over the wire, how late the browser learns of them, and how much the page jumps.
import assert from "node:assert/strict";

export async function measure(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.clearBrowserCache");
  const requests = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request, initiator, type }) => {
    requests.set(requestId, { url: request.url, method: request.method, type, initiator, bytes: 0, done: false });
  });
  session.on("Network.requestServedFromCache", ({ requestId }) => requests.delete(requestId));
  session.on("Network.responseReceived", ({ requestId, response }) => { if (response.fromDiskCache) requests.delete(requestId); });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId);
    if (request) Object.assign(request, { bytes: encodedDataLength, done: true });
  });
  await page.addInitScript(() => {
    window.measured = { shift: 0, shifts: [] };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        window.measured.shift += entry.value;
        window.measured.shifts.push(...entry.sources.map(({ node }) => `${node?.nodeName}#${node?.id ?? ""} ${entry.value}`));
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  return {
    session,
    // As a phone on a bad day has it, so that what comes late is seen to come late.
    slow: () => session.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 90_000 }),
    // Of the document that is shown: whatever led there is not its own.
    requests() {
      const all = [...requests.values()];
      return all.slice(all.findLastIndex(({ type }) => type === "Document"));
    },
    // The round trips before this request could begin: 0 for the page itself, 1 for what its HTML names.
    depth(request) {
      const byUrl = new Map(this.requests().map((other) => [other.url, other]));
      const depth = ({ initiator, type, url }, seen = new Set()) => {
        if (type === "Document" || seen.has(url)) return 0;
        seen.add(url);
        const from = initiator.url ?? initiator.stack?.callFrames.find(({ url }) => url)?.url;
        const by = from && byUrl.get(from);
        return by ? depth(by, seen) + 1 : 1;
      };
      return depth(request);
    },
    shown: () => page.evaluate(() => window.measured),
  };
}

// The longest task of the page while something runs, in milliseconds of its own work: what the machine does for others
// meanwhile is not the page's, nor is what the browser's tools do in it.
export async function longestTask(page, run) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: ["toplevel"] });
  await run();
  // A task is reported after it has ended.
  await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 100); }));
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const thread = ({ pid, tid }) => `${pid} ${tid}`;
  const pages = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(thread));
  const own = traceEvents.filter((event) => pages.has(thread(event)));
  const ofTools = own.filter(({ args }) => args?.chrome_mojo_event_info?.mojo_interface_tag === "blink.mojom.DevToolsSession");
  const isTools = (task) => ofTools.some((event) => thread(event) === thread(task) && event.ts >= task.ts && event.ts <= task.ts + task.dur);
  const tasks = own.filter(({ name, tdur }) => name === "ThreadControllerImpl::RunTask" && tdur >= 0).sort((one, other) => other.tdur - one.tdur);
  assert.ok(tasks.length > 0, "the page's tasks are seen");
  return Math.round((tasks.find((task) => !isTools(task))?.tdur ?? 0) / 1000);
}
