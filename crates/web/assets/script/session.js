// Showing the server whose key this is, so that it tells what waits (docs/formats/api.md).

import { Refused, get, post, remove } from "./api.js";
import { answered } from "./key.js";

const PATH = "/api/v1/session";

/** The session of this very key: the one there is, or a new one. */
export const ensured = async (key, sign) => {
  try {
    const session = await get(PATH);
    if (session.key === key.publicKey) return session;
  } catch (error) {
    // No session, or one of a key that was revoked since: begin the next one.
    if (!(error instanceof Refused) || error.passes) throw error;
  }
  const challenge = await post(`${PATH}/challenge`, {});
  return post(PATH, await answered(key, sign, location.origin, challenge));
};

/** What waits, by the session's cookie. */
export const toSign = () => get(`${PATH}/statements`);

export const ended = () => remove(PATH);
