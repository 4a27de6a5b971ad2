// Merkle tree hashing and proofs: RFC 6962 §2.1, checked as RFC 9162 §2.1.3 and §2.1.4 say
// (docs/formats/log.md, "Tree"). Sizes and indexes are BigInts: a tree may have 2⁶⁴ - 1 leaves.

import { equal, joined, sha256 } from "./bytes.js";
import { Unsound } from "./unsound.js";

export const HASH_BYTES = 32;
/** Most hashes of a proof. */
export const MAX_PROOF_HASHES = 65;

/** SHA-256(0x00 ‖ entry) */
export const leafHash = (entry) => sha256(joined(Uint8Array.of(0), entry));

/** SHA-256(0x01 ‖ left ‖ right) */
export const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

/** SHA-256 of nothing: the root of a tree without leaves. */
export const emptyRoot = () => sha256(new Uint8Array());

/** The root over a perfect subtree's hashes, of which there are a power of two. */
export const rootOfPerfect = async (hashes) => {
  let level = hashes;
  while (level.length > 1) {
    const pairs = level.filter((_, place) => place % 2 === 0);
    level = await Promise.all(pairs.map((left, place) => nodeHash(left, level[2 * place + 1])));
  }
  return level[0];
};

/** Joins the roots of perfect subtrees, given left to right, into the root above them. */
export const joinRight = async (peaks) => {
  let right = peaks.at(-1);
  for (const left of peaks.slice(0, -1).reverse()) right = await nodeHash(left, right);
  return right;
};

/** The tree does not begin with the older one. */
export class OtherHistory extends Unsound {}

const wrongLength = () => new Unsound("the proof does not fit the sizes");

/** Follows a proof upwards: `step(sibling, sibling is on the left)` for each of its hashes. */
const climb = async (node, last, proof, step) => {
  for (const sibling of proof) {
    if (last === 0n) throw wrongLength();
    const onLeft = (node & 1n) === 1n || node === last;
    await step(sibling, onLeft);
    // A right-most node without a sibling moves up unchanged until it is a right child.
    while (onLeft && (node & 1n) === 0n && node !== 0n) {
      node >>= 1n;
      last >>= 1n;
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw wrongLength();
};

/** Checks that a leaf hash stands at `index` of the tree of `size` leaves with this root. */
export const verifyInclusion = async (leaf, index, size, proof, root) => {
  if (index >= size) throw new Unsound("the index lies outside the tree");
  let hash = leaf;
  await climb(index, size - 1n, proof, async (sibling, onLeft) => {
    hash = onLeft ? await nodeHash(sibling, hash) : await nodeHash(hash, sibling);
  });
  if (!equal(hash, root)) throw new Unsound("the proof leads to another root");
};

/** Checks that the tree of `newSize` leaves begins with exactly the tree of `oldSize` leaves. */
export const verifyConsistency = async (oldSize, newSize, proof, oldRoot, newRoot) => {
  if (oldSize > newSize) throw new Unsound("the older tree is larger");
  if (oldSize === 0n || oldSize === newSize) {
    if (proof.length) throw wrongLength();
    const same = oldSize === newSize ? newRoot : await emptyRoot();
    if (!equal(oldRoot, same)) throw new OtherHistory("the roots differ");
    return;
  }
  // The old tree's own root starts the proof and is left out of it when it is a subtree.
  const whole = (oldSize & (oldSize - 1n)) === 0n;
  if (!whole && !proof.length) throw wrongLength();
  const [start, path] = whole ? [oldRoot, proof] : [proof[0], proof.slice(1)];
  let [node, last] = [oldSize - 1n, newSize - 1n];
  while ((node & 1n) === 1n) [node, last] = [node >> 1n, last >> 1n];
  let [old, now] = [start, start];
  await climb(node, last, path, async (sibling, onLeft) => {
    if (onLeft) old = await nodeHash(sibling, old);
    now = onLeft ? await nodeHash(sibling, now) : await nodeHash(now, sibling);
  });
  // First that the proof is this tree's: only then does another old root tell of another history.
  if (!equal(now, newRoot)) throw new Unsound("the proof leads to another root");
  if (!equal(old, oldRoot)) throw new OtherHistory("the proof leads to another old root");
};
