//! The meters: what each has reported last, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use disclosure::statement::Origin;
use domain::watch::AlarmKind;
use domain::{MeterCode, OutletId, Timestamp, VillageId};
use store::MeterActivity;

use super::places::{Named, named_outlet, named_village};
use crate::{DeviceStatus, Service, ServiceError};

/// Meters of one page.
pub const MAX_METERS_PER_PAGE: usize = 200;

/// What the meters' page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetersView {
    /// When it was looked at.
    pub now: Timestamp,
    /// How many meters there are.
    pub total: usize,
    /// A page of them, by code.
    pub meters: Vec<MeterLine>,
    /// Whether this is not the first page.
    pub paged: bool,
    /// The `after` of the next page; none on the last.
    pub next: Option<MeterCode>,
}

/// A meter and its reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterLine {
    /// Its code.
    pub code: MeterCode,
    /// Where it stands; none for a meter that the registry does not know.
    pub outlet: Option<Named<OutletId>>,
    /// The village it delivers to.
    pub village: Option<Named<VillageId>>,
    /// Who vouches for its readings.
    pub origin: Option<Origin>,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
    /// Reports 1 to this are on disk: the receipt it was given.
    pub stored_seq: u64,
    /// How many reports are stored.
    pub reports: u64,
    /// Its latest reading, by its own clock.
    pub last_at: Option<Timestamp>,
    /// How long nothing new has come, in milliseconds; none when nothing ever came.
    pub silent_for_ms: Option<i64>,
    /// Whether it says that it is online; none when it never said anything.
    pub device: Option<DeviceStatus>,
    /// Kinds of its open alarms, the most urgent first.
    pub alarms: Vec<AlarmKind>,
}

/// A page of the meters that the registry names or that have reported; `after` is the last of the page before.
pub async fn meters(
    service: &Service,
    after: Option<&MeterCode>,
) -> Result<MetersView, ServiceError> {
    let now = service.now();
    let activity = service.store().meter_activity().await?;
    let mut activity: BTreeMap<MeterCode, MeterActivity> =
        // Of a meter that people read too, what it reported itself; it stands first.
        activity.into_iter().rev().map(|one| (one.meter.clone(), one)).collect();
    let codes: BTreeSet<MeterCode> =
        service.record().meters().keys().chain(activity.keys()).cloned().collect();
    let rest = codes.iter().filter(|code| after.is_none_or(|after| *code > after));
    let page: Vec<&MeterCode> = rest.take(MAX_METERS_PER_PAGE + 1).collect();
    let shown = page.get(..page.len().min(MAX_METERS_PER_PAGE)).unwrap_or_default();
    let mut alarms: BTreeMap<MeterCode, Vec<AlarmKind>> = BTreeMap::new();
    if let (Some(first), Some(last)) = (shown.first(), shown.last()) {
        for (code, kind) in service.store().open_alarm_kinds(first, last).await? {
            alarms.entry(code).or_default().push(kind);
        }
    }
    let next = shown.last().filter(|_| page.len() > shown.len()).map(|code| (*code).clone());
    let record = service.record();
    let line = |code: &&MeterCode| {
        let entry = record.meters().get(*code);
        let outlet = entry.map(|entry| &entry.meter.outlet);
        let village = outlet.and_then(|id| record.outlets().get(id)).map(|o| &o.village);
        let reported = activity.remove(*code);
        let heard = reported.as_ref().and_then(|one| one.last_received_at);
        MeterLine {
            code: (*code).clone(),
            outlet: outlet.map(|id| named_outlet(&record, id)),
            village: village.map(|id| named_village(&record, id)),
            origin: entry.map(|entry| entry.origin),
            removed_at: entry.and_then(|entry| entry.meter.removed_at),
            stored_seq: reported.as_ref().map_or(0, |one| one.stored_seq),
            reports: reported.as_ref().map_or(0, |one| one.reports),
            last_at: reported.as_ref().and_then(|one| one.last_at),
            silent_for_ms: heard.map(|at| (now.millis() - at.millis()).max(0)),
            device: service.device_status(code),
            alarms: alarms.remove(*code).unwrap_or_default(),
        }
    };
    let meters = shown.iter().map(line).collect();
    Ok(MetersView { now, total: codes.len(), meters, paged: after.is_some(), next })
}
