// What is said of the district, its rules, the people's keys and the prices.

import { time } from "./figures.js";
import { fact } from "./parts.js";

const role = (code, say) => say.code("role", code);

const readRule = (say) => (rule) => {
  const kind = say.code("kind", rule.plain("kind"));
  const of = rule.plain("of");
  const needs = rule.each("needs", (need) => `${role(need.plain("role"), say)} ${need.plain("count")}`);
  const hours = rule.plain("within_hours");
  const about = of === undefined || of === null ? kind : say("keys_of", kind, role(of, say));
  const due = hours === undefined || hours === null ? [] : [say("within_hours", hours)];
  return say("rule_words", about, [needs.join(say("and")), ...due].join(say("comma")));
};

export const district = (part, say) => ({
  facts: [
    fact(say("district_name"), part.plain("name"), true),
    fact(say("log_key"), part.plain("log_key")),
  ],
  lists: [
    {
      title: say("roots"),
      items: part.each("roots", (root) => say("key_of", root.plain("person"), root.plain("key"))),
    },
    { title: say("policy"), items: part.each("policy", readRule(say)) },
  ],
});

const kept = (part, say) => {
  const code = part.plain("kept");
  return code === undefined || code === null ? [] : [fact(say("key_kept"), say.code("kept", code))];
};

const enrol = (say) => (part) => {
  const [person, its, village, household, key] =
    ["person", "role", "village", "household", "key"].map(part.plain);
  const replaces = part.plain("replaces");
  return [
    fact(say("act"), say("enrol"), true),
    fact(say("person"), person, true),
    fact(say("role"), role(its, say)),
    fact(say("village"), village ?? say("none")),
    fact(say("own_household"), household ?? say("none")),
    fact(say("key"), key),
    ...kept(part, say),
    ...(replaces ? [fact(say("replaces"), replaces)] : []),
  ];
};

const rotate = (say) => (part) => [
  fact(say("act"), say("rotate"), true),
  fact(say("old_key"), part.plain("old"), true),
  fact(say("new_key"), part.plain("new")),
  ...kept(part, say),
];

const revoke = (say) => (part) => [
  fact(say("act"), say("revoke"), true),
  fact(say("fingerprint"), part.plain("key")),
  fact(say("reason"), say.code("reason", part.plain("reason")), true),
];

export const key = (part, say) =>
  part.whole("act", (act) => {
    const acts = [
      act.maybe("enrol", enrol(say)), act.maybe("rotate", rotate(say)), act.maybe("revoke", revoke(say)),
    ].filter(Boolean);
    return { facts: acts.flat(), wrong: acts.length === 1 ? [] : [say("not_one_act")] };
  });

const per = (part, say) => say(`per_${(part.plain("per") ?? "m3").replace("-", "_")}`);

const scope = (part, say) => {
  const [source, name] = [part.plain("source"), part.plain("class")];
  return [source && say.code("source", source), name].filter(Boolean).join(" · ") || say("scope_all");
};

const season = (part) => part.maybe("season", (one) => `${one.plain("from")} — ${one.plain("to")}`);

/** The rules of a list, each as a line under one term. */
const rules = (part, name, term, words) =>
  part.each(name, words).map((text) => fact(term, text));

const tier = (say, unit) => (part) => {
  const [bound, times, plus] = ["up_to_percent", "times", "plus"].map(part.plain);
  const upTo = bound === undefined ? say("tier_last") : say("tier_up_to", bound);
  return `${upTo} ${[times && `× ${times}`, plus && `+ ${plus} ${unit}`].filter(Boolean).join(" ")}`;
};

const metered = (say) => (part) => {
  const unit = per(part, say);
  const [price, times, whole] = ["price", "times", "whole"].map(part.plain);
  return [
    scope(part, say),
    season(part),
    `${price}${times ? ` × ${times}` : ""} ${unit}`,
    whole ? say("priced_whole") : null,
    ...part.each("tiers", tier(say, unit)),
  ].filter(Boolean).join(say("semicolon"));
};

const cropClass = (say) => (part) => {
  const [name, other] = [part.plain("class"), part.plain("other")];
  const crops = [...part.plains("crops"), other ? say("class_other") : null].filter(Boolean).join(say("and"));
  const quotas = part.maybe("quota_m3_per_mu", (one) => {
    const [surface, ground] = ["surface", "ground"].map(one.plain);
    return [surface && say("quota_of", say.code("source", "surface"), surface), ground && say("quota_of", say.code("source", "ground"), ground)];
  });
  return [`${name}${say("colon")}${crops}`, ...(quotas ?? [])].filter(Boolean).join(say("semicolon"));
};

/** The use that a fee is charged on: a word, or a limit. */
const chargedOn = (part, say) => {
  const on = part.any("on");
  if (on === undefined) return { words: null, known: true };
  if (typeof on === "string") return { words: say.code("on", on), known: ["all", "within-quota", "above-quota"].includes(on) };
  const [[name, limit] = [], ...more] = Object.entries(on ?? {});
  const known = more.length === 0 && ["above_percent_of_quota", "above_m3_per_mu"].includes(name);
  return { words: known ? say(`on_${name}`, limit) : JSON.stringify(on), known };
};

const fee = (say, odd) => (part) => {
  const on = chargedOn(part, say);
  if (!on.known) odd.push(say("unknown_rule", on.words));
  return [part.plain("name"), scope(part, say), season(part), on.words, `${part.plain("price")} ${per(part, say)}`]
    .filter(Boolean).join(say("semicolon"));
};

const named = (say) => (part) =>
  [part.plain("name"), scope(part, say), `${part.plain("price")} ${per(part, say)}`].filter(Boolean).join(say("semicolon"));

/** What is one of several: a word, or an object with one field. */
const oneOf = (value, say, what) => {
  if (value === undefined) return [];
  const [name, figure] = typeof value === "string" ? [value] : (Object.entries(value ?? {})[0] ?? []);
  return [fact(say(what), say(`${what}_${String(name).replace("-", "_")}`, figure))];
};

const KNOWN_LOSS = ["deduct_percent", "add_percent", "priced-in"];
const KNOWN_MINIMUM = ["yuan_per_household_year", "yuan_per_mu_year"];

const isOneOf = (value, known) =>
  value === undefined || (typeof value === "string" ? known.includes(value) : Object.keys(value ?? {}).length === 1 && known.includes(Object.keys(value)[0]));

export const tariff = (part, say) =>
  part.whole("tariff", (one) => {
    const odd = [];
    const [loss, minimum] = [one.any("loss"), one.any("minimum")];
    for (const [value, known] of [[loss, KNOWN_LOSS], [minimum, KNOWN_MINIMUM]]) {
      if (!isOneOf(value, known)) odd.push(say("unknown_rule", JSON.stringify(value)));
    }
    return {
      facts: [
        fact(say("tariff"), one.plain("id"), true),
        fact(say("valid_from"), time(one.plain("valid_from"), say.lang)),
        ...rules(one, "metered", say("metered_price"), metered(say)),
        ...rules(one, "basic", say("basic_price"), (rule) => `${scope(rule, say)}${say("semicolon")}${rule.plain("price")} ${say("per_mu_year")}`),
        ...rules(one, "classes", say("crop_class"), cropClass(say)),
        ...rules(one, "fees", say("fee"), fee(say, odd)),
        ...rules(one, "subsidies", say("subsidy"), named(say)),
        ...rules(one, "rewards", say("reward"), named(say)),
        ...(isOneOf(loss, KNOWN_LOSS) ? oneOf(loss, say, "loss") : []),
        ...(isOneOf(minimum, KNOWN_MINIMUM) ? oneOf(minimum, say, "minimum") : []),
      ],
      wrong: odd,
    };
  });
