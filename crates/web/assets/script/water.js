// What a watering says, and a correction of one.

import { cubicMetres, litresPerSecond, mu, time } from "./figures.js";
import { attachment, fact } from "./parts.js";

const sum = (values) => values.reduce((total, value) => total + value, 0);

const readShare = (share) => ({
  household: share.plain("household"),
  area: share.plain("area"),
  minutes: share.plain("minutes") ?? null,
  flow_ml_per_s: share.plain("flow_ml_per_s") ?? null,
  weight: share.plain("weight") ?? null,
  litres: share.plain("litres"),
});

/** The figures that may be noted for a household, and how each is written. */
const NOTED = [["minutes", String], ["flow_ml_per_s", litresPerSecond], ["weight", String]];

const sharesTable = (shares, total, say) => {
  const noted = NOTED.filter(([name]) => shares.some((share) => share[name] !== null));
  return {
    head: [say("household"), say("area"), ...noted.map(([name]) => say(name)), say("litres")],
    rows: shares.map((share) => [
      String(share.household),
      mu(share.area),
      ...noted.map(([name, written]) => (share[name] === null ? "—" : written(share[name]))),
      cubicMetres(share.litres),
    ]),
    foot: [say("total"), "", ...noted.map(() => ""), cubicMetres(total)],
  };
};

const evidenceWords = (say) => (piece) => {
  const [meter, first, last] = ["meter", "first_report", "last_report"].map(piece.plain);
  const words = say("evidence_words", meter, first, last, say.code("origin", piece.plain("origin")));
  piece.plain("root");
  piece.whole("reports", attachment);
  return words;
};

const wrongIn = ({ start, end, at_start_litres, at_end_litres }, volume, shared, say) => {
  const wrong = [];
  if (shared !== volume) wrong.push(say("sum_differs", cubicMetres(shared), cubicMetres(volume)));
  const difference = at_end_litres - at_start_litres;
  if (difference !== volume) wrong.push(say("difference_differs", cubicMetres(difference), cubicMetres(volume)));
  if (!(Date.parse(end) > Date.parse(start))) wrong.push(say("times_reversed"));
  return wrong;
};

const readWatering = (say) => (part) => {
  const shares = part.each("shares", readShare);
  const evidence = part.each("evidence", evidenceWords(say));
  const doubts = part.plains("doubts");
  const volume = part.plain("volume_litres");
  const shared = sum(shares.map(({ litres }) => litres));
  const span = {
    start: part.plain("start"),
    end: part.plain("end"),
    at_start_litres: part.plain("at_start_litres"),
    at_end_litres: part.plain("at_end_litres"),
  };
  const readings = [span.at_start_litres, span.at_end_litres].map(cubicMetres).join(" → ");
  const certain = doubts.length ? say("estimated") : say("measured");
  return {
    facts: [
      fact(say("volume"), `${cubicMetres(volume)} ${say("m3")}`, true),
      fact(say("outlet"), part.plain("outlet"), true),
      fact(say("from"), time(span.start, say.lang), true),
      fact(say("to"), time(span.end, say.lang)),
      fact(say("village"), part.plain("village")),
      fact(say("group"), part.plain("group")),
      fact(say("round"), part.plain("round")),
      fact(say("turn"), part.plain("turn")),
      fact(say("readings"), `${readings} ${say("m3")}`),
      fact(say("origin"), `${say.code("origin", part.plain("origin"))} · ${certain}`),
      fact(say("method"), say.code("method", part.plain("method"))),
      fact(say("evidence"), evidence.join("；")),
    ],
    doubts: doubts.map((doubt) => say.code("doubt", doubt)),
    tables: [sharesTable(shares, shared, say)],
    span,
    wrong: wrongIn(span, volume, shared, say),
  };
};

export const watering = (part, say) => part.whole("watering", readWatering(say));

export const correction = (part, say) => {
  const first = [
    fact(say("supersedes"), say("posting", part.plain("supersedes")), true),
    fact(say("reason"), part.plain("reason"), true),
  ];
  const shown = watering(part, say);
  return { ...shown, facts: [...first, ...shown.facts] };
};
