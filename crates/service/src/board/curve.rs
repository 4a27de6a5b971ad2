//! The curve of a watering: what its meter counted, from a little before t0 to a little after t1.

use disclosure::record::Record;
use disclosure::statement::{Statement, WateringFacts};
use domain::measurement::{CumulativeVolume, MeterReadings};
use domain::{Litres, MeterCode, Timestamp};
use evidence::Item;

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

/// The curve of a statement on its way: none for another kind, or where it cannot be drawn.
pub async fn statement_curve(service: &Service, id: i64) -> Result<Option<Curve>, ServiceError> {
    let row = service.store().statement(id).await?.ok_or(ServiceError::UnknownStatement(id))?;
    let statement = Statement::parse(&row.payload_type, &row.payload)?;
    match statement.watering_facts() {
        Some(facts) => curve(service, facts).await,
        None => Ok(None),
    }
}

/// The curve of a watering; none when its evidence is not on this server or cannot be drawn.
pub(crate) async fn curve(
    service: &Service,
    facts: &WateringFacts,
) -> Result<Option<Curve>, ServiceError> {
    let mut attachments = Vec::with_capacity(facts.evidence.len());
    for piece in &facts.evidence {
        if piece.last_report.saturating_sub(piece.first_report) >= MAX_CURVE_REPORTS {
            return Ok(None);
        }
        let Some(stored) = service.store().attachment(piece.reports.sha256.as_bytes()).await?
        else {
            return Ok(None);
        };
        attachments.push((&piece.meter, stored.bytes));
    }
    let record = service.record();
    let pieces = attachments.iter().map(|(meter, bytes)| piece(&record, meter, bytes));
    let Some(pieces) = pieces.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    Ok(drawn(&CumulativeVolume::new(pieces), facts.start, facts.end))
}

fn piece<'a>(record: &'a Record, meter: &MeterCode, bytes: &[u8]) -> Option<MeterReadings<'a>> {
    let meter = &record.meters().get(meter)?.meter;
    let mut readings = Vec::new();
    for item in evidence::split(bytes).ok()? {
        readings.extend(match item {
            Item::Report(report) => {
                evidence::readings(telemetry::decode(report).ok()?.report()).ok()?
            }
            Item::Hand(entry) => evidence::hand_readings(record.directory(), entry).ok()?.1,
        });
    }
    Some(MeterReadings { meter, tables: record.tables(), readings })
}

/// What was counted from a little before `start` to a little after `end`.
pub(crate) fn drawn(volume: &CumulativeVolume, start: Timestamp, end: Timestamp) -> Option<Curve> {
    let margin = (end.millis() - start.millis()) / MARGIN_DIVISOR;
    let mut curve = drawn_between(volume, start.plus_millis(-margin), end.plus_millis(margin))?;
    curve.points.extend([start, end].into_iter().filter_map(|at| Some((at, volume.at(at).ok()?))));
    curve.points.sort();
    curve.points.dedup_by_key(|(at, _)| *at);
    Some(curve)
}

/// What was counted from one instant to another.
pub(crate) fn drawn_between(
    volume: &CumulativeVolume,
    from: Timestamp,
    to: Timestamp,
) -> Option<Curve> {
    let shown = from..=to;
    let all = volume.points().iter().map(|point| (point.at, point.litres));
    let inside: Vec<_> = all.filter(|(at, _)| shown.contains(at)).collect();
    let readings = inside.len();
    // Where the meter reports rarely, the edges of the interval still stand on the curve.
    let mut points = thinned(inside);
    points.extend([from, to].into_iter().filter_map(|at| Some((at, volume.at(at).ok()?))));
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
    use std::collections::BTreeMap;

    use domain::OutletId;
    use domain::measurement::{Doubts, Reading};
    use domain::registry::Meter;
    use domain::scale::Scale;

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

    fn curve_of(readings: Vec<Reading>, start: Timestamp, end: Timestamp) -> Option<Curve> {
        let (code, outlet) = (MeterCode::new("m1").unwrap(), OutletId::new("w1").unwrap());
        let meter = Meter::new(code, outlet, at(0), Scale::register(100_000));
        let tables = BTreeMap::new();
        let readings = MeterReadings { meter: &meter, tables: &tables, readings };
        drawn(&CumulativeVolume::new([readings]), start, end)
    }

    #[test]
    fn a_curve_spans_the_watering_and_a_margin() {
        let curve = curve_of(readings(100, 5), at(60), at(180)).unwrap();
        assert_eq!(curve.points.first().unwrap().0, at(50));
        assert_eq!(curve.points.last().unwrap().0, at(190));
        assert_eq!(curve.readings, 29);
    }

    #[test]
    fn many_readings_are_thinned() {
        let curve = curve_of(readings(5000, 1), at(10), at(4000)).unwrap();
        assert!(curve.points.len() <= MAX_CURVE_POINTS + 6, "{}", curve.points.len());
        assert!(curve.readings > 3000);
    }

    #[test]
    fn rare_readings_still_give_a_curve() {
        let curve = curve_of(readings(3, 600), at(60), at(180)).unwrap();
        assert_eq!(curve.readings, 0);
        assert_eq!(curve.points.len(), 4);
    }

    #[test]
    fn no_readings_give_none() {
        assert_eq!(curve_of(Vec::new(), at(1), at(9)), None);
    }
}
