// What is signed, and the envelope that carries it (docs/formats/envelope.md).

import { base64, joined, utf8 } from "./bytes.js";

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
