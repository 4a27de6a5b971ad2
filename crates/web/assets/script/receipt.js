// The page that checks a receipt: says in the browser what `mingqu verify` says of it.

import { Refused, Unreached } from "./api.js";
import { base64, hex, sha256, utf8 } from "./bytes.js";
import { Failed, checkFile, checkLog, continues, trusted } from "./check.js";
import { readEntry } from "./directory.js";
import { button, element, facts, paragraph, table } from "./dom.js";
import { describe } from "./kinds.js";
import { NotGiven, served } from "./log.js";
import * as memory from "./seen.js";
import { speaker as speakerOfStatements } from "./text.js";
import { speaker } from "./verify-text.js";

/** The longest file that is looked at; every receipt, checkpoint and envelope is shorter. */
const MAX_FILE_BYTES = 1 << 20;
/** Digits of a fingerprint that are enough to compare. */
const MIN_FINGERPRINT_DIGITS = 16;

const say = speaker(document.documentElement.lang);
const sayStatement = speakerOfStatements(document.documentElement.lang);

const file = element("input", { type: "file", id: "file", multiple: true });
const text = element("textarea", { id: "text", rows: 6, spellcheck: "false", autocomplete: "off" });
const ownKey = element("input", { type: "text", id: "key", spellcheck: "false", autocomplete: "off" });
const answer = element("div", { id: "answer", role: "status" });

const field = (input, words) =>
  element("div", { class: "field" }, element("label", { for: input.id }, words), input);

const verdict = (kind, mark, words, ...more) =>
  answer.replaceChildren(
    element("div", { class: `note ${kind}` }, element("p", {}, element("strong", {}, `${mark} `), words), ...more),
  );

/** The files that were given, or the pasted text, which loses its last newline easily. */
const given = async () => {
  const files = Array.from(file.files);
  if (files.some((one) => one.size > MAX_FILE_BYTES)) throw new Failed("too_long");
  const all = await Promise.all(files.map(async (one) => new Uint8Array(await one.arrayBuffer())));
  const isEntry = (bytes) => bytes[0] === 0x7b;
  const entry = all.find(isEntry) ?? null;
  const pasted = text.value && !text.value.endsWith("\n") ? `${text.value}\n` : text.value;
  return { bytes: all.find((bytes) => !isEntry(bytes)) ?? (pasted ? utf8(pasted) : null), entry };
};

/** The key on somebody's paper: whole, or the beginning of its fingerprint. */
const compareKey = async (key, written) => {
  const fingerprint = hex(await sha256(key.key));
  const digits = written.replace(/\s/g, "").toLowerCase();
  const short = digits.length >= MIN_FINGERPRINT_DIGITS && fingerprint.startsWith(digits);
  if (written.trim() !== key.text && !short) throw new Failed("key_entered", key.text, written.trim());
};

const said = (entry) => {
  const { kind, statement } = readEntry(entry);
  const shown = describe(kind, statement, sayStatement);
  const title = element("p", {}, element("strong", {}, say.code("kind", kind)));
  return shown ? [title, facts(shown.facts), ...shown.tables.map(table)] : [title];
};

const holds = ({ what, index, entry, checkpoint: { origin, size, cosigned } }, key) => {
  const lines = [
    say("step_checkpoint", key.text),
    cosigned.length ? say("step_witnesses", cosigned.length) : say("receipt_no_witness"),
  ];
  const words = say(`${what}_holds`, index, size, origin);
  verdict("good", say("holds"), words, element("ul", {}, ...lines.map((line) => element("li", {}, line))));
  if (entry) answer.append(element("h2", {}, say("receipt_says")), ...said(entry));
};

/** Whether the log as it is served now still begins with what the receipt was given under. */
const stillThere = async ({ checkpoint }, seen) => {
  try {
    const now = await checkLog(served, seen);
    await continues({ size: String(checkpoint.size), root: base64(checkpoint.root) }, now.checkpoint, now.log);
  } catch (error) {
    if (!(error instanceof Failed)) return;
    const words = [say("now_otherwise"), say(`bad_${error.check}`, ...error.parts)];
    answer.append(element("div", { class: "note bad" }, ...words.map((one) => paragraph(one))));
  }
};

const failed = (error) => {
  if (error instanceof Failed) {
    return verdict("bad", say("holds_not"), say(`bad_${error.check}`, ...error.parts));
  }
  const why =
    error instanceof NotGiven || error instanceof Refused
      ? say("receipt_no_entry")
      : error instanceof Unreached
        ? say("unchecked_unreached")
        : say("unchecked_error", error.message);
  return verdict("care", say("unchecked"), why);
};

const check = async () => {
  try {
    const { bytes, entry } = await given();
    if (!bytes) return verdict("care", "", say(entry ? "receipt_only_entry" : "receipt_nothing"));
    answer.replaceChildren(paragraph(say("running")));
    const seen = await memory.load().catch(() => null);
    const trust = await trusted(served, seen);
    if (ownKey.value.trim()) await compareKey(trust.key, ownKey.value);
    const entryOf = (index) => entry ?? served(`postings/${index}/envelope`);
    const result = await checkFile(bytes, trust, entryOf);
    holds(result, trust.key);
    return await stillThere(result, seen);
  } catch (error) {
    return failed(error);
  }
};

const page = document.getElementById("receipt");
if (globalThis.crypto?.subtle) {
  page.replaceChildren(
    field(file, say("receipt_file")),
    field(text, say("receipt_text")),
    field(ownKey, say("receipt_key")),
    element("p", {}, button(say("receipt_check"), check)),
    answer,
  );
} else {
  page.replaceChildren(element("div", { class: "note care" }, paragraph(say("unchecked_crypto"))));
}
