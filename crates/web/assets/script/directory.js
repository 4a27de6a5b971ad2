// Whose signatures an entry carries, out of the log's own `district` and `key` entries.
//
// The server's index says where a key was enrolled; that entry counts once it is proved to stand in
// the log and its own signatures hold, up to the genesis, which names the root keys. That a key was
// never revoked cannot be proved so: only reading the whole log shows what is not in it.

import { equal, fromHex, hex, sha256, textOf } from "./bytes.js";
import { pae, parse } from "./dsse.js";
import { KEY_BYTES, verify } from "./ed25519.js";
import { wholly } from "./json.js";
import { NotGiven } from "./log.js";
import { Unsound } from "./unsound.js";

/** Most keys that are looked up for one posting. */
export const MAX_KEYS = 16;

const TYPE = /^application\/vnd\.mingqu\.([a-z-]+)\.v1\+json$/;
/** What every policy must ask for, whatever else it says (docs/formats/statements.md). */
const BOTH_SIDES = ["roster", "watering", "correction", "bill-run"];
const BY_THE_LOG = ["overdue", "balance"];

/** A signature, or the key behind it, does not count. */
export class BadSignature extends Unsound {
  constructor(why, keyid, person = "") {
    super(why);
    Object.assign(this, { why, keyid, person });
  }
}

/** An entry's `{kind, statement, payloadType, payload, signatures}`. */
export const readEntry = (entry) => {
  const envelope = parse(entry);
  const kind = TYPE.exec(envelope.payloadType)?.[1];
  let statement;
  let whole = false;
  try {
    const text = textOf(envelope.payload);
    statement = JSON.parse(text);
    whole = wholly(text, statement);
  } catch {
    // Refused below.
  }
  if (!kind || !whole || !statement?.head) throw new Unsound("the entry is no statement");
  return { kind, statement, ...envelope };
};

const keyBytes = (text) => {
  const key = typeof text === "string" && text.length === 2 * KEY_BYTES ? fromHex(text) : null;
  if (!key) throw new Unsound("a key is 64 hexadecimal digits");
  return key;
};

/** `{place(fingerprint) → {enrolled_at, revoked_at} | null}` and a reader make a directory. */
export const directory = (log, logKey, place) => {
  const places = new Map();
  const known = new Map();
  const judged = new Map();

  const placeOf = (keyid) => {
    if (!places.has(keyid)) {
      if (places.size >= MAX_KEYS) throw new NotGiven("keys");
      places.set(keyid, place(keyid));
    }
    return places.get(keyid);
  };

  /** Who may sign with a key in the entry after `before`. An enrolment stands before what it allows. */
  const holder = async (keyid, before) => {
    const told = await placeOf(keyid);
    if (!told) throw new BadSignature("unknown", keyid);
    const at = BigInt(told.enrolled_at);
    if (at > before) throw new BadSignature("unknown", keyid);
    if (told.revoked_at !== null && BigInt(told.revoked_at) <= before) throw new BadSignature("revoked", keyid);
    if (!known.has(keyid)) known.set(keyid, found(keyid, at));
    return known.get(keyid);
  };

  const found = async (keyid, at) => {
    const { entry } = await judge(at);
    const who = await enrolledBy(entry, at, keyid);
    if (hex(await sha256(who.key)) !== keyid) throw new BadSignature("unknown", keyid);
    return who;
  };

  /** Who holds the key that an entry enrols. */
  const enrolledBy = async ({ kind, statement }, at, keyid) => {
    const nobodys = { village: null, household: null };
    if (kind === "district" && at === 0n) {
      if (hex(await sha256(logKey.key)) === keyid) {
        return { ...nobodys, role: "log", person: "log", key: logKey.key };
      }
      for (const { person, key } of statement.roots) {
        const root = keyBytes(key);
        if (hex(await sha256(root)) === keyid) return { ...nobodys, role: "root", person, key: root };
      }
    }
    const { enrol, rotate } = kind === "key" ? statement.act : {};
    if (enrol) {
      const { person, role, village, household, key } = enrol;
      return { person, role, village: village ?? null, household: household ?? null, key: keyBytes(key) };
    }
    if (rotate) {
      const { role, person, village, household } = await holder(rotate.old, at - 1n);
      return { role, person, village, household, key: keyBytes(rotate.new) };
    }
    throw new BadSignature("unknown", keyid);
  };

  /** The entry at an index, proved to stand there, with its signers, all of whose signatures hold. */
  const judge = (index) => {
    if (!judged.has(index)) judged.set(index, judgeOnce(index));
    return judged.get(index);
  };

  const judgeOnce = async (index) => {
    const entry = readEntry(await log.entry(index));
    const message = pae(entry.payloadType, entry.payload);
    const genesis = entry.kind === "district" && index === 0n;
    if (genesis && entry.statement.log_key !== logKey.text) throw new Unsound("the genesis names another log key");
    const checked = entry.signatures.map(async ({ keyid, sig }) => {
      const who = await signerOf(entry, index, keyid, genesis);
      if (!(await verify(who.key, message, sig))) throw new BadSignature("invalid", keyid, who.person);
      return { keyid, ...who };
    });
    const signers = await Promise.all(checked);
    checkSigners(entry, signers);
    return { entry, signers };
  };

  /** A signer of an entry: the genesis and a rotation are signed by keys that they name themselves. */
  const signerOf = async (entry, index, keyid, genesis) => {
    if (genesis) return enrolledBy(entry, index, keyid);
    const { rotate } = entry.kind === "key" ? entry.statement.act : {};
    if (!rotate) return holder(keyid, index - 1n);
    const owner = await holder(rotate.old, index - 1n);
    const key = keyBytes(rotate.new);
    if (keyid === rotate.old) return owner;
    if (hex(await sha256(key)) !== keyid) throw new BadSignature("not_named", keyid);
    return { ...owner, key };
  };

  return { judge };
};

/** What holds for every entry, whatever policy is in force. */
const checkSigners = ({ kind, statement }, signers) => {
  const named = Array.isArray(statement.head.signers) ? statement.head.signers : [];
  const rotation = kind === "key" && statement.act?.rotate;
  const place = kind === "key" ? statement.act?.enrol?.village : (statement.watering?.village ?? statement.village);
  const shares = statement.watering?.shares ?? [];
  signers.forEach((signer, order) => {
    const { keyid, role, person, village, household } = signer;
    const refuse = (why) => {
      throw new BadSignature(why, keyid, person);
    };
    if (!named.some((one) => one.key === keyid && one.role === role)) refuse("not_named");
    if (village && place && village !== place) refuse("other_village");
    if (household && shares.some((share) => share.household === household)) refuse("recused");
    const before = signers.slice(0, order);
    if (before.some((one) => (rotation ? equal(one.key, signer.key) : one.person === person))) refuse("twice");
  });
  const count = (role) => signers.filter((signer) => signer.role === role).length;
  const enough =
    (!BOTH_SIDES.includes(kind) || (count("station") && count("cadre"))) &&
    (!BY_THE_LOG.includes(kind) || (count("log") === 1 && signers.length === 1)) &&
    signers.length >= (kind === "key" ? 2 : 1);
  if (!enough) throw new BadSignature("missing", "");
};
