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

export const tariff = (part, say) =>
  part.whole("tariff", (one) => ({
    facts: [
      fact(say("tariff"), one.plain("id"), true),
      fact(say("valid_from"), time(one.plain("valid_from"), say.lang)),
      fact(say("metered_price"), one.plain("metered_yuan_per_m3"), true),
      fact(say("basic_price"), one.plain("basic_yuan_per_mu_year")),
    ],
  }));
