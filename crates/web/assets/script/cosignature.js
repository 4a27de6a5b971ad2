// Witnesses' timestamped cosignatures (C2SP tlog-cosignature; docs/formats/log.md, "Checkpoint").

import { utf8 } from "./bytes.js";

const TIME_BYTES = 8;
/** Latest time that a cosignature may state. */
const MAX_UNIX_SECONDS = 2n ** 63n - 1n;

/** The bytes that a witness signs over a note's text. */
export const message = (unixSeconds, text) =>
  utf8(`cosignature/v1\ntime ${unixSeconds}\n${text}`);

/** Time and Ed25519 signature out of a cosignature; nothing where the time cannot be. */
export const split = (blob) => {
  if (blob.length < TIME_BYTES) return null;
  const unixSeconds = blob.subarray(0, TIME_BYTES).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (unixSeconds > MAX_UNIX_SECONDS) return null;
  return { unixSeconds, signature: blob.subarray(TIME_BYTES) };
};
