//! The meters: what each has reported last, and how long it has been silent.

use std::collections::BTreeMap;

use domain::{MeterCode, OutletId, Timestamp, VillageId};
use store::MeterActivity;

use super::places::{Named, named_outlet, named_village};
use crate::{DeviceStatus, Service, ServiceError};

/// After this time without a new report a meter counts as silent: one day.
pub const SILENT_AFTER_MILLIS: i64 = 24 * 3600 * 1000;

/// What the meters' page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetersView {
    /// When it was looked at.
    pub now: Timestamp,
    /// The meters, by code.
    pub meters: Vec<MeterLine>,
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
    /// Reports 1 to this are on disk: the receipt it was given.
    pub stored_seq: u64,
    /// How many reports are stored.
    pub reports: u64,
    /// Its latest reading, by its own clock.
    pub last_at: Option<Timestamp>,
    /// When its last new report came in.
    pub last_received_at: Option<Timestamp>,
    /// How long nothing new has come, in milliseconds; none when nothing ever came.
    pub silent_for_ms: Option<i64>,
    /// Whether it says that it is online; none when it never said anything.
    pub device: Option<DeviceStatus>,
}

impl MeterLine {
    /// Whether it has been silent for too long.
    pub fn is_silent(&self) -> bool {
        self.silent_for_ms.is_none_or(|silent| silent > SILENT_AFTER_MILLIS)
    }
}

/// All meters that the registry names or that have reported.
pub async fn meters(service: &Service) -> Result<MetersView, ServiceError> {
    let now = service.now();
    let activity = service.store().meter_activity().await?;
    let mut by_code: BTreeMap<MeterCode, Option<MeterActivity>> =
        activity.into_iter().map(|one| (one.meter.clone(), Some(one))).collect();
    let record = service.record();
    for code in record.meters().keys() {
        by_code.entry(code.clone()).or_insert(None);
    }
    let meters = by_code
        .into_iter()
        .map(|(code, activity)| {
            let outlet = record.meters().get(&code).map(|entry| &entry.meter.outlet);
            let village = outlet.and_then(|id| record.outlets().get(id)).map(|o| &o.village);
            let last_received_at = activity.as_ref().and_then(|one| one.last_received_at);
            MeterLine {
                outlet: outlet.map(|id| named_outlet(&record, id)),
                village: village.map(|id| named_village(&record, id)),
                stored_seq: activity.as_ref().map_or(0, |one| one.stored_seq),
                reports: activity.as_ref().map_or(0, |one| one.reports),
                last_at: activity.as_ref().and_then(|one| one.last_at),
                last_received_at,
                device: service.device_status(&code),
                silent_for_ms: last_received_at.map(|at| (now.millis() - at.millis()).max(0)),
                code,
            }
        })
        .collect();
    Ok(MetersView { now, meters })
}
