// What each kind of statement says. Each function takes a statement apart by name; what is left over
// is unknown.

import { cubicMetres, mu, time, yuan } from "./figures.js";

const fact = (term, words, short = false) => ({ term, words: String(words), short });

/** Names of what was left over, each with where it stood. */
const left = (where, rest) => Object.keys(rest).map((name) => (where ? `${where}.${name}` : name));

const plain = (value) =>
  ["string", "number", "boolean"].includes(typeof value) || value === null || value === undefined;

/** Values that should be plain and are not: they would show as something else. */
const deep = (where, values) =>
  Object.entries(values).filter(([, value]) => !plain(value)).map(([name]) => `${where}.${name}`);

const readHead = ({ district, drafted_at, signers, ...rest } = {}) => {
  const unknown = [...left("head", rest), ...deep("head", { district, drafted_at })];
  for (const { role, key, ...more } of list(signers)) {
    unknown.push(...left("head.signers", more), ...deep("head.signers", { role, key }));
  }
  return { district, drafted_at, signers, unknown };
};

const list = (value) => (Array.isArray(value) ? value : []);
const object = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
const sum = (values) => values.reduce((total, value) => total + value, 0);

const attachment = (where, value) => {
  const { sha256, bytes, media_type, ...rest } = object(value);
  return [...left(where, rest), ...deep(where, { sha256, bytes, media_type })];
};

const readShares = (shares, say) => {
  const unknown = [];
  const timed = list(shares).some((share) => share?.minutes !== undefined && share?.minutes !== null);
  const rows = list(shares).map((share) => {
    const { household, area, minutes, litres, ...rest } = object(share);
    unknown.push(...left("shares", rest), ...deep("shares", { household, area, minutes, litres }));
    const middle = timed ? [String(minutes ?? "—")] : [];
    return [String(household), mu(area), ...middle, cubicMetres(litres)];
  });
  const head = [say("household"), say("area"), ...(timed ? [say("minutes")] : []), say("litres")];
  const total = sum(list(shares).map((share) => share?.litres));
  const foot = [say("total"), "", ...(timed ? [""] : []), cubicMetres(total)];
  return { table: { head, rows, foot }, total, unknown };
};

const readEvidence = (evidence, say) => {
  const unknown = [];
  const words = list(evidence).map((piece) => {
    const { meter, origin, first_report, last_report, root, reports, ...rest } = object(piece);
    unknown.push(...left("evidence", rest), ...attachment("evidence.reports", reports));
    unknown.push(...deep("evidence", { meter, origin, first_report, last_report, root }));
    return say("evidence_words", meter, first_report, last_report, say.code("origin", origin));
  });
  return { words, unknown };
};

const readWatering = (value, say) => {
  const {
    outlet, origin, village, group, round, turn, start, end, at_start_litres, at_end_litres,
    volume_litres, doubts, method, shares, evidence, ...rest
  } = object(value);
  const shown = readShares(shares, say);
  const pieces = readEvidence(evidence, say);
  const values = {
    outlet, origin, village, group, round, turn, start, end, at_start_litres, at_end_litres,
    volume_litres, method,
  };
  const volume = cubicMetres(volume_litres);
  const wrong = [];
  if (shown.total !== volume_litres) wrong.push(say("sum_differs", cubicMetres(shown.total), volume));
  const difference = at_end_litres - at_start_litres;
  if (difference !== volume_litres) wrong.push(say("difference_differs", cubicMetres(difference), volume));
  if (!(Date.parse(end) > Date.parse(start))) wrong.push(say("times_reversed"));
  const estimated = list(doubts).length ? say("estimated") : say("measured");
  return {
    facts: [
      fact(say("volume"), `${volume} ${say("m3")}`, true),
      fact(say("outlet"), outlet, true),
      fact(say("from"), time(start, say.lang), true),
      fact(say("to"), time(end, say.lang)),
      fact(say("village"), village),
      fact(say("group"), group),
      fact(say("round"), round),
      fact(say("turn"), turn),
      fact(say("readings"), `${cubicMetres(at_start_litres)} → ${cubicMetres(at_end_litres)} ${say("m3")}`),
      fact(say("origin"), `${say.code("origin", origin)} · ${estimated}`),
      fact(say("method"), say.code("method", method)),
      fact(say("evidence"), pieces.words.join("；")),
    ],
    doubts: list(doubts).map((doubt) => say.code("doubt", doubt)),
    tables: [shown.table],
    span: { start, end, at_start_litres, at_end_litres },
    unknown: [
      ...left("watering", rest), ...shown.unknown, ...pieces.unknown, ...deep("watering", values),
    ],
    wrong,
  };
};

const watering = ({ watering: value, ...rest }, say) => {
  const shown = readWatering(value, say);
  return { ...shown, unknown: [...left("", rest), ...shown.unknown] };
};

const correction = ({ supersedes, reason, watering: value, ...rest }, say) => {
  const shown = readWatering(value, say);
  const first = [
    fact(say("supersedes"), say("posting", supersedes), true),
    fact(say("reason"), reason, true),
  ];
  const unknown = [...left("", rest), ...deep("", { supersedes, reason }), ...shown.unknown];
  return { ...shown, facts: [...first, ...shown.facts], unknown };
};

const billRun = (value, say) => {
  const { village, round, year, basic_charge, roster, waterings, households, total_fen, bills, ...rest } = value;
  const unknown = [...left("", rest), ...attachment("bills", bills)];
  unknown.push(...deep("", { village, round, year, basic_charge, roster, households, total_fen }));
  return {
    facts: [
      fact(say("total"), `${yuan(total_fen)} ${say("yuan")}`, true),
      fact(say("village"), village, true),
      fact(say("round"), round, true),
      fact(say("year"), year),
      fact(say("households"), households),
      fact(say("basic_charge"), basic_charge ? say("basic_charge_in") : say("basic_charge_out")),
      fact(say("waterings"), list(waterings).join(", ") || say("none")),
      fact(say("roster"), roster),
    ],
    attachment: { what: "bills", named: bills, households, total_fen },
    unknown,
    wrong: [],
  };
};

const roster = ({ village, households, entries, ...rest }, say) => ({
  facts: [fact(say("village"), village, true), fact(say("households"), households, true)],
  attachment: { what: "roster", named: entries, households },
  unknown: [...left("", rest), ...attachment("entries", entries), ...deep("", { village, households })],
  wrong: [],
});

const key = ({ act, ...rest }, say) => {
  const { enrol, revoke, ...other } = object(act);
  const unknown = [...left("", rest), ...left("act", other)];
  const facts = [];
  if (enrol) {
    const { person, role, village, household, key: publicKey, ...more } = object(enrol);
    unknown.push(...left("act.enrol", more), ...deep("act.enrol", { person, role, village, household, publicKey }));
    facts.push(
      fact(say("act"), say("enrol"), true),
      fact(say("person"), person, true),
      fact(say("role"), say.code("role", role)),
      fact(say("village"), village ?? say("none")),
      fact(say("own_household"), household ?? say("none")),
      fact(say("key"), publicKey),
    );
  }
  if (revoke) {
    const { key: fingerprint, reason, ...more } = object(revoke);
    unknown.push(...left("act.revoke", more), ...deep("act.revoke", { fingerprint, reason }));
    facts.push(
      fact(say("act"), say("revoke"), true),
      fact(say("fingerprint"), fingerprint),
      fact(say("reason"), say.code("reason", reason), true),
    );
  }
  return { facts, unknown, wrong: [] };
};

const tariff = ({ tariff: value, ...rest }, say) => {
  const { id, valid_from, metered_yuan_per_m3, basic_yuan_per_mu_year, ...more } = object(value);
  const values = { id, valid_from, metered_yuan_per_m3, basic_yuan_per_mu_year };
  return {
    facts: [
      fact(say("tariff"), id, true),
      fact(say("valid_from"), time(valid_from, say.lang)),
      fact(say("metered_price"), metered_yuan_per_m3, true),
      fact(say("basic_price"), basic_yuan_per_mu_year),
    ],
    unknown: [...left("", rest), ...left("tariff", more), ...deep("tariff", values)],
    wrong: [],
  };
};

const DESCRIBED = { watering, correction, "bill-run": billRun, roster, key, tariff };

/** What a statement of a kind says; nothing for a kind that is not known. */
export const describe = (kind, value, say) => {
  if (!Object.hasOwn(DESCRIBED, kind ?? "") || !value || typeof value !== "object") return null;
  const { head, ...body } = value;
  const read = readHead(object(head));
  const shown = { doubts: [], tables: [], span: null, attachment: null, ...DESCRIBED[kind](body, say) };
  shown.facts.push(fact(say("drafted_at"), time(read.drafted_at, say.lang)));
  return { ...shown, head: read, unknown: [...read.unknown, ...shown.unknown] };
};
