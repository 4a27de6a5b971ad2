// Checking Ed25519 signatures (RFC 8032) as strictly as the server's program does: a key or a
// signature of small order holds for more than one message, and is refused.

import { hex } from "./bytes.js";

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** The eight points of small order, each in its one canonical encoding. */
const WEAK = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]);

/** Whether y, without the sign's bit, is below the field's prime 2²⁵⁵ - 19. */
const canonical = (point) =>
  point[0] < 0xed ||
  (point[KEY_BYTES - 1] & 0x7f) !== 0x7f ||
  point.subarray(1, KEY_BYTES - 1).some((byte) => byte !== 0xff);

const sound = (point) => canonical(point) && !WEAK.has(hex(point));

/** Whether these bytes may stand for a key. */
export const isKey = (bytes) => bytes.length === KEY_BYTES && sound(bytes);

let native;

/** Whether this browser has Ed25519 itself; found out by asking it once. */
const hasNative = async () => {
  native ??= crypto.subtle
    .generateKey({ name: "Ed25519" }, false, ["sign", "verify"])
    .then(() => true, () => false);
  return native;
};

/** Whether the key made this signature over exactly these bytes. */
export const verify = async (key, message, signature) => {
  if (!isKey(key) || signature.length !== SIGNATURE_BYTES) return false;
  if (!sound(signature.subarray(0, KEY_BYTES))) return false;
  if (!(await hasNative())) {
    const { verifyAsync } = await import("./noble-ed25519.js");
    return verifyAsync(signature, message, key, { zip215: false });
  }
  try {
    const kept = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, kept, signature, message);
  } catch {
    // Bytes that are no point of the curve.
    return false;
  }
};
