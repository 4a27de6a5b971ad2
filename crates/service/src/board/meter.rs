//! One meter: what the registry says of it, what it reported, what is missing, and its alarms.

use disclosure::statement::RegistryMeter;
use domain::watch::{AlarmKind, Watch};
use domain::{Litres, MeterCode, OutletId, Timestamp, VillageId};
use store::{MeterActivity, StoredReport, StreamId};
use telemetry::Flags;

use super::alarms::{AlarmLine, alarm_line};
use super::curve::{Curve, drawn_between};
use super::places::{Named, named_outlet, named_village};
use crate::outlet::meter_volume;
use crate::{DeviceStatus, Service, ServiceError};

/// Reports, and entries by hand, whose readings are listed.
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
    /// The latest entries by hand, the newest first.
    pub entries: Vec<EntryLine>,
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

/// Readings that were entered together by hand, on a meter's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine {
    /// Its number in the meter's stream of entries.
    pub seq: u64,
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
    let last_at = [&activity, &by_hand].into_iter().flatten().filter_map(|one| one.last_at).max();
    let told = match last_at {
        Some(last_at) => told(service, code, last_at).await?,
        None => Told::default(),
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
        reports: told.reports,
        entries: told.entries,
        curve: told.curve,
        registered,
    }))
}

/// What readings tell on a meter's page.
#[derive(Default)]
struct Told {
    reports: Vec<ReportLine>,
    entries: Vec<EntryLine>,
    curve: Option<Curve>,
}

/// The latest reports and entries by hand, and the flow of the last days.
async fn told(
    service: &Service,
    code: &MeterCode,
    last_at: Timestamp,
) -> Result<Told, ServiceError> {
    let from = last_at.plus_millis(-DRAWN_MILLIS);
    let volume = meter_volume(service, code, from, last_at).await?;
    let line = |at: Timestamp, value: i64| {
        let points = volume.points();
        let place = points.iter().position(|point| point.at == at);
        let pair =
            place.and_then(|place| Some((points.get(place.checked_sub(1)?)?, points.get(place)?)));
        let flowed = pair.filter(|(_, point)| point.fault.is_none());
        ReadingLine {
            at,
            value,
            litres: flowed.map(|(before, point)| point.litres - before.litres),
        }
    };
    let mut told = Told { curve: drawn_between(&volume, from, last_at), ..Told::default() };
    for stored in latest(service, code.into(), last_at).await? {
        let Ok(signed) = telemetry::decode(&stored.bytes) else { continue };
        let report = signed.into_report();
        let reading = |one: &telemetry::Reading| {
            Some(line(Timestamp::from_millis(one.at_ms).ok()?, one.value))
        };
        told.reports.push(ReportLine {
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
    for stored in latest(service, StreamId::manual(code), last_at).await? {
        let read = evidence::hand_readings(service.record().directory(), &stored.bytes);
        let Ok((_, readings)) = read else { continue };
        let readings = readings.iter().rev().map(|one| line(one.at, one.value)).collect();
        told.entries.push(EntryLine { seq: stored.seq, readings });
    }
    Ok(told)
}

/// The reports of a stream that lie around its last reading, the newest first.
async fn latest(
    service: &Service,
    stream: StreamId,
    last_at: Timestamp,
) -> Result<Vec<StoredReport>, ServiceError> {
    let span = service.store().evidence_span(&stream, last_at, last_at).await?;
    let Some((_, last)) = span else { return Ok(Vec::new()) };
    let first = last.saturating_sub(LATEST_REPORTS - 1);
    let mut reports = service.store().reports(&stream, first, last).await?;
    reports.reverse();
    Ok(reports)
}
