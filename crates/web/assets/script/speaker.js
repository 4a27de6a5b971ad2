// Saying a text of a table `{name: [中文, English]}` in the reader's language.

/** For a table: a function from a language to one that says a text, its places filled in. */
export const speakerOf = (texts) => (lang) => {
  const column = lang.startsWith("zh") ? 0 : 1;
  const say = (text, ...parts) =>
    (texts[text]?.[column] ?? text).replace(/\{(\d)\}/g, (_, place) => String(parts[place] ?? ""));
  /** The word for a code; the code itself where there is none. */
  say.code = (what, code) => (Object.hasOwn(texts, `${what}_${code}`) ? say(`${what}_${code}`) : String(code));
  say.lang = column === 0 ? "zh" : "en";
  return say;
};
