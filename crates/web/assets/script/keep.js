// Keeps the page of the outbox on this phone, for when there is no reception (worker.js shows it).

const WORKER = "/sign-worker.js";
const SCOPE = "/sign";
const KEPT = "mingqu-outbox";
const OUTBOX = "/outbox";

/** The one address of a script that may be made of a text. */
const trusted = globalThis.trustedTypes?.createPolicy("mingqu", { createScriptURL: () => WORKER });

/** Keeps the page at an address and what it needs, in place of what was kept before. */
export const keepOutbox = async (page, assets) => {
  if (!navigator.serviceWorker) return;
  const worker = trusted ? trusted.createScriptURL(WORKER) : WORKER;
  await navigator.serviceWorker.register(worker, { scope: SCOPE, updateViaCache: "none" });
  const cache = await caches.open(KEPT);
  const wanted = new Set([OUTBOX, ...assets]);
  const answer = await fetch(page, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  await cache.addAll(assets);
  await cache.put(OUTBOX, answer);
  for (const { url } of await cache.keys()) {
    if (!wanted.has(new URL(url).pathname)) await cache.delete(url);
  }
};
