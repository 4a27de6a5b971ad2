// The page 待会签: what waits for whoever holds this browser's key, and signing it.

import { Refused, Unreached } from "./api.js";
import { base64 } from "./bytes.js";
import * as cards from "./card.js";
import { button, element, note, paragraph } from "./dom.js";
import { envelope, pae } from "./dsse.js";
import { keepOutbox } from "./keep.js";
import * as keys from "./key.js";
import * as outbox from "./outbox.js";
import { outboxList } from "./outbox-list.js";
import { REQUEST_TYPE, refusalPayload } from "./refusal.js";
import { ended, ensured, toSign } from "./session.js";
import { speaker } from "./text.js";
import { stop, unlocked } from "./unlock.js";

/** Between two looks at what became of what was signed. */
const LOOK_AGAIN_MILLIS = 30000;
const REFUSED = 403;

const place = document.getElementById("sign");
const { district, outboxPage, outboxAssets } = place.dataset;
const say = speaker(document.documentElement.lang);

/** The parts of the page, from top to bottom. */
const parts = Object.fromEntries(
  ["who", "trouble", "waiting", "together", "outbox", "refused"].map((name) => [
    name,
    element("div", { id: name, ...(name === "trouble" ? { role: "status" } : {}) }),
  ]),
);

/** What is on the desk: the key, how it signs, whose it is, and the cards. */
const desk = { key: null, sign: null, session: null, cards: [], refused: [] };

const start = async () => {
  place.setAttribute("aria-busy", "false");
  if (!keys.possible()) return stop(place, say("no_crypto"), say("no_crypto_words"));
  desk.key = await keys.load();
  if (!desk.key) return stop(place, say("no_key"), [say("no_key_words"), ...weChat()]);
  desk.sign = await unlocked(desk.key, place, say);
  return open();
};

const open = async () => {
  place.replaceChildren(...Object.values(parts));
  await refresh();
};

const weChat = () => (/MicroMessenger/.test(navigator.userAgent) ? [say("in_wechat")] : []);

/** Sends what waits, reads what waits for a signature, and shows both. One at a time. */
let refreshing = Promise.resolve();
const refresh = () => {
  refreshing = refreshing.then(look, look);
  return refreshing;
};

const look = async () => {
  if (!desk.sign) return;
  try {
    await outbox.flush();
    desk.session = await ensured(desk.key, desk.sign);
    const found = await toSign();
    parts.trouble.replaceChildren();
    await take(found);
    showWho();
    showCards();
  } catch (error) {
    trouble(error);
  }
  await showOutbox();
};

const trouble = (error) => {
  if (error instanceof Unreached) {
    parts.trouble.replaceChildren(note("care", say("unreached"), say("unreached_words")), again());
  } else if (error instanceof Refused && error.status === REFUSED) {
    const waits = desk.key.enrolment !== null;
    const words = waits ? "waiting_approval" : "key_unknown";
    parts.trouble.replaceChildren(note("care", say(words), say(`${words}_words`)), fingerprint(), again());
  } else {
    parts.trouble.replaceChildren(note("bad", say("failed", error.message)), again());
  }
};

const again = () => button(say("again"), refresh, "second");
const fingerprint = () => paragraph(say("key_is", keys.shortForm(desk.key.fingerprint)), "fingerprint");

/** Fetches the cards that are new, and drops those that wait no more. */
const take = async ({ waiting, refused }) => {
  const sent = new Set((await outbox.items()).filter((item) => item.state === outbox.WAITING).map((item) => item.statement));
  const wanted = waiting.filter(({ id }) => !sent.has(id));
  const [fresh, gone] = await Promise.all([loaded(wanted), loaded(refused)]);
  const kept = new Map(desk.cards.map((card) => [card.id, card]));
  desk.cards = fresh.map((card) => {
    const before = kept.get(card.id);
    if (before && base64(before.payload) === base64(card.payload)) return before;
    return { ...card, changed: Boolean(before) };
  });
  desk.refused = gone;
};

const loaded = (list) => {
  const expected = { district, fingerprint: desk.key.fingerprint };
  return Promise.all(list.map((named) => cards.load(named, expected, say)));
};

const showWho = () => {
  const { person, role, village } = desk.session;
  const whose = [say.code("role", role), village].filter(Boolean).join(" ");
  const kept = desk.key.kept === "software" ? ` · ${say("key_software")}` : "";
  parts.who.replaceChildren(
    element(
      "p",
      { class: "who" },
      element("strong", {}, say("you_are", person, whose)),
      element("span", { class: "quiet small" }, say("key_is", keys.shortForm(desk.key.fingerprint)) + kept),
      button(say("log_out"), leave, "quiet-button"),
    ),
    ...weChat().map((words) => note("care", words)),
  );
};

const leave = async () => {
  try {
    await ended();
    desk.sign = null;
    stop(place, say("logged_out"), [], button(say("log_in"), start, "main"));
  } catch (error) {
    trouble(error);
  }
};

const acts = {
  seen: () => showTogether(),
  sign: (chosen) => doing(async () => {
    for (const card of chosen) {
      const sig = base64(await desk.sign(pae(card.payloadType, card.payload)));
      const body = JSON.stringify({ keyid: desk.key.fingerprint, sig });
      const path = `/api/v1/statements/${card.id}/signatures`;
      await outbox.put({ what: "signature", statement: card.id, words: card.words, path, body });
    }
  }, chosen),
  refuse: (card, refusal) => doing(async () => {
    const payload = refusalPayload(district, card.id, refusal, new Date());
    const sig = await desk.sign(pae(REQUEST_TYPE, payload));
    const body = envelope(REQUEST_TYPE, payload, desk.key.fingerprint, sig);
    await outbox.put({ what: "refusal", statement: card.id, words: card.words, path: "/api/v1/requests", body });
  }, [card]),
};

/** Signs, takes the cards off the desk, and sends. */
const doing = async (act, done) => {
  parts.trouble.replaceChildren(note("", say("signing")));
  try {
    await act();
    desk.cards = desk.cards.filter((card) => !done.includes(card));
    parts.trouble.replaceChildren();
    showCards();
    await showOutbox();
  } catch (error) {
    trouble(error);
    return;
  }
  await refresh();
};

const showCards = () => {
  const count = desk.cards.length;
  const words = count ? say("waiting_many", count) : say("waiting_none");
  const shown = desk.cards.map((card) => card.element ?? cards.show(card, acts, say));
  const stands = Array.from(parts.waiting.querySelectorAll(":scope > article"));
  // What is being read or written is left alone.
  if (!parts.waiting.hasChildNodes() || stands.length !== count || stands.some((one, place) => one !== shown[place])) {
    parts.waiting.replaceChildren(paragraph(words, "lead"), ...shown);
  }
  const refused = desk.refused.map((card) => cards.showRefused(card, say));
  parts.refused.replaceChildren(...(refused.length ? [element("h2", {}, say("refused_title")), ...refused] : []));
  showTogether();
};

/** The bar that signs everything that was read, after one last look at the list. */
const showTogether = (anew = false) => {
  const ready = desk.cards.filter((card) => card.seen && cards.plain(card));
  const ids = ready.map((card) => card.id).join(" ");
  if (!anew && parts.together.dataset.ready === ids) return undefined;
  parts.together.dataset.ready = ids;
  if (ready.length < 2) return parts.together.replaceChildren();
  const sure = () => {
    const list = element("ul", {}, ...ready.map((card) => element("li", {}, card.words)));
    const yes = button(say("confirm_yes"), () => acts.sign(ready), "main");
    const pair = element("div", { class: "pair" }, yes, button(say("back"), () => showTogether(true), "second"));
    parts.together.replaceChildren(paragraph(say("confirm_sign")), list, pair);
  };
  return parts.together.replaceChildren(button(say("sign_seen", ready.length), sure, "main"));
};

const showOutbox = async () =>
  parts.outbox.replaceChildren(...outboxList(await outbox.items(), refresh, say));

addEventListener("online", refresh);
addEventListener("pageshow", (event) => event.persisted && refresh());
setInterval(() => document.visibilityState === "visible" && refresh(), LOOK_AGAIN_MILLIS);
// Without it the sign page does not open where there is no reception; nothing else is lost.
keepOutbox(outboxPage, outboxAssets.split(" ")).catch(() => {});
start().catch((error) => stop(place, say("failed", error.message), []));
