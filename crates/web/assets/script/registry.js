// What stands in the field: villages, outlets, rating tables and meters.

import { cubicMetres, decimal, time } from "./figures.js";
import { fact } from "./parts.js";

const given = (value) => value !== undefined && value !== null;

const village = (say) => (part) => {
  const named = (one) => `${one.plain("id")} ${one.plain("name")}`;
  return say("place_words", named(part), part.each("groups", named).join(say("and")) || say("none"));
};

const outlet = (say) => (part) => {
  const [id, name, canal, its, source, gap] =
    ["id", "name", "canal", "village", "source", "gap_tolerance_seconds"].map(part.plain);
  return say("place_words", `${id} ${name}`, say("outlet_words", canal, its, say.code("source", source), gap));
};

const table = (say) => (part) => {
  const [id, source, from] = ["id", "source", "valid_from_mm"].map(part.plain);
  return {
    caption: say("table_words", id, source, from),
    head: [say("stage_mm"), say("discharge")],
    rows: part.pairs("rows").map(([stage, flow]) => [String(stage), decimal(flow, 3)]),
  };
};

/** How a register turns over; nothing where nothing is said of it. */
const dial = (part, say) =>
  part.maybe("dial", (one) => {
    const [modulus, jitter, capacity] = ["modulus", "jitter_units", "capacity_ml_per_s"].map(one.plain);
    return [
      given(modulus) ? say("dial_modulus", modulus) : null,
      given(jitter) ? say("dial_jitter", jitter) : null,
      given(capacity) ? say("dial_capacity", decimal(capacity, 3)) : null,
    ].filter(Boolean);
  }) ?? [];

const scale = (say) => (part) =>
  [
    part.maybe("register", (one) => [say("scale_register", one.plain("millilitres_per_unit")), ...dial(one, say)]),
    part.maybe("stage", (one) =>
      one.each("tables", (dated) =>
        say("scale_stage", time(dated.plain("from"), say.lang), dated.plain("table")))),
    part.maybe("energy", (one) => [
      ...one.each("coefficients", (dated) => {
        const [from, until, per, source] =
          ["from", "until", "millilitres_per_watt_hour", "source"].map(dated.plain);
        const end = given(until) ? time(until, say.lang) : say("open_end");
        return say("scale_energy", time(from, say.lang), end, per, source);
      }),
      ...dial(one, say),
    ]),
  ].flat().filter(Boolean);

const standing = (part, say) => {
  const [installed, initial, removed, final] =
    ["installed_at", "initial_value", "removed_at", "final_value"].map(part.plain);
  return [
    say("installed", time(installed, say.lang)),
    given(initial) ? say("initial_value", initial) : null,
    given(removed) ? say("removed", time(removed, say.lang)) : null,
    given(final) ? say("final_value", final) : null,
    ...part.each("resets", (reset) =>
      say("reset", time(reset.plain("at"), say.lang), reset.plain("before"), reset.plain("after"))),
    ...part.whole("scale", scale(say)),
  ].filter(Boolean);
};

const meter = (say) => (part) => {
  const [name, words] = part.whole("meter", (one) => [
    say("meter_at", one.plain("code"), one.plain("outlet")), standing(one, say),
  ]);
  const origin = say.code("origin", part.plain("origin"));
  const keys = part.each("keys", (one) => {
    const key = one.plain("key");
    return say("meter_key", key, one.plain("from_report"));
  });
  return say("place_words", name, [...words, origin, ...keys].join(say("comma")));
};

export const registry = (part, say) => {
  const villages = part.each("villages", village(say));
  const outlets = part.each("outlets", outlet(say));
  const tables = part.each("tables", table(say));
  const meters = part.each("meters", meter(say));
  const counts = say("registry_counts", villages.length, outlets.length, tables.length, meters.length);
  return {
    facts: [fact(say("registry_holds"), counts, true)],
    lists: [
      { title: say("villages"), items: villages },
      { title: say("outlets"), items: outlets },
      { title: say("meters"), items: meters },
    ].filter(({ items }) => items.length),
    tables,
  };
};

/** One outlet's line of a day's balance. */
export const balanced = (say) => (part) => {
  const litres = part.plain("litres");
  const meters = part.each("meters", (one) => `${one.plain("meter")} ${one.plain("report")}`);
  return [String(part.plain("outlet")), meters.join(" "), given(litres) ? cubicMetres(litres) : "—"];
};
