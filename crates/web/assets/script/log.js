// The public log as this browser reads it under one checkpoint: an entry counts once it is proved
// to stand in the tree, and what was fetched is kept for the next proof.

import { Refused as Refusal, getBytes } from "./api.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import { inclusionProof } from "./tiles.js";
import { Unsound } from "./unsound.js";

/** Most files that one page fetches from the log. */
export const MAX_FETCHES = 64;

/** The log did not give what it must have, or would have to give more than is asked for. */
export class NotGiven extends Error {}

/** An entry does not stand where it is said to stand. */
export class NotIncluded extends Unsound {
  constructor(index, why) {
    super(why);
    this.index = index;
  }
}

/** Reads `{size, root}` of a log, whose files `fetchFile(path)` gives. */
export const reader = ({ size, root }, fetchFile) => {
  const fetched = new Map();
  const file = (path) => {
    if (!fetched.has(path)) {
      if (fetched.size >= MAX_FETCHES) throw new NotGiven(path);
      fetched.set(path, fetchFile(path));
    }
    return fetched.get(path);
  };
  const proved = new Map();
  const prove = async (index) => {
    try {
      const [envelope, proof] = await Promise.all([
        file(`postings/${index}/envelope`),
        inclusionProof(index, size, file),
      ]);
      await verifyInclusion(await leafHash(envelope), index, size, proof, root);
      return envelope;
    } catch (error) {
      throw error instanceof Unsound ? new NotIncluded(index, error.message) : error;
    }
  };
  return {
    size,
    root,
    file,
    fetches: () => fetched.size,
    /** The exact bytes of an entry, proved to stand at this index. */
    entry: (index) => {
      if (!proved.has(index)) proved.set(index, prove(index));
      return proved.get(index);
    },
  };
};

/** A file of this site's log; what never changes may come out of the browser's cache. */
export const served = async (path) => {
  try {
    return await getBytes(`/${path}`, { cache: path === "checkpoint" ? "no-store" : "default" });
  } catch (error) {
    if (error instanceof Refusal) throw new NotGiven(path);
    throw error;
  }
};
