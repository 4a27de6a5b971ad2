// What was signed or refused on this phone, and how far it has come.

import { button, element, note, paragraph } from "./dom.js";
import { WAITING } from "./outbox.js";

const MARKS = {
  waiting: "care", delivered: "plain", posted: "good", returned: "plain", rejected: "bad", overtaken: "bad",
};

/** A link that keeps what the log signed that it owes; nothing where it owes nothing. */
const receipt = (item, say) =>
  item.submission
    ? element(
        "a",
        {
          class: "small",
          download: `receipt-${item.statement}.json`,
          href: `data:application/json,${encodeURIComponent(JSON.stringify(item.submission))}`,
        },
        say("receipt_save"),
      )
    : null;

const line = (say) => (item) =>
  element(
    "li",
    { "data-statement": item.statement, "data-state": item.state },
    element("span", { class: `mark ${MARKS[item.state]}` }, say(`state_${item.state}`)),
    say(item.what === "refusal" ? "refusal_words" : "signed_words", item.words),
    item.detail ? paragraph(item.detail, "small quiet") : null,
    receipt(item, say),
  );

/** The list of the items, with a button that calls `send` where something waits; nothing for none. */
export const outboxList = (items, send, say) => {
  if (items.length === 0) return [];
  const waiting = items.filter(({ state }) => state === WAITING).length;
  return [
    element("h2", {}, say("outbox_title")),
    ...(waiting
      ? [note("care", say("outbox_offline", waiting)), button(say("send_now"), send, "second")]
      : []),
    element("ul", { class: "outbox" }, ...items.map(line(say))),
  ];
};
