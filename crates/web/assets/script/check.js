// What a posting's page checks, in order, without a page: the log's checkpoint, that it continues
// what was seen before, that the posting stands in it, and that its signatures hold
// (docs/formats/log.md, "What a page checks"). Each check that fails has a name of its own.

import { base64, textOf } from "./bytes.js";
import * as checkpoints from "./checkpoint.js";
import { BadSignature, directory } from "./directory.js";
import { NotIncluded, reader } from "./log.js";
import { OtherHistory, verifyConsistency } from "./merkle.js";
import { verifierKey } from "./note.js";
import * as policies from "./policy.js";
import * as proofs from "./proof.js";
import { consistencyProof } from "./tiles.js";
import { Unsound } from "./unsound.js";

/** A check that failed, by its name in verify-text.js (`bad_<check>`). */
export class Failed extends Error {
  constructor(check, ...parts) {
    super(check);
    Object.assign(this, { check, parts });
  }
}

const under = async (check, act) => {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Unsound) throw new Failed(check, error.message);
    throw error;
  }
};

/** The log's key and the policy of its witnesses, as they are served; the key must be the one that was seen before. */
export const trusted = async (fetchFile, seen) => {
  const [vkey, witnesses] = await Promise.all(["log.vkey", "witnesses.policy"].map(fetchFile));
  const policyText = textOf(witnesses);
  const key = await under("key", () => verifierKey(textOf(vkey).trimEnd()));
  if (seen && seen.key !== key.text) throw new Failed("key_changed", seen.key, key.text);
  const policy = await under("policy", () => policies.parse(policyText));
  return { key, policy, policyText };
};

/**
 * The log under its present checkpoint: signed by the log, cosigned as the policy asks, continuing
 * what was seen before. `seen` is what `seen.js` remembers, or nothing.
 */
export const checkLog = async (fetchFile, seen) => {
  const [file, { key, policy, policyText }] = await Promise.all([
    fetchFile("checkpoint"),
    trusted(fetchFile, seen),
  ]);
  const witnesses = policy.witnesses.map((witness) => witness.key);
  const checkpoint = await under("checkpoint", () => checkpoints.open(file, key, witnesses));
  if (!policy.met(checkpoint.cosigned)) throw new Failed("witnesses", checkpoint.cosigned.length);
  const log = reader(checkpoint, fetchFile);
  if (seen) await continues(seen, checkpoint, log);
  return {
    log,
    key,
    policy,
    checkpoint,
    seen: { key: key.text, policy: policyText, size: checkpoint.size, root: base64(checkpoint.root) },
  };
};

/** Checks that a checkpoint continues an earlier one, which has its size as text and its root in base64. */
export const continues = async (seen, { size, root }, log) => {
  const old = BigInt(seen.size);
  if (size < old) throw new Failed("shrunk", old, size);
  const oldRoot = Uint8Array.from(atob(seen.root), (char) => char.charCodeAt(0));
  try {
    const proof = await consistencyProof(old, size, log.file);
    await verifyConsistency(old, size, proof, oldRoot, root);
  } catch (error) {
    if (error instanceof OtherHistory) throw new Failed("forked", old);
    if (error instanceof Unsound) throw new Failed("tiles", error.message);
    throw error;
  }
};

/** The posting at an index with its signers, proved; `place` tells where the log enrolled a key. */
export const checkPosting = async ({ log, key }, index, place) => {
  if (index >= log.size) throw new Failed("not_in_log", index, log.size);
  try {
    return await directory(log, key, place).judge(index);
  } catch (error) {
    if (error instanceof NotIncluded) throw new Failed("inclusion", error.index);
    if (error instanceof BadSignature) {
      throw new Failed(`signature_${error.why}`, error.person || error.keyid.slice(0, 16));
    }
    if (error instanceof Unsound) throw new Failed("entry", error.message);
    throw error;
  }
};

/**
 * What a receipt or a checkpoint proves, as `mingqu verify` says it: `{what, index, entry, checkpoint}`.
 * `entryOf(index)` gives the entry that a receipt is about.
 */
export const checkFile = async (bytes, { key, policy }, entryOf) => {
  const witnesses = policy.witnesses.map((witness) => witness.key);
  if (!proofs.isReceipt(bytes)) {
    const checkpoint = await under("checkpoint", () => checkpoints.open(bytes, key, witnesses));
    return { what: "checkpoint", index: null, entry: null, checkpoint };
  }
  const proof = await under("receipt", async () => proofs.parse(bytes));
  const entry = await entryOf(proof.index);
  const checkpoint = await under("receipt", () => proofs.verify(proof, entry, key, witnesses));
  return { what: "receipt", index: proof.index, entry, checkpoint };
};
