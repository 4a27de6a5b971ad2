// What was signed and has to reach the server. It is kept before it is sent, and sent again until
// the server has answered; the same signature again changes nothing there.

import { Refused, Unreached, get, postText } from "./api.js";
import { OUTBOX, all, drop, write } from "./database.js";

/** How far a signature has come. */
export const WAITING = "waiting";
export const DELIVERED = "delivered";
export const POSTED = "posted";
/** Of a refusal: the statement went back. */
export const RETURNED = "returned";
export const REJECTED = "rejected";
export const OVERTAKEN = "overtaken";

/** Finished ones that are kept for the signer to see. */
const MAX_FINISHED = 50;

const finished = ({ state }) => state !== WAITING && state !== DELIVERED;

/** Keeps something to send: `{what, statement, words, path, body}`. Resolves once it is on disk. */
export const put = (item) =>
  write(OUTBOX, { ...item, state: WAITING, detail: null, at: new Date().toISOString() });

export const items = async () => (await all(OUTBOX)).reverse();

/** Sends what waits, asks how the rest stands, and forgets what is long finished. */
export const flush = async () => {
  for (const item of await all(OUTBOX)) {
    try {
      if (item.state === WAITING) await send(item);
      else if (item.state === DELIVERED) await look(item);
    } catch (error) {
      if (error instanceof Unreached) return false;
      if (!(error instanceof Refused)) throw error;
    }
  }
  const old = (await all(OUTBOX)).filter(finished).reverse().slice(MAX_FINISHED);
  for (const { id } of old) await drop(OUTBOX, id);
  return true;
};

const send = async (item) => {
  let answer;
  try {
    answer = await postText(item.path, item.body);
  } catch (error) {
    if (error instanceof Refused && !error.passes) {
      await write(OUTBOX, { ...item, state: REJECTED, detail: error.message });
      return;
    }
    throw error;
  }
  const signed = answer?.state === POSTED ? POSTED : DELIVERED;
  const state = item.what === "refusal" ? RETURNED : signed;
  await write(OUTBOX, { ...item, state, submission: answer?.submission ?? null });
};

const look = async (item) => {
  const { state } = await get(`/api/v1/statements/${item.statement}`);
  if (state === "posted" || state === "corrected") await write(OUTBOX, { ...item, state: POSTED });
  const gone = item.what === "refusal" ? RETURNED : OVERTAKEN;
  if (state === "refused") await write(OUTBOX, { ...item, state: gone });
};
