// Signed notes and verifier keys (C2SP signed-note; docs/formats/log.md, "Signed notes").

import { equal, fromBase64, fromHex, joined, sha256, textOf, utf8 } from "./bytes.js";
import * as cosignature from "./cosignature.js";
import { isKey, verify } from "./ed25519.js";
import { Unsound } from "./unsound.js";

export const MAX_NOTE_BYTES = 262144;
const MAX_NOTE_SIGNATURES = 64;
const MAX_KEY_NAME_BYTES = 255;
const KEY_ID_BYTES = 4;
export const ED25519 = 1;
export const COSIGNATURE = 4;

const name = (text) => {
  const plain = text !== "" && !/[\p{White_Space}+\p{Cc}]/u.test(text) && utf8(text).length <= MAX_KEY_NAME_BYTES;
  if (!plain) throw new Unsound("a key name has no spaces and no '+'");
  return text;
};

/** A verifier key, `<name>+<8 hex digits>+<base64(type ‖ key)>`, as `{text, name, id, type, key}`. */
export const verifierKey = async (text) => {
  const [, named, digits, body] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
  if (body === undefined) throw new Unsound("a verifier key is <name>+<8 hex digits>+<base64>");
  const id = fromHex(digits);
  const whole = bytesOr(body, "a verifier key ends in base64");
  const [type, key] = [whole[0], whole.subarray(1)];
  if (type !== ED25519 && type !== COSIGNATURE) throw new Unsound("the key's type is not known");
  if (!isKey(key)) throw new Unsound("this is no key that may sign");
  const hash = await sha256(joined(utf8(`${name(named)}\n`), whole));
  if (!equal(hash.subarray(0, KEY_ID_BYTES), id)) throw new Unsound("the key id is of another key");
  return { text, name: named, id, type, key };
};

const bytesOr = (text, words) => {
  try {
    return fromBase64(text);
  } catch {
    throw new Unsound(words);
  }
};

/** A note's text and its signature lines, none of them checked: `{text, signatures}`. */
export const parse = (bytes) => {
  if (bytes.length > MAX_NOTE_BYTES) throw new Unsound("a note is not that long");
  let note;
  try {
    note = textOf(bytes);
  } catch {
    throw new Unsound("a note is UTF-8 text");
  }
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Unsound("a note has no control characters");
  // The text may itself hold blank lines; the last one separates.
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0) throw new Unsound("a note is text, a blank line, and signature lines");
  const lines = note.slice(blank + 2);
  if (lines === "") throw new Unsound("a note has at least one signature");
  if (!lines.endsWith("\n")) throw new Unsound("a note ends in a newline");
  const split = lines.slice(0, -1).split("\n");
  if (split.length > MAX_NOTE_SIGNATURES) throw new Unsound("a note has not that many signatures");
  return { text: note.slice(0, blank + 1), signatures: split.map(signatureLine) };
};

const signatureLine = (line) => {
  const [, named, blob] = /^— ([^ ]*) (.*)$/s.exec(line) ?? [];
  if (blob === undefined) throw new Unsound("a signature line is '— <name> <base64>'");
  const bytes = bytesOr(blob, "a signature line ends in base64");
  if (bytes.length <= KEY_ID_BYTES) throw new Unsound("a signature line holds a signature");
  return { name: name(named), id: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
};

const holds = async (text, signature, key) => {
  if (key.type === ED25519) return verify(key.key, utf8(text), signature);
  const stated = cosignature.split(signature);
  if (!stated) return false;
  return verify(key.key, cosignature.message(stated.unixSeconds, text), stated.signature);
};

/**
 * Reads a note and checks it against the known keys: `{text, keys}`, those that signed. Signatures by
 * unknown keys are ignored; one by a known key that does not hold spoils the note.
 */
export const open = async (bytes, known) => {
  const { text, signatures } = parse(bytes);
  const keys = [];
  for (const line of signatures) {
    const matching = known.filter((key) => key.name === line.name && equal(key.id, line.id));
    if (matching.some((key) => key.text !== matching[0].text)) {
      throw new Unsound("two known keys share a name and an id");
    }
    if (!matching.length) continue;
    if (!(await holds(text, line.signature, matching[0]))) {
      throw new Unsound(`the signature of ${line.name} does not hold`);
    }
    if (!keys.includes(matching[0])) keys.push(matching[0]);
  }
  if (!keys.length) throw new Unsound("no known key signed this note");
  return { text, keys };
};
