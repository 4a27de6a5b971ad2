//! One meter: what the registry says of it, what it reported, what is missing, and its alarms.

use disclosure::statement::RegistryMeter;
use domain::watch::{AlarmKind, Watch};
use domain::{Litres, MeterCode, OutletId, Timestamp, VillageId};
use store::{MeterActivity, StreamId};
use telemetry::Flags;

use super::alarms::{AlarmLine, alarm_line};
use super::curve::{Curve, drawn_between};
use super::places::{Named, named_outlet, named_village};
use crate::outlet::meter_volume;
use crate::{DeviceStatus, Service, ServiceError};

/// Reports whose readings are listed.
const LATEST_REPORTS: u64 = 3;
/// The flow is drawn over this time up to the last reading: three days.
const DRAWN_MILLIS: i64 = 3 * 24 * 3600 * 1000;
/// Alarms that are listed, open and cleared.
const LATEST_ALARMS: u32 = 30;

/// What a meter's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterView {
    /// When it was looked at.
    pub now: Timestamp,
    /// Its code.
    pub code: MeterCode,
    /// What the registry says of it; none when it does not know it.
    pub registered: Option<RegistryMeter>,
    /// Where it stands.
    pub outlet: Option<Named<OutletId>>,
    /// The village it delivers to.
    pub village: Option<Named<VillageId>>,
    /// What it has reported; none when it never did.
    pub activity: Option<MeterActivity>,
    /// What people entered of it by hand; none when nobody did.
    pub by_hand: Option<MeterActivity>,
    /// Whether it says that it is online; none when it never said anything.
    pub device: Option<DeviceStatus>,
    /// Missing reports, as ranges with both ends included.
    pub missing: Vec<(u64, u64)>,
    /// Reports that do not follow the one before them, the newest.
    pub breaks: Vec<u64>,
    /// Its alarms, open and cleared, the newest first.
    pub alarms: Vec<AlarmLine>,
    /// Its latest reports, the newest first.
    pub reports: Vec<ReportLine>,
    /// The flow of the last days.
    pub curve: Option<Curve>,
}

/// A report on a meter's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// Its number.
    pub seq: u64,
    /// How often the meter has started.
    pub boot: u32,
    /// Whether it restarted since the report before.
    pub rebooted: bool,
    /// What the meter said of itself.
    pub signs: Vec<AlarmKind>,
    /// Its readings, the newest first.
    pub readings: Vec<ReadingLine>,
}

/// A reading on a meter's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingLine {
    /// When.
    pub at: Timestamp,
    /// The value in the meter's own unit.
    pub value: i64,
    /// What flowed since the reading before, where that can be told.
    pub litres: Option<Litres>,
}

/// A meter's page; none when neither the registry nor any report names it.
pub async fn meter(service: &Service, code: &MeterCode) -> Result<Option<MeterView>, ServiceError> {
    let store = service.store();
    let activity = store.meter_activity_of(code).await?;
    let registered = service.record().meters().get(code).cloned();
    let by_hand = store.meter_activity_of(StreamId::manual(code)).await?;
    if activity.is_none() && by_hand.is_none() && registered.is_none() {
        return Ok(None);
    }
    let state = store.watch(code).await?.map(|row| row.state);
    let watch: Watch =
        state.and_then(|state| serde_json::from_str(&state).ok()).unwrap_or_default();
    let alarms = store.alarms_of_meter(code, LATEST_ALARMS).await?;
    let missing = store.missing_reports(code).await?;
    let (reports, curve) = match activity.as_ref().and_then(|one| one.last_at) {
        Some(last_at) => told(service, code, last_at).await?,
        None => (Vec::new(), None),
    };
    let record = service.record();
    let outlet = registered.as_ref().map(|entry| &entry.meter.outlet);
    let village = outlet.and_then(|id| record.outlets().get(id)).map(|outlet| &outlet.village);
    Ok(Some(MeterView {
        now: service.now(),
        code: code.clone(),
        outlet: outlet.map(|id| named_outlet(&record, id)),
        village: village.map(|id| named_village(&record, id)),
        activity,
        by_hand,
        device: service.device_status(code),
        missing,
        breaks: watch.breaks().to_vec(),
        alarms: alarms.into_iter().map(|row| alarm_line(&record, row)).collect(),
        reports,
        curve,
        registered,
    }))
}

/// The latest reports, and the flow of the last days.
async fn told(
    service: &Service,
    code: &MeterCode,
    last_at: Timestamp,
) -> Result<(Vec<ReportLine>, Option<Curve>), ServiceError> {
    let from = last_at.plus_millis(-DRAWN_MILLIS);
    let volume = meter_volume(service, code, from, last_at).await?;
    let flowed = |at: Timestamp| {
        let points = volume.points();
        let place = points.iter().position(|point| point.at == at)?;
        let (before, point) = (points.get(place.checked_sub(1)?)?, points.get(place)?);
        point.fault.is_none().then(|| point.litres - before.litres)
    };
    let span = service.store().evidence_span(code, last_at, last_at).await?;
    let mut lines = Vec::new();
    if let Some((_, last)) = span {
        let first = last.saturating_sub(LATEST_REPORTS - 1);
        for report in service.store().reports(code, first, last).await?.iter().rev() {
            let Ok(signed) = telemetry::decode(&report.bytes) else { continue };
            let report = signed.into_report();
            let reading = |one: &telemetry::Reading| {
                let at = Timestamp::from_millis(one.at_ms).ok()?;
                Some(ReadingLine { at, value: one.value, litres: flowed(at) })
            };
            lines.push(ReportLine {
                seq: report.seq,
                boot: report.boot,
                rebooted: report.flags.contains(Flags::REBOOTED),
                signs: crate::watch::signs(report.flags)
                    .iter()
                    .map(domain::watch::Cause::kind)
                    .collect(),
                readings: report.readings.iter().rev().filter_map(reading).collect(),
            });
        }
    }
    Ok((lines, drawn_between(&volume, from, last_at)))
}
