// What each kind of statement says, in plain words, and what in it is not known here
// (docs/formats/statements.md).

import { time, yuan } from "./figures.js";
import { apart, attachment, fact } from "./parts.js";
import { registry } from "./registry.js";
import { district, key, tariff } from "./rules.js";
import { correction, watering } from "./water.js";

const signer = (part) => ({ role: part.plain("role"), key: part.plain("key") });

const readHead = (part) => ({
  district: part.plain("district"),
  drafted_at: part.plain("drafted_at"),
  signers: part.each("signers", signer),
});

const billRun = (part, say) => {
  const [village, round, year, households, total_fen] =
    ["village", "round", "year", "households", "total_fen"].map(part.plain);
  return {
    facts: [
      fact(say("total"), `${yuan(total_fen)} ${say("yuan")}`, true),
      fact(say("village"), village, true),
      fact(say("round"), round ?? say("closing"), true),
      fact(say("year"), year, true),
      fact(say("households"), households),
      fact(say("waterings"), part.plains("waterings").join(", ") || say("none")),
    ],
    attachment: { what: "bills", named: part.whole("bills", attachment), households, total_fen },
  };
};

const roster = (part, say) => {
  const [village, from, households] = ["village", "effective_from", "households"].map(part.plain);
  return {
    facts: [
      fact(say("village"), village, true),
      fact(say("effective_from"), time(from, say.lang), true),
      fact(say("households"), households, true),
    ],
    attachment: { what: "roster", named: part.whole("entries", attachment), households },
  };
};

const balance = (part, say) => {
  const [until, outlets] = ["until", "outlets"].map(part.plain);
  return {
    facts: [fact(say("until"), time(until, say.lang), true), fact(say("outlets"), outlets, true)],
    attachment: { what: "balances", named: part.whole("entries", attachment), outlets },
  };
};

const shortKey = (text) => String(text).slice(0, 16);

/** What was due: first that it was, then the statement that waits. */
const overdue = (part, say, { district: own }) => {
  const first = fact(say("due_at"), time(part.plain("due_at"), say.lang), true);
  const signatures = part.each("signatures", (one) => {
    one.plain("sig");
    return shortKey(one.plain("keyid"));
  });
  const asked = part.each("asked", signer).map((one) => `${say.code("role", one.role)} ${shortKey(one.key)}`);
  const kinds = ["watering", "correction", "bill-run"];
  const shown = part.whole("waiting", (waiting) =>
    kinds.map((kind) => waiting.maybe(kind, (inner) => inKind(kind, inner, say))).filter(Boolean));
  const waits = shown.length === 1 ? shown[0] : { facts: [], wrong: [say("unknown_kind")], head: {} };
  const foreign = waits.head.district === own ? [] : [say("other_district", waits.head.district ?? "?")];
  return {
    ...waits,
    wrong: [...waits.wrong, ...foreign],
    facts: [
      first,
      fact(say("waits"), say.code("kind", waits.kind ?? "unknown"), true),
      fact(say("asked"), asked.join(say("and")) || say("none")),
      fact(say("signed_by"), signatures.join(say("and")) || say("none")),
      ...waits.facts,
    ],
  };
};

const DESCRIBED = {
  district, key, registry, roster, tariff, watering, correction, "bill-run": billRun, overdue, balance,
};

const NOTHING = { doubts: [], tables: [], lists: [], span: null, attachment: null, wrong: [] };

const inKind = (kind, part, say) => {
  const head = part.whole("head", readHead);
  const shown = { ...NOTHING, ...DESCRIBED[kind](part, say, head), kind, head };
  const drafted = fact(say("drafted_at"), time(head.drafted_at, say.lang));
  return { ...shown, facts: [...shown.facts, drafted] };
};

/** What a statement of a kind says, with `unknown` and `head`; nothing for a kind that is not known. */
export const describe = (kind, value, say) => {
  if (!Object.hasOwn(DESCRIBED, kind ?? "") || !value || typeof value !== "object") return null;
  const unknown = [];
  const shown = apart("", value, unknown, (part) => inKind(kind, part, say));
  return { ...shown, kind, unknown: [...new Set(unknown)] };
};
