// Without reception, shows in place of the sign page what waits on this phone. It keeps that page and
// nothing that signs: with reception every page and every script comes from the server.

const KEPT = "mingqu-outbox";
const OUTBOX = "/outbox";
const WAIT_MILLIS = 15000;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

const kept = async (path) => {
  const cache = await caches.open(KEPT);
  return (await cache.match(path)) ?? Response.error();
};

const firstAsked = (request, path) =>
  fetch(request, { signal: AbortSignal.timeout(WAIT_MILLIS) }).catch(() => kept(path));

addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.mode === "navigate") event.respondWith(firstAsked(event.request, OUTBOX));
  else if (pathname.startsWith("/assets/")) event.respondWith(firstAsked(event.request, pathname));
});
