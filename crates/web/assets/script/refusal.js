// Refusing a statement: the reasons to choose from, and the request that says so.

import { utf8 } from "./bytes.js";

/** The codes of the reasons (docs/formats/api.md), named in text.js as `refuse_<code>`. */
export const REASONS = ["wrong-time", "wrong-volume", "wrong-shares", "no-water", "meter-fault", "other"];
/** The one that says nothing without words of the signer's own. */
export const OTHER = "other";

export const REQUEST_TYPE = "application/vnd.mingqu.request.v1+json";
export const MAX_NOTE_CHARS = 200;

/** What the signer adds, on one line; nothing where nothing was written. */
export const noteOf = (words) => {
  const line = words.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line ? Array.from(line).slice(0, MAX_NOTE_CHARS).join("") : null;
};

/** The bytes of the request (docs/formats/api.md). */
export const refusalPayload = (district, statement, { reason, note }, askedAt) =>
  utf8(
    JSON.stringify({
      district,
      asked_at: askedAt.toISOString().replace(/\.\d+Z$/, "Z"),
      ask: { refuse: { statement, reason, ...(note ? { note } : {}) } },
    }),
  );

/** A refusal in words: its reason in the reader's language, then what the signer wrote. */
export const refusalWords = ({ reason, note }, say) =>
  [reason ? say.code("refuse", reason) : null, note].filter(Boolean).join(say("colon"));
