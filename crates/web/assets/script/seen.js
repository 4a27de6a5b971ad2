// What this browser remembers of the log: its key, its policy of witnesses, and the last checkpoint
// that it saw and checked. Who shows one log today and another tomorrow is found out by it.

import { SEEN, drop, read, write } from "./database.js";

const LOG = "log";

/** `{key, policy, size, root}` as they were last time, or nothing; its size is decimal text. */
export const load = async () => (await read(SEEN, LOG)) ?? null;

export const remember = ({ key, policy, size, root }) =>
  write(SEEN, { name: LOG, key, policy, size: String(size), root });

export const forget = () => drop(SEEN, LOG);
