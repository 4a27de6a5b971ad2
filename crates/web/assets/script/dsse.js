// What is signed, and the envelope that carries it (docs/formats/envelope.md).

import { base64, fromBase64, joined, textOf, utf8 } from "./bytes.js";
import { SIGNATURE_BYTES } from "./ed25519.js";
import { wholly } from "./json.js";
import { Unsound } from "./unsound.js";

const MAX_ENVELOPE_BYTES = 65535;
const MAX_PAYLOAD_BYTES = 45000;
const MAX_PAYLOAD_TYPE_BYTES = 255;
const MAX_KEYID_BYTES = 128;
const MAX_SIGNATURES = 16;

/** The bytes that a signature is over: "DSSEv1" SP length SP type SP length SP payload. */
export const pae = (payloadType, payload) => {
  const type = utf8(payloadType);
  const head = joined(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `));
  return joined(head, payload);
};

/** An envelope with one signature, as JSON text. */
export const envelope = (payloadType, payload, keyid, sig) =>
  JSON.stringify({
    payload: base64(payload),
    payloadType,
    signatures: [{ keyid, sig: base64(sig) }],
  });

const fields = (value, names) => {
  const own = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  if (own.length !== names.length || !names.every((name) => own.includes(name))) {
    throw new Unsound("an envelope has other fields");
  }
  return value;
};

const text = (value, most) => {
  if (typeof value !== "string" || utf8(value).length > most) throw new Unsound("a field is no text, or too long");
  return value;
};

const bytes = (value) => {
  try {
    return fromBase64(text(value, MAX_ENVELOPE_BYTES));
  } catch {
    throw new Unsound("a field is not base64");
  }
};

const signature = (value) => {
  const { keyid, sig } = fields(value, ["keyid", "sig"]);
  const read = { keyid: text(keyid, MAX_KEYID_BYTES), sig: bytes(sig) };
  if (read.sig.length !== SIGNATURE_BYTES) throw new Unsound("a signature has 64 bytes");
  return read;
};

/** An envelope's `{payloadType, payload, signatures}`, none of them checked. */
export const parse = (envelope) => {
  if (envelope.length > MAX_ENVELOPE_BYTES) throw new Unsound("an envelope is not that long");
  let value;
  let whole = false;
  try {
    const written = textOf(envelope);
    value = JSON.parse(written);
    whole = wholly(written, value);
  } catch {
    // Unsound below.
  }
  if (!whole) throw new Unsound("an envelope is one JSON object, each field once");
  const { payload, payloadType, signatures } = fields(value, ["payload", "payloadType", "signatures"]);
  const read = { payload: bytes(payload), payloadType: text(payloadType, MAX_PAYLOAD_TYPE_BYTES) };
  if (read.payload.length > MAX_PAYLOAD_BYTES || read.payloadType === "") {
    throw new Unsound("a payload is that long, or has no type");
  }
  if (!Array.isArray(signatures) || signatures.length > MAX_SIGNATURES) {
    throw new Unsound("an envelope has at most 16 signatures");
  }
  return { ...read, signatures: signatures.map(signature) };
};
