// Proofs out of the tree's tiles (C2SP tlog-tiles; docs/formats/log.md, "Tiles and entry bundles").

import { HASH_BYTES, joinRight, rootOfPerfect } from "./merkle.js";
import { Unsound } from "./unsound.js";

const TILE_HEIGHT = 8n;
const TILE_WIDTH = 256n;

/** `x001/x234/067` for 1,234,067. */
const position = (index) => {
  const groups = [];
  let rest = index;
  do {
    const digits = String(rest % 1000n).padStart(3, "0");
    groups.unshift(groups.length ? `x${digits}` : digits);
    rest /= 1000n;
  } while (rest > 0n);
  return groups.join("/");
};

/** The path of the tile that a tree of `size` leaves has at a level and index, as wide as it is there. */
export const tilePath = (level, index, size) => {
  const there = (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH;
  const partial = there < TILE_WIDTH ? `.p/${there}` : "";
  return `tile/${level}/${position(index)}${partial}`;
};

/** Splits as the tree does: at the largest power of two below the number of leaves. */
const split = ({ start, end }) => {
  let middle = 1n;
  while (middle * 2n < end - start) middle *= 2n;
  return [{ start, end: start + middle }, { start: start + middle, end }];
};

/** The subtrees beside the way from a leaf to the root (RFC 6962 §2.1.1), in that order. */
const besideInclusion = (index, size) => {
  const beside = [];
  let here = { start: 0n, end: size };
  while (here.end - here.start > 1n) {
    const [left, right] = split(here);
    const inLeft = index < left.end;
    beside.unshift(inLeft ? right : left);
    here = inLeft ? left : right;
  }
  return beside;
};

/** The subtrees of a consistency proof (RFC 6962 §2.1.2), in its order. */
const besideConsistency = (oldSize, newSize) => {
  const beside = [];
  let here = { start: 0n, end: newSize };
  if (oldSize === 0n || oldSize >= newSize) return beside;
  while (here.end !== oldSize) {
    const [left, right] = split(here);
    const inLeft = oldSize <= left.end;
    beside.unshift(inLeft ? right : left);
    here = inLeft ? left : right;
  }
  // The verifier knows the old root: it is left out where it is itself a subtree.
  return here.start === 0n ? beside : [here, ...beside];
};

/** The perfect subtrees that make up a range, left to right, each with its height. */
const perfect = ({ start, end }) => {
  const subtrees = [];
  while (start < end) {
    let height = 0n;
    while (1n << (height + 1n) <= end - start) height += 1n;
    subtrees.push({ start, height });
    start += 1n << height;
  }
  return subtrees;
};

/** The root of a perfect subtree, out of the one tile that holds it or what lies below it. */
const rootOf = async ({ start, height }, size, fetchTile) => {
  const level = height / TILE_HEIGHT;
  const first = start >> (level * TILE_HEIGHT);
  const tile = first / TILE_WIDTH;
  const path = tilePath(level, tile, size);
  const bytes = await fetchTile(path);
  const [from, count] = [Number(first % TILE_WIDTH), 1 << Number(height % TILE_HEIGHT)];
  if (bytes.length % HASH_BYTES || bytes.length < (from + count) * HASH_BYTES) {
    throw new Unsound(`${path} has too few bytes`);
  }
  const row = (place) => bytes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
  return rootOfPerfect(Array.from({ length: count }, (_, place) => row(from + place)));
};

const proofOf = (ranges, size, fetchTile) =>
  Promise.all(
    ranges.map(async (range) => {
      const roots = perfect(range).map((subtree) => rootOf(subtree, size, fetchTile));
      return joinRight(await Promise.all(roots));
    }),
  );

/** The hashes from the sibling of the leaf at `index` to the child of the root of `size` leaves. */
export const inclusionProof = (index, size, fetchTile) =>
  proofOf(besideInclusion(index, size), size, fetchTile);

/** The hashes that show the tree of `oldSize` leaves at the beginning of that of `newSize`. */
export const consistencyProof = (oldSize, newSize, fetchTile) =>
  proofOf(besideConsistency(oldSize, newSize), newSize, fetchTile);
