//! A curve as the shapes of an SVG, in integers; the figures stand beside it as text.

use std::fmt::Write as _;

use service::board::{Curve, Litres, Timestamp};

const WIDTH: i64 = 1000;
const HEIGHT: i64 = 300;
const FLOW_HEIGHT: i64 = 100;
/// The cumulative curve keeps this much clear at the top.
const HEADROOM: i64 = 10;
const MILLIS_PER_HOUR: i128 = 3_600_000;

/// The shapes of a watering's curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    /// Corners of the cumulative line.
    pub(crate) line: String,
    /// Corners of the area under it.
    pub(crate) area: String,
    /// The flow as one path of steps.
    pub(crate) flow: String,
    /// Where t0 stands.
    pub(crate) start_x: i64,
    /// Where t1 stands.
    pub(crate) end_x: i64,
    /// The first instant shown.
    pub(crate) from: Timestamp,
    /// The last instant shown.
    pub(crate) to: Timestamp,
    /// What was counted from the first to the last.
    pub(crate) rise: Litres,
    /// The strongest flow between two readings, in litres per hour.
    pub(crate) peak_per_hour: Litres,
    /// Readings in the interval.
    pub(crate) readings: usize,
}

impl Chart {
    /// Draws a curve; none for one without extent.
    pub(crate) fn new(curve: &Curve, start: Timestamp, end: Timestamp) -> Option<Self> {
        let (from, low) = *curve.points.first()?;
        let (to, high) = *curve.points.last()?;
        let span = to.millis() - from.millis();
        if span <= 0 {
            return None;
        }
        let rise = high - low;
        let x = |at: Timestamp| scaled(at.millis() - from.millis(), span, WIDTH);
        let y = |litres: Litres| {
            HEIGHT - scaled((litres - low).get(), rise.get().max(1), HEIGHT - HEADROOM)
        };
        let mut line = String::new();
        for (at, litres) in &curve.points {
            // Writing into a string cannot fail.
            let _ = write!(line, "{},{} ", x(*at), y(*litres));
        }
        let line = line.trim_end().to_owned();
        let (flow, peak_per_hour) = flow(curve, x);
        Some(Self {
            area: format!("{},{HEIGHT} {line} {},{HEIGHT}", x(from), x(to)),
            line,
            flow,
            start_x: x(start),
            end_x: x(end),
            from,
            to,
            rise,
            peak_per_hour,
            readings: curve.readings,
        })
    }
}

/// The flow between each two readings as a step of a path, and the strongest.
fn flow(curve: &Curve, x: impl Fn(Timestamp) -> i64) -> (String, Litres) {
    let flows: Vec<(Timestamp, Timestamp, i64)> = curve
        .points
        .windows(2)
        .filter_map(|pair| {
            let ((from, low), (to, high)) = (*pair.first()?, *pair.last()?);
            Some((from, to, per_hour(high - low, to.millis() - from.millis())))
        })
        .collect();
    let peak = flows.iter().map(|(_, _, flow)| *flow).max().unwrap_or_default().max(0);
    let mut path = String::new();
    for (from, to, flow) in flows {
        let height = scaled(flow.max(0), peak.max(1), FLOW_HEIGHT);
        let (left, right) = (x(from), x(to));
        let _ =
            write!(path, "M{left},{FLOW_HEIGHT}V{}H{right}V{FLOW_HEIGHT}Z", FLOW_HEIGHT - height);
    }
    (path, Litres(peak))
}

/// `value` of `whole` as a part of `length`.
pub(crate) fn scaled(value: i64, whole: i64, length: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let part = i128::from(value) * i128::from(length) / i128::from(whole);
    i64::try_from(part.clamp(0, i128::from(length))).unwrap_or(0)
}

fn per_hour(litres: Litres, millis: i64) -> i64 {
    if millis <= 0 {
        return 0;
    }
    i64::try_from(i128::from(litres.get()) * MILLIS_PER_HOUR / i128::from(millis)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-05-01T00:00:00Z".parse::<Timestamp>().unwrap().plus_millis(minutes * 60_000)
    }

    #[test]
    fn draws_a_rising_curve_within_its_box() {
        let points = vec![(at(0), Litres(500)), (at(30), Litres(500)), (at(60), Litres(60_500))];
        let chart = Chart::new(&Curve { points, readings: 3 }, at(30), at(60)).unwrap();
        assert_eq!(chart.line, "0,300 500,300 1000,10");
        assert_eq!(chart.peak_per_hour, Litres(120_000));
        assert_eq!((chart.start_x, chart.end_x), (500, 1000));
        assert_eq!(chart.rise, Litres(60_000));
        assert!(chart.flow.ends_with("M500,100V0H1000V100Z"), "{}", chart.flow);
    }

    #[test]
    fn a_flat_curve_is_no_division_by_zero() {
        let points = vec![(at(0), Litres(7)), (at(1), Litres(7))];
        let chart = Chart::new(&Curve { points, readings: 2 }, at(0), at(1)).unwrap();
        assert_eq!(chart.peak_per_hour, Litres::ZERO);
        assert_eq!(chart.line, "0,300 1000,300");
    }

    #[test]
    fn rejects_a_curve_without_extent() {
        assert_eq!(Chart::new(&Curve { points: vec![], readings: 0 }, at(0), at(1)), None);
    }
}
