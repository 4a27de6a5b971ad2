//! Meters of which nothing is heard.

use std::collections::BTreeMap;

use domain::watch::{AlarmKind, Cause, Sighting};
use domain::{MeterCode, Timestamp};
use store::{AlarmChange, Stream, Subject};

use crate::{Service, ServiceError};

/// So long after its start a server raises no new alarm: while it was down it heard nothing, and its
/// meters need a while to come back. Two hours.
const MAX_COMING_BACK_MILLIS: i64 = 2 * 3600 * 1000;

impl Service {
    /// What changed in which meters are silent.
    pub(super) async fn silences(&self) -> Result<Vec<AlarmChange>, ServiceError> {
        let (now, patience) = (self.now(), self.watching.thresholds.silent_after_millis());
        let heard: BTreeMap<MeterCode, Option<Timestamp>> = self
            .store
            .meter_activity()
            .await?
            .into_iter()
            .filter(|one| one.stream == Stream::Primary)
            .map(|one| (one.meter, one.last_received_at))
            .collect();
        let alarms = self.store.open_alarms_of_kind(AlarmKind::Silent).await?;
        let mut open: BTreeMap<MeterCode, i64> =
            alarms.into_iter().filter_map(|row| Some((row.meter?, row.id))).collect();
        let coming_back =
            now.millis() - self.started_at.millis() < patience.min(MAX_COMING_BACK_MILLIS);
        let mut changes = Vec::new();
        {
            let record = self.record();
            for (code, entry) in record.meters() {
                let meter = &entry.meter;
                // One that people read is not expected to say anything, and one that is gone neither.
                if entry.keys.is_empty() || meter.removed_at.is_some_and(|removed| removed <= now) {
                    continue;
                }
                let since = heard.get(code).copied().flatten().unwrap_or(meter.installed_at);
                if now.millis() - since.millis() <= patience {
                    continue;
                }
                if open.remove(code).is_none() && !coming_back {
                    let subject = Subject::Meter(code.clone(), Some(meter.outlet.clone()));
                    let sighting = Sighting { cause: Cause::Silent, since, last_at: now, times: 1 };
                    changes.push(AlarmChange::Seen(subject, sighting));
                }
            }
        }
        changes.extend(open.into_values().map(AlarmChange::Clear));
        Ok(changes)
    }
}
