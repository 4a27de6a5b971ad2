// Refusing a statement: the reasons to choose from, and the request that says so.

import { utf8 } from "./bytes.js";

/** Named in text.js as `refuse_<name>`. The last one needs words of the signer's own. */
export const REASONS = ["wrong_time", "wrong_volume", "wrong_shares", "no_water", "meter", "other"];
export const OTHER = "other";

export const REQUEST_TYPE = "application/vnd.mingqu.request.v1+json";
export const MAX_REASON_CHARS = 200;

/** The reason as it stands on record, in the language of the signer. */
export const reasonText = (reason, more, say) => {
  const words = more.replace(/\s+/g, " ").trim();
  const whole = reason === OTHER ? words : [say(`refuse_${reason}`), words].filter(Boolean).join("：");
  return Array.from(whole).slice(0, MAX_REASON_CHARS).join("");
};

/** The bytes of the request (docs/formats/api.md). */
export const refusalPayload = (district, statement, reason, askedAt) =>
  utf8(
    JSON.stringify({
      district,
      asked_at: askedAt.toISOString().replace(/\.\d+Z$/, "Z"),
      ask: { refuse: { statement, reason } },
    }),
  );
