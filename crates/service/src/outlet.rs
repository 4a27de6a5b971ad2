//! What the meters of an outlet counted over a time, as far as their reports are here.
//!
//! For pages: it takes what there is, over missing reports and breaks of the chain. What is billed
//! rests on whole evidence, which [`crate::evidence`] gathers.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::record::Record;
use domain::measurement::{CumulativeVolume, MeterReadings, Reading};
use domain::{MeterCode, OutletId, Timestamp};
use store::{StoredReport, StreamId};

use crate::board::{Curve, drawn};
use crate::{Service, ServiceError};

/// Reports of one meter that are read for a page: a hundred days of four an hour.
const MAX_REPORTS: u64 = 9_999;

/// V(t) of an outlet around `from` and `to`, so far as there are readings.
pub(crate) async fn outlet_volume(
    service: &Service,
    outlet: &OutletId,
    from: Timestamp,
    to: Timestamp,
) -> Result<CumulativeVolume, ServiceError> {
    let codes: Vec<MeterCode> = {
        let record = service.record();
        let stood = record.meters_at(outlet, from, to);
        stood.into_iter().map(|entry| entry.meter.code.clone()).collect()
    };
    let mut readings = BTreeMap::new();
    for code in codes {
        let of_meter = meter_readings(service, &code, from, to).await?;
        readings.insert(code, of_meter);
    }
    Ok(volume(&service.record(), readings))
}

/// The curve of an outlet; none where there is nothing to draw.
pub(crate) async fn outlet_curve(
    service: &Service,
    outlet: &OutletId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Curve>, ServiceError> {
    Ok(drawn(&outlet_volume(service, outlet, from, to).await?, from, to))
}

/// A meter's readings from the last before `from` to the first after `to`, so far as there are. Those
/// by hand count where the meter itself has none within the outlet's tolerance.
async fn meter_readings(
    service: &Service,
    meter: &MeterCode,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Reading>, ServiceError> {
    let mut readings = Vec::new();
    for report in latest(service, meter, from, to).await? {
        // It was well-formed when it was stored.
        let Ok(signed) = telemetry::decode(&report.bytes) else { continue };
        readings.extend(evidence::readings(signed.report()).unwrap_or_default());
    }
    let entries = latest(service, StreamId::manual(meter), from, to).await?;
    if entries.is_empty() {
        return Ok(readings);
    }
    let own: BTreeSet<Timestamp> = readings.iter().map(|reading| reading.at).collect();
    let record = service.record();
    let outlet = record.meters().get(meter).and_then(|e| record.outlets().get(&e.meter.outlet));
    let tolerance_ms = outlet.map_or(0, |outlet| i64::from(outlet.gap_tolerance_seconds) * 1000);
    for entry in entries {
        let read = evidence::hand_readings(record.directory(), &entry.bytes);
        let Ok((_, by_hand)) = read else { continue };
        readings.extend(by_hand.into_iter().filter(|reading| {
            let near = reading.at.plus_millis(-tolerance_ms)..=reading.at.plus_millis(tolerance_ms);
            own.range(near).next().is_none()
        }));
    }
    Ok(readings)
}

/// The reports of a stream that bear on a time, the latest [`MAX_REPORTS`] of them.
async fn latest(
    service: &Service,
    stream: impl Into<StreamId>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<StoredReport>, ServiceError> {
    let stream = stream.into();
    let Some((first, last)) = service.store().evidence_span(&stream, from, to).await? else {
        return Ok(Vec::new());
    };
    let first = first.max(last.saturating_sub(MAX_REPORTS));
    Ok(service.store().reports(&stream, first, last).await?)
}

/// V(t) of one meter around `from` and `to`, so far as there are readings.
pub(crate) async fn meter_volume(
    service: &Service,
    meter: &MeterCode,
    from: Timestamp,
    to: Timestamp,
) -> Result<CumulativeVolume, ServiceError> {
    let readings = meter_readings(service, meter, from, to).await?;
    Ok(volume(&service.record(), BTreeMap::from([(meter.clone(), readings)])))
}

fn volume(record: &Record, readings: BTreeMap<MeterCode, Vec<Reading>>) -> CumulativeVolume {
    CumulativeVolume::new(readings.into_iter().filter_map(|(code, readings)| {
        let meter = &record.meters().get(&code)?.meter;
        Some(MeterReadings { meter, tables: record.tables(), readings })
    }))
}
