// Taking a statement apart by name, so that whatever is left over is known to be unknown.

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isPlain = (value) => ["string", "number", "boolean", "undefined"].includes(typeof value) || value === null;

/**
 * Lets `take` read an object's fields, each as what it should be, and returns what it returns. Into
 * `unknown` goes where something stood that was not asked for, or that is not what was asked for.
 */
export const apart = (where, value, unknown, take) => {
  const rest = isObject(value) ? { ...value } : {};
  const at = (name) => (where ? `${where}.${name}` : name);
  const taken = (name, fits) => {
    const own = Object.hasOwn(rest, name) ? rest[name] : undefined;
    delete rest[name];
    if (!fits(own)) unknown.push(at(name));
    return fits(own) ? own : undefined;
  };
  const listed = (name) => taken(name, (own) => own === undefined || Array.isArray(own)) ?? [];
  if (!isObject(value)) unknown.push(where || "?");
  const result = take({
    /** A text, a number, yes or no, or nothing. */
    plain: (name) => taken(name, isPlain),
    plains: (name) =>
      listed(name).map((own) => {
        if (!isPlain(own)) unknown.push(at(name));
        return String(own);
      }),
    whole: (name, inner) => apart(at(name), taken(name, () => true), unknown, inner),
    /** The same, or nothing where there is nothing. */
    maybe: (name, inner) =>
      Object.hasOwn(rest, name) ? apart(at(name), taken(name, () => true), unknown, inner) : null,
    each: (name, inner) => listed(name).map((own) => apart(at(name), own, unknown, inner)),
    /** Whatever stands there, for somebody else to take apart. */
    any: (name) => taken(name, () => true),
    /** Pairs of numbers. */
    pairs: (name) =>
      listed(name).map((own) => {
        const good = Array.isArray(own) && own.length === 2 && own.every(isPlain);
        if (!good) unknown.push(at(name));
        return good ? own : ["?", "?"];
      }),
  });
  unknown.push(...Object.keys(rest).map(at));
  return result;
};

/** A line of what is shown; the short ones also stand in lists. */
export const fact = (term, words, short = false) => ({ term, words: String(words), short });

/** What an attachment is named by. */
export const attachment = (part) => ({
  sha256: part.plain("sha256"),
  bytes: part.plain("bytes"),
  media_type: part.plain("media_type"),
});
