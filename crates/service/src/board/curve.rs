//! The curve of a watering: what its meter counted, from a little before t0 to a little after t1.

use disclosure::statement::WateringFacts;
use domain::measurement::{CumulativeVolume, Doubts, Reading};
use domain::registry::Scale;
use domain::{Litres, Timestamp};

use crate::{Service, ServiceError};

/// More reports than this are not decoded for a page: a week of one report an hour has 168.
const MAX_CURVE_REPORTS: u64 = 2_000;
/// The most points of a curve; a page is a few hundred dots wide.
const MAX_CURVE_POINTS: usize = 240;
/// The curve shows this part of the watering's duration before it and after it: one twelfth.
const MARGIN_DIVISOR: i64 = 12;

/// The cumulative volume over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curve {
    /// Readings by strictly increasing time, at least two, thinned when there are many.
    pub points: Vec<(Timestamp, Litres)>,
    /// How many readings lie in the interval shown.
    pub readings: usize,
}

/// The curve of a watering; none when its reports are not on this server or cannot be drawn.
pub(crate) async fn curve(
    service: &Service,
    facts: &WateringFacts,
) -> Result<Option<Curve>, ServiceError> {
    let (first, last) = (facts.evidence.first_report, facts.evidence.last_report);
    let scale = service.record().meters().get(&facts.meter).map(|entry| entry.meter.scale);
    let Some(scale) = scale.filter(|_| last.saturating_sub(first) < MAX_CURVE_REPORTS) else {
        return Ok(None);
    };
    let reports = service.store().reports(&facts.meter, first, last).await?;
    let readings: Option<Vec<Vec<Reading>>> =
        reports.iter().map(|report| readings_of(&report.bytes)).collect();
    Ok(readings
        .and_then(|readings| drawn(scale, readings.into_iter().flatten(), facts.start, facts.end)))
}

fn readings_of(bytes: &[u8]) -> Option<Vec<Reading>> {
    let report = telemetry::decode(bytes).ok()?.into_report();
    report
        .readings
        .iter()
        .map(|reading| {
            let at = Timestamp::from_millis(reading.at_ms).ok()?;
            Some(Reading { at, value: reading.value, doubts: Doubts::NONE })
        })
        .collect()
}

fn drawn(
    scale: Scale,
    readings: impl IntoIterator<Item = Reading>,
    start: Timestamp,
    end: Timestamp,
) -> Option<Curve> {
    let volume = CumulativeVolume::new(scale, readings).ok()?;
    let margin = (end.millis() - start.millis()) / MARGIN_DIVISOR;
    let shown = start.plus_millis(-margin)..=end.plus_millis(margin);
    let inside: Vec<_> = volume.points().filter(|(at, _)| shown.contains(at)).collect();
    let readings = inside.len();
    // Where the meter reports rarely, the edges of the interval still stand on the curve.
    let edges = [*shown.start(), start, end, *shown.end()];
    let mut points = thinned(inside);
    points.extend(edges.into_iter().filter_map(|at| Some((at, volume.at(at).ok()?))));
    points.sort();
    points.dedup_by_key(|(at, _)| *at);
    (points.len() >= 2).then_some(Curve { points, readings })
}

/// Every so-many-th point, and the last.
fn thinned(points: Vec<(Timestamp, Litres)>) -> Vec<(Timestamp, Litres)> {
    let step = points.len().div_ceil(MAX_CURVE_POINTS).max(1);
    let last = points.last().copied();
    let mut kept: Vec<_> = points.into_iter().step_by(step).collect();
    if kept.last() != last.as_ref() {
        kept.extend(last);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        "2026-05-01T00:00:00Z".parse::<Timestamp>().unwrap().plus_millis(minutes * MINUTE)
    }

    fn readings(count: i64, every_minutes: i64) -> Vec<Reading> {
        (0..count)
            .map(|n| Reading { at: at(n * every_minutes), value: n, doubts: Doubts::NONE })
            .collect()
    }

    const SCALE: Scale = Scale::Register { litres_per_unit: 100 };

    #[test]
    fn a_curve_spans_the_watering_and_a_margin() {
        let curve = drawn(SCALE, readings(100, 5), at(60), at(180)).unwrap();
        assert_eq!(curve.points.first().unwrap().0, at(50));
        assert_eq!(curve.points.last().unwrap().0, at(190));
        assert_eq!(curve.readings, 29);
    }

    #[test]
    fn many_readings_are_thinned() {
        let curve = drawn(SCALE, readings(5000, 1), at(10), at(4000)).unwrap();
        assert!(curve.points.len() <= MAX_CURVE_POINTS + 6, "{}", curve.points.len());
        assert!(curve.readings > 3000);
    }

    #[test]
    fn rare_readings_still_give_a_curve() {
        let curve = drawn(SCALE, readings(3, 600), at(60), at(180)).unwrap();
        assert_eq!(curve.readings, 0);
        assert_eq!(curve.points.len(), 4);
    }

    #[test]
    fn contradicting_readings_give_none() {
        let mut two = readings(3, 5);
        two.push(Reading { value: 7, ..two[1] });
        assert_eq!(drawn(SCALE, two, at(1), at(9)), None);
    }
}
