// The tick on a posting's page: says what was checked in one sentence, or which check failed.

import { Unreached, Refused, get } from "./api.js";
import { Failed, checkLog, checkPosting } from "./check.js";
import { button, element, paragraph } from "./dom.js";
import { NotGiven, served } from "./log.js";
import * as memory from "./seen.js";
import { compare, sayings } from "./shown.js";
import { speaker } from "./verify-text.js";

const tick = document.getElementById("tick");
const say = speaker(document.documentElement.lang);

/** Where the log enrolled a key, as the server's index says; nothing where it knows of none. */
const place = async (keyid) => {
  try {
    return await get(`/api/v1/keys/${encodeURIComponent(keyid)}`);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
};

/** What this browser remembers, and whether it can remember at all. */
const recall = async () => {
  try {
    return { seen: await memory.load(), keeps: true };
  } catch {
    return { seen: null, keeps: false };
  }
};

const show = (kind, mark, words, ...more) => {
  tick.className = `note ${kind}`;
  tick.removeAttribute("aria-busy");
  const head = element("p", {}, element("strong", {}, `${mark} `), words);
  tick.replaceChildren(head, ...more);
};

const list = (lines) => element("ul", {}, ...lines.map((line) => element("li", {}, line)));

const steps = ({ key, checkpoint, log, policy }, { seen, keeps }, index, signers) => [
  say("step_checkpoint", key.text),
  policy.witnesses.length ? say("step_witnesses", checkpoint.cosigned.length) : say("step_no_witnesses"),
  seen ? say("step_continues", seen.size) : say(keeps ? "step_first" : "step_not_kept"),
  say("step_included", index),
  ...signers.map(({ role, person }) => say("step_signed", say.code("role", role), person)),
  say("step_fetched", log.fetches()),
];

/** Other witnesses than those that are remembered: told until somebody has asked why. */
const policyChanged = ({ seen: now }, { seen }) => {
  if (!seen || seen.policy === now.policy) return [];
  const noted = button(say("policy_remember"), () => memory.remember(now).then(() => location.reload()));
  return [paragraph(say("policy_changed")), noted];
};

const failedShown = ([first, ...rest]) => {
  const more = rest.length ? [paragraph(say("bad_shown_more", rest.length))] : [];
  showFailed(say("bad_shown", first.term, first.shown, first.said), ...more);
};

const showFailed = (words, ...more) =>
  show("bad", say("failed"), words, ...more, paragraph(say("failed_keep")));

/** Another log than the one that was seen: what was seen, and a way on for who knows why. */
const contradicted = (seen) => [
  paragraph(say("remembered", seen.size, seen.root, seen.key), "hash"),
  element(
    "details",
    {},
    element("summary", {}, say("forget_when")),
    paragraph(say("forget_words")),
    button(say("forget"), () => memory.forget().then(() => location.reload())),
  ),
];

const CONTRADICTIONS = ["key_changed", "shrunk", "forked"];

const showError = (error, seen) => {
  if (error instanceof Failed) {
    const more = seen && CONTRADICTIONS.includes(error.check) ? contradicted(seen) : [];
    return showFailed(say(`bad_${error.check}`, ...error.parts), ...more);
  }
  const why =
    error instanceof NotGiven || error instanceof Refused
      ? say("unchecked_not_given", error.message)
      : error instanceof Unreached
        ? say("unchecked_unreached")
        : say("unchecked_error", error.message);
  return show("care", say("unchecked"), why);
};

const run = async () => {
  if (!globalThis.crypto?.subtle) return show("care", say("unchecked"), say("unchecked_crypto"));
  const index = BigInt(tick.dataset.index);
  tick.replaceChildren(paragraph(say("running")));
  const recalled = await recall();
  try {
    const checked = await checkLog(served, recalled.seen);
    const policy = recalled.seen?.policy ?? checked.seen.policy;
    if (recalled.keeps) await memory.remember({ ...checked.seen, policy });
    const { entry, signers } = await checkPosting(checked, index, place);
    const said = await sayings(entry, index, signers);
    const { compared, wrong } = compare(document.getElementById("main"), entry.kind, said, say);
    if (wrong.length) return failedShown(wrong);
    const details = element(
      "details",
      {},
      element("summary", {}, say("checked_what")),
      list(steps(checked, recalled, index, signers)),
      paragraph(say("not_checked"), "small"),
    );
    const words = say("checked_words", checked.checkpoint.size, index, signers.length, compared);
    const changed = policyChanged(checked, recalled);
    return show(changed.length ? "care" : "good", say("checked"), words, ...changed, details);
  } catch (error) {
    return showError(error, recalled.seen);
  }
};

/** A button beside each command that copies it. */
const copies = () => {
  for (const commands of document.querySelectorAll("pre.commands")) {
    const copy = button(say("copy"), async () => {
      await navigator.clipboard.writeText(commands.textContent);
      copy.textContent = say("copied");
    }, "second");
    commands.after(copy);
  }
};

if (navigator.clipboard) copies();
await run();
