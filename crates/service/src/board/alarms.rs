//! Alarms: what somebody at the station must look at, and what is over.

use disclosure::record::Record;
use domain::watch::{AlarmKind, Cause, Severity};
use domain::{DistrictId, MeterCode, OutletId, PersonId, Timestamp, VillageId};
use store::AlarmRow;

use super::places::{Named, named_outlet, named_village};
use crate::{Service, ServiceError};

/// Alarms of one list on a page.
pub const MAX_ALARMS_PER_PAGE: u32 = 100;
/// Cleared alarms below the open ones.
const LATEST_CLEARED: u32 = 30;

/// Which alarms are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlarmFilter {
    /// Of this kind alone.
    pub kind: Option<AlarmKind>,
    /// Those that are over, instead of the open ones.
    pub cleared: bool,
    /// With a number below this one.
    pub before: Option<i64>,
}

/// What the alarms' page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmsView {
    /// The district's code.
    pub district: DistrictId,
    /// When it was looked at.
    pub now: Timestamp,
    /// What was asked for.
    pub filter: AlarmFilter,
    /// How many are open of each kind, the most urgent first.
    pub counts: Vec<AlarmCount>,
    /// Open alarms, the most urgent first; empty where the cleared ones are asked for.
    pub open: Vec<AlarmLine>,
    /// The `before` of the next page of open ones.
    pub older_open: Option<i64>,
    /// Whether there are more open ones, and a kind must be chosen to see them.
    pub cut: bool,
    /// Cleared alarms, newest first.
    pub cleared: Vec<AlarmLine>,
    /// The `before` of the next page of cleared ones.
    pub older_cleared: Option<i64>,
}

/// How many alarms of a kind are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmCount {
    /// The kind.
    pub kind: AlarmKind,
    /// How many are open.
    pub open: u64,
    /// How many of them nobody has taken note of.
    pub unacknowledged: u64,
}

/// An alarm on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmLine {
    /// Its number on this server.
    pub id: i64,
    /// Its kind.
    pub kind: AlarmKind,
    /// How soon somebody should look.
    pub severity: Severity,
    /// What was seen last.
    pub cause: Cause,
    /// The meter.
    pub meter: Option<MeterCode>,
    /// The outlet.
    pub outlet: Option<Named<OutletId>>,
    /// The village that the outlet delivers to.
    pub village: Option<Named<VillageId>>,
    /// Since when, by the readings.
    pub since: Timestamp,
    /// When it was seen last.
    pub last_at: Timestamp,
    /// How often.
    pub times: u32,
    /// When it was raised, by the server's clock.
    pub raised_at: Timestamp,
    /// When it was cleared.
    pub cleared_at: Option<Timestamp>,
    /// Who has taken note, when, and what they say.
    pub noted: Option<(PersonId, Timestamp, String)>,
}

/// The alarms asked for.
pub async fn alarms(service: &Service, filter: AlarmFilter) -> Result<AlarmsView, ServiceError> {
    let counts = alarm_counts(service).await?;
    let store = service.store();
    let page = MAX_ALARMS_PER_PAGE;
    let open = if filter.cleared {
        Vec::new()
    } else {
        store.open_alarms(filter.kind, filter.before, page).await?
    };
    let cleared = match (filter.cleared, filter.before) {
        (true, before) => store.cleared_alarms(filter.kind, before, page).await?,
        (false, None) => store.cleared_alarms(filter.kind, None, LATEST_CLEARED).await?,
        (false, Some(_)) => Vec::new(),
    };
    let full = |rows: &[AlarmRow], most: u32| u32::try_from(rows.len()) == Ok(most);
    let next =
        |rows: &[AlarmRow], most: u32| rows.last().map(|row| row.id).filter(|_| full(rows, most));
    let most_cleared = if filter.cleared { page } else { LATEST_CLEARED };
    let record = service.record();
    Ok(AlarmsView {
        district: service.district().clone(),
        now: service.now(),
        filter,
        counts,
        older_open: next(&open, page).filter(|_| filter.kind.is_some()),
        cut: filter.kind.is_none() && full(&open, page),
        older_cleared: next(&cleared, most_cleared),
        open: open.into_iter().map(|row| alarm_line(&record, row)).collect(),
        cleared: cleared.into_iter().map(|row| alarm_line(&record, row)).collect(),
    })
}

/// How many alarms are open of each kind, the most urgent first; kinds without any are left out.
pub async fn alarm_counts(service: &Service) -> Result<Vec<AlarmCount>, ServiceError> {
    let counts = service.store().alarm_counts().await?;
    let line = |count: store::AlarmCount| AlarmCount {
        kind: count.kind,
        open: count.open,
        unacknowledged: count.unacknowledged,
    };
    Ok(counts.into_iter().map(line).collect())
}

pub(super) fn alarm_line(record: &Record, row: AlarmRow) -> AlarmLine {
    let kind = row.cause.kind();
    let village = row.outlet.as_ref().and_then(|id| record.outlets().get(id)).map(|o| &o.village);
    AlarmLine {
        id: row.id,
        kind,
        severity: kind.severity(),
        outlet: row.outlet.as_ref().map(|id| named_outlet(record, id)),
        village: village.map(|id| named_village(record, id)),
        cause: row.cause,
        meter: row.meter,
        since: row.since,
        last_at: row.last_at,
        times: row.times,
        raised_at: row.raised_at,
        cleared_at: row.cleared_at,
        noted: row.acknowledged.map(|noted| (noted.by, noted.at, noted.note)),
    }
}
