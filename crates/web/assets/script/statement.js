// From the exact bytes of a statement to what a person reads before signing them.
//
// Nothing here comes from the server's pages. A field that is not read is told as unknown, so that
// nothing is signed unseen; `docs/formats/statements.md` says what each field means.

import { hex, textOf } from "./bytes.js";
import { wholly } from "./json.js";
import { describe } from "./kinds.js";

const TYPE = /^application\/vnd\.mingqu\.([a-z-]+)\.v1\+json$/;

/**
 * What a statement says, in plain words:
 * `{kind, text, facts: [{term, words}], doubts: [words], lists, tables, span, attachment, wrong, strange}`.
 * `wrong` forbids signing; `strange` says what this page does not know, and then the text is shown.
 */
export const read = (payloadType, payload, expected, say) => {
  const kind = TYPE.exec(payloadType)?.[1] ?? null;
  const nothing = { facts: [], doubts: [], lists: [], tables: [], span: null, attachment: null };
  const reading = { kind, text: "", ...nothing, wrong: [], strange: [] };
  let value;
  try {
    reading.text = textOf(payload);
    value = JSON.parse(reading.text);
  } catch {
    // It names no district and no signer, so it is nobody's to sign.
    const wrong = foreign(undefined, expected, say);
    return { ...reading, text: reading.text || hex(payload), strange: [say("unknown_kind")], wrong };
  }
  if (!wholly(reading.text, value)) reading.strange.push(say("not_plain"));
  const described = describe(kind, value, say);
  if (!described) {
    reading.strange.push(say("unknown_kind"));
    return { ...reading, wrong: foreign(value?.head, expected, say) };
  }
  const { head, unknown, wrong, ...shown } = described;
  if (unknown.length) reading.strange.push(say("unknown_field", unknown.join(", ")));
  const all = [...foreign(head, expected, say), ...wrong];
  return { ...reading, ...shown, wrong: all };
};

/** What is wrong with a statement's head, for this district and this key. */
const foreign = (head, { district, fingerprint }, say) => {
  const wrong = [];
  if (head?.district !== district) wrong.push(say("other_district", head?.district ?? "?"));
  const signers = Array.isArray(head?.signers) ? head.signers : [];
  if (!signers.some((signer) => signer?.key === fingerprint)) wrong.push(say("not_named"));
  return wrong;
};

/** One line about a statement, for a list and for the last question before signing. */
export const summary = ({ kind, facts }, id, say) => {
  const words = facts.filter((fact) => fact.short).map((fact) => fact.words);
  const title = kind && say.code("kind", kind) !== kind ? say.code("kind", kind) : say("kind_unknown");
  return [`${title} · ${say("statement_no", id)}`, ...words].join(" · ");
};
