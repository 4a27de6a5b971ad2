// The page of the outbox: what was signed on this phone, sent as soon as the server can be reached.
// It stands in for the sign page where there is no reception, and can sign nothing.

import { Unreached, getBytes } from "./api.js";
import { button, element, note } from "./dom.js";
import * as outbox from "./outbox.js";
import { outboxList } from "./outbox-list.js";
import { speaker } from "./text.js";

/** Between two attempts to reach the server. */
const LOOK_AGAIN_MILLIS = 15000;

const place = document.getElementById("outbox");
const { signPage } = place.dataset;
const say = speaker(document.documentElement.lang);
/** Whether this page stands where the sign page was asked for. */
const standsIn = location.pathname === new URL(signPage, location.href).pathname;

const reached = () => getBytes("/healthz").then(() => true, (error) => !(error instanceof Unreached));

let looking = Promise.resolve();
const look = () => {
  looking = looking.then(tell, tell);
  return looking;
};

const tell = async () => {
  const there = (await reached()) && (await outbox.flush());
  if (there && standsIn) return location.reload();
  const items = await outbox.items();
  const waits = items.some(({ state }) => state === outbox.WAITING);
  return place.replaceChildren(
    ...(there
      ? [element("p", {}, element("a", { class: "main", href: signPage }, say("enrol_go")))]
      : [note("care", say("unreached"), say("unreached_words"))]),
    ...(there || waits ? [] : [button(say("again"), look, "second")]),
    ...outboxList(items, look, say),
  );
};

addEventListener("online", look);
setInterval(() => document.visibilityState === "visible" && look(), LOOK_AGAIN_MILLIS);
look();
