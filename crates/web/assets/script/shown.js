// Whether a page shows what an entry says. The page marks each figure with the place in the
// statement that it comes from (`data-said`) and with how it is written (`data-as`).

import { hex, sha256, textOf } from "./bytes.js";
import { cubicMetres, decimal, litresPerSecond, mu, time, yuan } from "./figures.js";
import { served } from "./log.js";

/** Longer attachments are not fetched to compare a page with them. */
const MAX_ATTACHMENT_BYTES = 1 << 20;
const MINUTE_MILLIS = 60000;

const minute = (text, say) => {
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) return String(text);
  return time(new Date(millis - (millis % MINUTE_MILLIS)).toISOString(), say.lang);
};

/** The largest two units that are not zero, as the page says how long something took. */
const duration = ({ start, end }, say) => {
  const minutes = Math.floor(Math.max(Date.parse(end) - Date.parse(start), 0) / MINUTE_MILLIS);
  const parts = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const units = say.lang === "zh" ? [" 天", " 小时", " 分钟"] : [" d", " h", " min"];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0) return `0${units[2]}`;
  const two = [first, first + 1].filter((place) => parts[place] > 0);
  return two.map((place) => `${parts[place]}${units[place]}`).join(" ");
};

const sum = (value) => (Array.isArray(value) ? value.reduce((total, one) => total + one, 0) : value);

/** How a value is written, by `data-as`; after a colon stands which words are meant. */
const WRITTEN = {
  text: (value) => String(value),
  count: (value) => decimal(sum(value), 0),
  length: (value) => decimal(value.length, 0),
  m3: (value) => cubicMetres(sum(value)),
  tenths: (value) => decimal(Math.floor((value + 50) / 100), 1),
  flow: litresPerSecond,
  mu: (value) => mu(sum(value)),
  yuan: (value) => yuan(sum(value)),
  money: (value, say) => `${yuan(value)} ${say("yuan")}`,
  posting: (value, say) => say("posting", value),
  minute,
  duration,
  word: (value, say, what) => say.code(what, value),
  estimated: (value, say) => say(value.length ? "estimated" : "measured"),
  start: (value) => String(value).slice(0, 12),
};

/** The value at a place such as `watering.shares.0.litres`; `*` gathers from each of a list. */
const at = (value, [name, ...rest]) => {
  if (name === undefined || value === undefined || value === null) return value;
  if (name === "*") return value.map((one) => at(one, rest));
  return Object.hasOwn(value, name) ? at(value[name], rest) : undefined;
};

const listed = (base, list, names) => list.flatMap((_, place) => names.map((name) => `${base}.${place}.${name}`));

const ofWatering = (base, { shares }) => [
  ...["volume_litres", "start", "end", "at_start_litres", "at_end_litres", "shares.*.litres"].map((name) => `${base}.${name}`),
  ...listed(`${base}.shares`, shares, ["household", "area", "litres"]),
  ...shares.flatMap((share, place) =>
    ["minutes", "flow_ml_per_s", "weight"].filter((name) => Object.hasOwn(share, name)).map((name) => `${base}.shares.${place}.${name}`)),
];

const ofTariff = ({ metered, basic = [], fees = [], subsidies = [], rewards = [], classes }) => [
  ...listed("tariff.metered", metered, ["price"]),
  ...metered.flatMap((rule, place) =>
    (rule.tiers ?? []).map((tier, step) => `tariff.metered.${place}.tiers.${step}.${tier.times === undefined ? "plus" : "times"}`)),
  ...listed("tariff.basic", basic, ["price"]),
  ...[["fees", fees], ["subsidies", subsidies], ["rewards", rewards]].flatMap(([name, list]) =>
    listed(`tariff.${name}`, list, ["name", "price"])),
  ...listed("tariff.classes", classes, ["class"]),
];

/** What the page of each kind must show, so that nothing is passed over by leaving it unmarked. */
const MUST_SHOW = {
  watering: ({ watering }) => ofWatering("watering", watering),
  correction: ({ watering }) => ["supersedes", ...ofWatering("watering", watering)],
  "bill-run": () => ["total_fen", "households", "year"],
  roster: () => ["effective_from", "households"],
  tariff: ({ tariff }) => ["tariff.id", "tariff.valid_from", ...ofTariff(tariff)],
  balance: () => ["until", "outlets"],
};

/** What an entry says, as `data-said` names it: its statement, its index, its signers, its attachment by household or outlet. */
export const sayings = async ({ kind, statement }, index, signers) => {
  const said = { ...statement, "@index": String(index), "@kind": kind, "@signatures": signers };
  const named = statement.bills ?? statement.entries;
  if (!named || named.bytes > MAX_ATTACHMENT_BYTES) return said;
  const bytes = await served(`attachments/${named.sha256}`);
  if (hex(await sha256(bytes)) !== named.sha256) return { ...said, "@lines": {} };
  const text = textOf(bytes);
  const lines = kind === "roster" ? JSON.parse(text) : text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { ...said, "@lines": Object.fromEntries(lines.map((line) => [line.household ?? line.outlet, line])) };
};

/** The words beside a figure that say what it is. */
const termOf = (element) =>
  (element.closest("dd")?.previousElementSibling ?? element.closest("tr")?.querySelector("th"))?.textContent.trim() ?? "";

/** Compares the marked figures below an element: `{compared, wrong: [{term, shown, said}]}`. */
export const compare = (root, kind, said, say) => {
  const places = new Set();
  const wrong = [];
  for (const element of root.querySelectorAll("[data-said]")) {
    const { said: place, as = "text" } = element.dataset;
    const [how, what] = as.split(":");
    // What could not be fetched to compare with is not compared.
    if (place.startsWith("@lines.") && !said["@lines"]) continue;
    const value = at(said, place.split("."));
    const expected = value === undefined || value === null ? null : WRITTEN[how](value, say, what);
    const shown = element.textContent.trim();
    places.add(place);
    if (shown === expected) continue;
    element.classList.add("wrong");
    wrong.push({ term: termOf(element), shown, said: expected ?? say("nothing") });
  }
  const must = ["@index", ...(MUST_SHOW[kind]?.(said) ?? []), ...listed("@signatures", said["@signatures"], ["role", "person"])];
  for (const place of must.filter((place) => !places.has(place))) {
    wrong.push({ term: place, shown: say("nothing"), said: String(at(said, place.split("."))) });
  }
  return { compared: places.size, wrong };
};
