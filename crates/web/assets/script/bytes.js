// Bytes and the texts that stand for them.

export const utf8 = (text) => new TextEncoder().encode(text);

/** The text of bytes that must be UTF-8. */
export const textOf = (bytes) =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

export const hex = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const fromHex = (text) => {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new TypeError("not hexadecimal digits");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
};

export const equal = (one, other) =>
  one.length === other.length && one.every((byte, place) => byte === other[place]);

/** Standard alphabet with padding. */
export const base64 = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** Bytes of base64 in the standard alphabet with padding; whatever else is refused. */
export const fromBase64 = (text) => {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  if (base64(bytes) !== text) throw new TypeError("not base64 as it is written here");
  return bytes;
};

const MAX_WHOLE = 2n ** 64n - 1n;

/** The number, as a BigInt, that decimal digits without a leading zero stand for, at most 2⁶⁴ - 1. */
export const fromDecimal = (text) => {
  const number = /^(0|[1-9][0-9]{0,19})$/.test(text) ? BigInt(text) : MAX_WHOLE + 1n;
  if (number > MAX_WHOLE) throw new TypeError("not a decimal number as it is written here");
  return number;
};

export const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

export const sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
