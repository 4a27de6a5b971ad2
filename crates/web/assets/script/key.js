// The person's key. It is made in this browser and never leaves it.
//
// "browser": WebCrypto holds it and gives it to nobody, not even to this page.
// "software": for browsers without Ed25519; the secret is encrypted under a PIN, and is in this
// page's memory while it is used.

import { base64, fromHex, hex, sha256 } from "./bytes.js";
import { KEY, drop, read, write } from "./database.js";

const OWN = "own";
const TRIAL = "trial";
/** PBKDF2 with SHA-256: about a second on a slow phone. */
export const PIN_ITERATIONS = 600000;
export const MIN_PIN_DIGITS = 6;
const SALT_BYTES = 16;
const IV_BYTES = 12;
/** In the address, makes every new key a software key. */
const FORCED = "software-key";

/** The PIN does not open the key. */
export class WrongPin extends Error {}

/** Whether this page can make a key at all: a browser hides its cryptography from plain HTTP. */
export const possible = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

/** "browser" or "software": how a key made now would be kept. Found out by doing it. */
export const howKept = async () => {
  if (new URLSearchParams(globalThis.location?.search ?? "").has(FORCED)) return "software";
  try {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    await write(KEY, { name: TRIAL, privateKey: pair.privateKey });
    const { privateKey } = await read(KEY, TRIAL);
    await drop(KEY, TRIAL);
    const message = new Uint8Array([1]);
    const sig = await crypto.subtle.sign({ name: "Ed25519" }, privateKey, message);
    const good = await crypto.subtle.verify({ name: "Ed25519" }, pair.publicKey, sig, message);
    return good ? "browser" : "software";
  } catch {
    return "software";
  }
};

/** The key of this browser, or nothing. */
export const load = async () => {
  const kept = await read(KEY, OWN);
  return kept ? kept : null;
};

/** Notes with the key how far its enrolment has come. */
export const note = (key, enrolment) => write(KEY, { ...key, enrolment });

/** Makes a key that WebCrypto holds, and keeps it in place of any other. */
export const makeInBrowser = async () => {
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  const publicKey = hex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  return keep({ kept: "browser", publicKey, privateKey: pair.privateKey });
};

/** Makes a software key under a PIN, and keeps it in place of any other. */
export const makeUnderPin = async (pin) => {
  const noble = await import("./noble-ed25519.js");
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const publicKey = hex(await noble.getPublicKeyAsync(secret));
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const lock = await lockOf(pin, salt, PIN_ITERATIONS);
  const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, lock, secret);
  secret.fill(0);
  return keep({ kept: "software", publicKey, salt, iv, iterations: PIN_ITERATIONS, wrapped });
};

const keep = async (key) => {
  const fingerprint = hex(await sha256(fromHex(key.publicKey)));
  const whole = { name: OWN, enrolment: null, fingerprint, ...key };
  await write(KEY, whole);
  return whole;
};

/** A function that signs bytes with the key. A software key wants its PIN. */
export const signer = async (key, pin) => {
  if (key.kept === "browser") {
    return async (bytes) =>
      new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, key.privateKey, bytes));
  }
  const noble = await import("./noble-ed25519.js");
  const lock = await lockOf(pin, key.salt, key.iterations);
  let secret;
  try {
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: key.iv }, lock, key.wrapped);
    secret = new Uint8Array(opened);
  } catch {
    throw new WrongPin();
  }
  return (bytes) => noble.signAsync(bytes, secret);
};

const lockOf = async (pin, salt, iterations) => {
  const digits = new TextEncoder().encode(pin);
  const base = await crypto.subtle.importKey("raw", digits, "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  const kind = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(how, base, kind, false, ["encrypt", "decrypt"]);
};

/** The first 16 digits in fours: enough for people to compare. */
export const shortForm = (fingerprint) => fingerprint.slice(0, 16).match(/.{4}/g).join(" ");

/** The bytes that prove, signed, that whoever hands in the key has it (docs/formats/api.md). */
export const enrolmentText = (district, code, key) =>
  new TextEncoder().encode(
    `mingqu-enrolment/v1\n${district}\n${code}\n${key.publicKey}\n${key.kept}\n`,
  );

/** The bytes that begin a session, signed (docs/formats/api.md). */
export const sessionText = (origin, district, key, nonce) =>
  new TextEncoder().encode(
    `mingqu-session/v1\n${origin}\n${district}\n${key.publicKey}\n${nonce}\n`,
  );

/** What begins a session, for `POST /api/v1/session`. */
export const answered = async (key, sign, origin, { nonce, district }) => {
  const signature = base64(await sign(sessionText(origin, district, key, nonce)));
  return { key: key.publicKey, nonce, signature };
};
