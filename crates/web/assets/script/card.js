// One statement as a card: what its bytes say, and two buttons.

import { get } from "./api.js";
import { readAttachment } from "./attachment.js";
import { fromBase64 } from "./bytes.js";
import { agrees, drawn } from "./curve.js";
import { button, element, facts, list, note, paragraph, table } from "./dom.js";
import { MAX_NOTE_CHARS, OTHER, REASONS, noteOf, refusalWords } from "./refusal.js";
import { read, summary } from "./statement.js";

/** How much of the buttons must be in view for a card to count as read. */
const IN_VIEW = 0.75;

/**
 * Fetches a statement and makes its card. The bytes that are kept here are those that are shown
 * and those that are signed.
 */
export const load = async (named, expected, say) => {
  const { id, payload_type: payloadType, payload: text, refusal } = await get(`/api/v1/statements/${named.id}`);
  const payload = fromBase64(text);
  const reading = read(payloadType, payload, expected, say);
  const card = { id, payloadType, payload, reading, refusal, named, seen: false, extra: [] };
  if (!refusal && reading.attachment) await addAttachment(card, say);
  if (!refusal && reading.span) await addCurve(card, say);
  card.words = summary(reading, id, say);
  return card;
};

const addAttachment = async (card, say) => {
  const { reading } = card;
  try {
    const { tables, wrong, more } = await readAttachment(reading.attachment, say);
    reading.tables.push(...tables);
    reading.wrong.push(...wrong);
    card.extra.push(...more.map((words) => paragraph(words, "quiet small")));
  } catch {
    reading.wrong.push(say("attachment_missing"));
  }
};

const addCurve = async (card, say) => {
  const { span } = card.reading;
  try {
    const { points, readings } = await get(`/api/v1/statements/${card.id}/curve`);
    if (points.length < 2) {
      card.extra.push(paragraph(say("curve_none"), "quiet small"));
      return;
    }
    if (!agrees(points, span)) card.extra.push(note("bad", say("curve_differs")));
    card.extra.push(drawn(points, readings, span, say));
  } catch {
    card.extra.push(paragraph(say("curve_none"), "quiet small"));
  }
};

/** Whether it can be signed at all, and whether together with others. */
export const signable = (card) => card.reading.wrong.length === 0;
export const plain = (card) => signable(card) && card.reading.strange.length === 0;

/** Builds the card's element; `acts` has `sign(cards)`, `refuse(card, {reason, note})`, `seen(card)`. */
export const show = (card, acts, say) => {
  const { reading, named } = card;
  const names = [named.outlet_name, named.village_name].filter(Boolean).join(" · ");
  const actions = element("div", { class: "actions" });
  card.element = element(
    "article",
    { class: "card", id: `statement-${card.id}` },
    element("h2", {}, titleOf(card, say), element("span", { class: "mark good seen", hidden: true }, say("seen"))),
    names ? paragraph(names, "lead") : null,
    card.changed ? note("care", say("changed")) : null,
    ...reading.wrong.map((words) => note("bad", words)),
    ...reading.strange.map((words) => note("care", words)),
    ...content(card, say),
    names ? paragraph(say("names_note"), "quiet small") : null,
    raw(reading, say),
    actions,
  );
  ask(card, actions, acts, say);
  watch(card, actions, acts);
  return card.element;
};

/** A card that somebody refused: what it said, who refused it, and why. */
export const showRefused = (card, say) => {
  const { person } = card.refusal;
  const by = person === "record" ? say("refused_by_record") : person;
  return element(
    "article",
    { class: "card refused", id: `statement-${card.id}` },
    element("h3", {}, titleOf(card, say)),
    note("bad", say("refused_words", by, refusalWords(card.refusal, say))),
    element("details", {}, element("summary", {}, card.words), ...content(card, say)),
  );
};

const titleOf = ({ id, reading }, say) => {
  const kind = say.code("kind", reading.kind);
  return `${kind === reading.kind ? say("kind_unknown") : kind} · ${say("statement_no", id)}`;
};

const content = ({ reading, extra }, say) => [
  reading.facts.length ? facts(reading.facts) : null,
  reading.doubts.length
    ? element(
        "div",
        { class: "note care" },
        paragraph(say("estimated_words")),
        element("ul", {}, ...reading.doubts.map((words) => element("li", {}, words))),
      )
    : null,
  ...reading.lists.map(list),
  ...reading.tables.map(table),
  ...extra,
];

const raw = (reading, say) =>
  element(
    "details",
    { open: reading.strange.length > 0 },
    element("summary", {}, say("raw")),
    element("pre", {}, reading.text),
  );

/** The two buttons, in place of whatever was asked before. */
const ask = (card, actions, acts, say) => {
  if (!signable(card)) actions.replaceChildren(note("bad", say("blocked")));
  else if (!plain(card)) actions.replaceChildren(note("care", say("one_by_one")));
  else actions.replaceChildren();
  const back = () => ask(card, actions, acts, say);
  actions.append(
    element(
      "div",
      { class: "pair" },
      signable(card) ? button(say("sign"), () => confirm(card, actions, acts, back, say), "main") : null,
      button(say("refuse"), () => refuse(card, actions, acts, back, say), "second"),
    ),
  );
};

const confirm = (card, actions, acts, back, say) => {
  const yes = button(say("confirm_yes"), () => acts.sign([card]), "main");
  actions.replaceChildren(
    element("div", { class: "note" }, paragraph(say("confirm_sign")), paragraph(card.words, "lead")),
    element("div", { class: "pair" }, yes, button(say("back"), back, "second")),
  );
  yes.focus();
};

const refuse = (card, actions, acts, back, say) => {
  const choices = REASONS.map((reason) =>
    element(
      "label",
      { class: "choice" },
      element("input", { type: "radio", name: `reason-${card.id}`, value: reason }),
      say(`refuse_${reason}`),
    ),
  );
  const id = `more-${card.id}`;
  const more = element("textarea", { id, rows: "3", maxlength: String(MAX_NOTE_CHARS) });
  const complaint = element("div", { role: "alert" });
  const submit = (event) => {
    event.preventDefault();
    const reason = event.target.querySelector("input:checked")?.value;
    const added = noteOf(more.value);
    if (!reason) complaint.replaceChildren(note("bad", say("refuse_choose")));
    else if (reason === OTHER && !added) complaint.replaceChildren(note("bad", say("refuse_say")));
    else acts.refuse(card, { reason, note: added });
  };
  const form = element(
    "form",
    { onsubmit: submit, onchange: () => complaint.replaceChildren(), novalidate: true },
    complaint,
    element("fieldset", {}, element("legend", {}, say("refuse_title")), ...choices),
    element("p", { class: "field" }, element("label", { for: id }, say("refuse_more")), more),
    element("div", { class: "pair" }, element("button", { class: "danger" }, say("refuse_yes")), button(say("back"), back, "second")),
  );
  actions.replaceChildren(form);
  form.querySelector("input").focus();
};

/** A card is read once its end, where the buttons are, has been in view. */
const watch = (card, actions, acts) => {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      card.seen = true;
      card.element.querySelector(".seen").hidden = false;
      acts.seen(card);
    },
    { threshold: IN_VIEW },
  );
  observer.observe(actions);
};
