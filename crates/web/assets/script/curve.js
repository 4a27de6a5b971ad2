// The curve beside a watering, as the posting's page draws it.

import { element, shape } from "./dom.js";
import { cubicMetres, time } from "./figures.js";

const WIDTH = 1000;
const HEIGHT = 300;
const FLOW_HEIGHT = 100;
const HEADROOM = 10;
const MILLIS_PER_HOUR = 3600000;

/** Whether the meter's points say what the statement says: V(t0) and V(t1), to the litre. */
export const agrees = (points, { start, end, at_start_litres, at_end_litres }) => {
  const at = (instant) => points.find(([when]) => Date.parse(when) === Date.parse(instant))?.[1];
  const [first, last] = [at(start), at(end)];
  if (first === undefined || last === undefined) return true;
  return last - first === at_end_litres - at_start_litres;
};

const measured = (points) => {
  const [from, low] = [Date.parse(points[0][0]), points[0][1]];
  const [to, high] = [Date.parse(points.at(-1)[0]), points.at(-1)[1]];
  return { from, to, low, high, rise: Math.max(high - low, 1), length: Math.max(to - from, 1) };
};

/** A figure over points `[time, litres]`, with the start and the end of the span marked. */
export const drawn = (points, readings, span, say) => {
  const { from, low, rise, length, high } = measured(points);
  const x = (text) => Math.round(((Date.parse(text) - from) * WIDTH) / length);
  const y = (litres) => Math.round(HEIGHT - ((litres - low) * (HEIGHT - HEADROOM)) / rise);
  const line = points.map(([at, litres]) => `${x(at)},${y(litres)}`).join(" ");
  const flows = points.slice(1).map(([at, litres], place) => {
    const [before, counted] = points[place];
    const millis = Math.max(Date.parse(at) - Date.parse(before), 1);
    return [x(before), x(at), Math.max(((litres - counted) * MILLIS_PER_HOUR) / millis, 0)];
  });
  const peak = Math.max(1, ...flows.map(([, , flow]) => flow));
  const steps = flows
    .map(([left, right, flow]) => {
      const top = Math.round(FLOW_HEIGHT - (flow * FLOW_HEIGHT) / peak);
      return `M${left},${FLOW_HEIGHT}V${top}H${right}V${FLOW_HEIGHT}Z`;
    })
    .join("");
  const edge = (at, height) => shape("line", { class: "edge", x1: x(at), x2: x(at), y1: 0, y2: height });
  const edges = (height) => [edge(span.start, height), edge(span.end, height)];
  const base = (at) => shape("line", { class: "base", x1: 0, x2: WIDTH, y1: at, y2: at });
  const box = (height, kind, ...shapes) =>
    shape(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", class: kind, "aria-hidden": "true" },
      ...shapes,
    );
  const head = (left, right) =>
    element("div", { class: "head" }, element("span", {}, left), element("span", {}, right));
  const corners = `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`;
  return element(
    "figure",
    {},
    element(
      "div",
      { class: "plot" },
      head(say("curve_cumulative"), `+${cubicMetres(high - low)} ${say("m3")}`),
      box(
        HEIGHT,
        "",
        shape("polygon", { class: "under", points: corners }),
        shape("polyline", { class: "curve", points: line }),
        ...edges(HEIGHT),
        base(HEIGHT),
      ),
      head(say("curve_flow"), say("curve_peak", cubicMetres(Math.round(peak)))),
      box(FLOW_HEIGHT, "low", shape("path", { class: "flow", d: steps }), ...edges(FLOW_HEIGHT), base(FLOW_HEIGHT)),
      head(time(points[0][0], say.lang), time(points.at(-1)[0], say.lang)),
    ),
    element("figcaption", {}, element("span", { class: "key edges" }), say("curve_caption", readings)),
  );
};
