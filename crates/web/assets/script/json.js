// Reading JSON whose bytes count: nothing may stand in them that reading loses.

/** The text without white space between its parts and with its strings written one way. */
const compact = (text) =>
  text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/g, (part) =>
    part[0] === '"' ? JSON.stringify(JSON.parse(part)) : "",
  );

/** Whether reading the text lost nothing: no field twice, no number that cannot be held. */
export const wholly = (text, value) => {
  try {
    return compact(text) === JSON.stringify(value);
  } catch {
    return false;
  }
};
