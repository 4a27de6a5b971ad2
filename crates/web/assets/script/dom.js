// Elements. Text is always set as text, so that nothing that is shown can become part of the page.

const SVG = "http://www.w3.org/2000/svg";

const filled = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
};

export const element = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);

export const shape = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

export const button = (words, act, kind = "") =>
  element("button", { type: "button", class: kind, onclick: act }, words);

export const paragraph = (words, kind = "") => element("p", { class: kind }, words);

/** A box with something to heed: kind is "", "care" or "bad". */
export const note = (kind, ...lines) =>
  element("div", { class: `note ${kind}` }, ...lines.map((line) => paragraph(line)));

/** Terms with what they are: `[{term, words}]`. */
export const facts = (pairs) =>
  element(
    "dl",
    { class: "facts" },
    ...pairs.flatMap(({ term, words }) => [element("dt", {}, term), element("dd", {}, words)]),
  );

/** A list of texts under a title. */
export const list = ({ title, items }) =>
  element(
    "section",
    {},
    element("h3", {}, title),
    element("ul", { class: "said" }, ...items.map((words) => element("li", {}, words))),
  );

/** A table of texts; all columns but the first are figures. */
export const table = ({ caption, head, rows, foot }) => {
  const cell = (name) => (words, place) =>
    place === 0 && name === "td"
      ? element("th", { scope: "row" }, words)
      : element(name, { class: place ? "n" : "" }, words);
  const line = (name) => (cells) => element("tr", {}, ...cells.map(cell(name)));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      caption ? element("caption", {}, caption) : null,
      element("thead", {}, line("th")(head)),
      element("tbody", {}, ...rows.map(line("td"))),
      foot ? element("tfoot", {}, line("td")(foot)) : null,
    ),
  );
};
