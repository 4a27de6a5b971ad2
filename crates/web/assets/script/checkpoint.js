// A log's size and root, signed (C2SP tlog-checkpoint; docs/formats/log.md, "Checkpoint").

import { fromBase64, fromDecimal } from "./bytes.js";
import { HASH_BYTES } from "./merkle.js";
import { open as openNote } from "./note.js";
import { Unsound } from "./unsound.js";

const read = (parse, text) => {
  try {
    return parse(text);
  } catch {
    throw new Unsound("a checkpoint has an origin, a size and a root, each on a line of its own");
  }
};

/** The text of a checkpoint as `{origin, size, root}`; its size is a BigInt. */
export const parse = (text) => {
  const lines = text.split("\n");
  const [origin, size, root, ...more] = lines;
  const end = more.pop();
  if (end !== "" || !origin || more.includes("")) {
    throw new Unsound("a checkpoint has an origin, a size and a root, each on a line of its own");
  }
  const hash = read(fromBase64, root);
  if (hash.length !== HASH_BYTES) throw new Unsound("a checkpoint's root is 32 bytes");
  return { origin, size: read(fromDecimal, size), root: hash };
};

/** A checkpoint that its log signed, with the keys of known witnesses that cosigned it. */
export const open = async (bytes, log, witnesses = []) => {
  const note = await openNote(bytes, [log, ...witnesses]);
  const checkpoint = parse(note.text);
  if (checkpoint.origin !== log.name) throw new Unsound("this checkpoint is of another log");
  if (!note.keys.includes(log)) throw new Unsound("the log did not sign this checkpoint");
  return { ...checkpoint, cosigned: note.keys.filter((key) => key !== log) };
};
