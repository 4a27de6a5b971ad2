// Whose cosignatures a checkpoint needs (C2SP tlog-policy; docs/formats/log.md, "Policy of witnesses").

import { fromDecimal, utf8 } from "./bytes.js";
import { COSIGNATURE, ED25519, verifierKey } from "./note.js";
import { Unsound } from "./unsound.js";

const MAX_POLICY_BYTES = 65536;
const MAX_OF_EACH = 32;
const NONE = "none";

/** A policy as `{logs, witnesses: [{name, key}], met: (keys) => boolean}`. */
export const parse = async (text) => {
  if (utf8(text).length > MAX_POLICY_BYTES) throw new Unsound("a policy is not that long");
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) throw new Unsound("a policy has no control characters");
  const reading = { logs: [], witnesses: [], groups: 0, names: new Map(), members: new Set(), quorum: null };
  for (const line of text.split("\n")) {
    const [first, ...words] = line.split(/[ \t]+/).filter((word) => word !== "");
    if (first === undefined || first.startsWith("#")) continue;
    if (!Object.hasOwn(LINES, first)) throw new Unsound(`a policy has no '${first}' lines`);
    await LINES[first](reading, words);
  }
  const { logs, witnesses, quorum } = reading;
  if (!quorum) throw new Unsound("a policy has a quorum line");
  return { logs, witnesses, met: quorum };
};

const sameKey = (one, other) => one.text.split("+")[2] === other.text.split("+")[2];

const keyOf = async (text, type, known) => {
  const key = await verifierKey(text);
  if (key.type !== type) throw new Unsound("a key of the policy has another type");
  if (known.length >= MAX_OF_EACH) throw new Unsound("a policy has not that many keys");
  if (known.some((other) => sameKey(other, key))) throw new Unsound("a key stands twice in the policy");
  return key;
};

const define = ({ names }, name, met) => {
  if (name === NONE || names.has(name)) throw new Unsound(`the name ${name} is taken`);
  names.set(name, met);
};

const known = ({ names }, name) => {
  if (!names.has(name)) throw new Unsound(`${name} is no witness or group`);
  return names.get(name);
};

const threshold = (word, members) => {
  if (word === "all") return members;
  if (word === "any") return 1;
  let least = 0n;
  try {
    least = fromDecimal(word);
  } catch {
    // Not a number: refused below.
  }
  if (least < 1n || least > BigInt(members)) throw new Unsound(`'${word}' is no number of members`);
  return Number(least);
};

const counted = (words, least, most) => {
  if (words.length < least || words.length > most) throw new Unsound("a line of the policy has other words");
};

const LINES = {
  log: async ({ logs }, words) => {
    counted(words, 1, 2);
    logs.push(await keyOf(words[0], ED25519, logs));
  },
  witness: async (reading, words) => {
    counted(words, 2, 3);
    const key = await keyOf(words[1], COSIGNATURE, reading.witnesses.map((witness) => witness.key));
    define(reading, words[0], (keys) => keys.some((other) => other.text === key.text));
    reading.witnesses.push({ name: words[0], key });
  },
  group: async (reading, [name, least, ...members]) => {
    if (!members.length) throw new Unsound("a group has members");
    if (++reading.groups > MAX_OF_EACH) throw new Unsound("a policy has not that many groups");
    const needed = threshold(least, members.length);
    const met = members.map((member) => {
      if (reading.members.has(member)) throw new Unsound(`${member} is a member already`);
      reading.members.add(member);
      return known(reading, member);
    });
    define(reading, name, (keys) => met.filter((one) => one(keys)).length >= needed);
  },
  quorum: async (reading, words) => {
    counted(words, 1, 1);
    if (reading.quorum) throw new Unsound("a policy has one quorum");
    reading.quorum = words[0] === NONE ? () => true : known(reading, words[0]);
  },
};
