// A receipt: one entry's inclusion with its checkpoint (C2SP tlog-proof; docs/formats/log.md, "Proof file").

import { equal, fromBase64, fromDecimal, textOf, utf8 } from "./bytes.js";
import * as checkpoint from "./checkpoint.js";
import { HASH_BYTES, MAX_PROOF_HASHES, leafHash, verifyInclusion } from "./merkle.js";
import { MAX_NOTE_BYTES } from "./note.js";
import { Unsound } from "./unsound.js";

const HEADER = "c2sp.org/tlog-proof@v1";
/** The beginning of the header, of whatever version. */
const RECEIPT = utf8("c2sp.org/tlog-proof");
const MAX_PROOF_FILE_BYTES = MAX_NOTE_BYTES + 16384;
const MAX_EXTRA_BYTES = 8192;

const or = (words, read) => {
  try {
    return read();
  } catch {
    throw new Unsound(words);
  }
};

/** Whether these bytes mean to be a receipt. */
export const isReceipt = (bytes) => equal(bytes.subarray(0, RECEIPT.length), RECEIPT);

/** A receipt's parts, none of them checked: `{index, hashes, checkpoint}`. */
export const parse = (bytes) => {
  if (bytes.length > MAX_PROOF_FILE_BYTES) throw new Unsound("a receipt is not that long");
  const text = or("a receipt is UTF-8 text", () => textOf(bytes));
  if (!text.startsWith(`${HEADER}\n`)) throw new Unsound(`a receipt begins with ${HEADER}`);
  const rest = text.slice(HEADER.length + 1);
  const blank = rest.indexOf("\n\n");
  if (blank < 0) throw new Unsound("a receipt has a blank line before its checkpoint");
  const lines = rest.slice(0, blank).split("\n");
  if (lines[0].startsWith("extra ")) {
    const extra = or("the extra line is base64", () => fromBase64(lines.shift().slice(6)));
    if (extra.length > MAX_EXTRA_BYTES) throw new Unsound("the extra line is too long");
  }
  const [, digits] = /^index (.*)$/.exec(lines.shift() ?? "") ?? [];
  const index = or("the index line is 'index <number>'", () => fromDecimal(digits));
  if (lines.length > MAX_PROOF_HASHES) throw new Unsound("a receipt has not that many hashes");
  const hashes = lines.map((line) => or("a hash is 32 bytes in base64", () => hash(line)));
  return { index, hashes, checkpoint: utf8(rest.slice(blank + 2)) };
};

const hash = (line) => {
  const bytes = fromBase64(line);
  if (bytes.length !== HASH_BYTES) throw new TypeError();
  return bytes;
};

/** Checks that exactly this entry is in the log with this key; gives the log's checkpoint. */
export const verify = async (proof, entry, log, witnesses = []) => {
  const opened = await checkpoint.open(proof.checkpoint, log, witnesses);
  await verifyInclusion(await leafHash(entry), proof.index, opened.size, proof.hashes, opened.root);
  return opened;
};
