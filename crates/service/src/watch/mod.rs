//! Watching the meters: alarms, missing reports, water that ran.
//!
//! It happens beside everything else and is never waited for: reports are stored and acknowledged
//! first, and looked at afterwards, so many at a time. What was looked at is remembered with what was
//! found in one transaction, so a crash loses nothing and two servers on one database do not count twice.

mod deciding;
mod late;
mod over;
mod silence;
mod step;

pub(crate) use step::signs;

use std::sync::{Mutex, PoisonError};

use domain::MeterCode;
use domain::watch::Thresholds;
use store::WatchStep;

use crate::{Service, ServiceError};

/// Meters of one look.
const MAX_METERS_PER_LOOK: u32 = 200;
/// Reports of one look, of all meters together: a tenth of a second's work.
const MAX_REPORTS_PER_LOOK: usize = 4_000;

/// What the service watches by, and where its last look ended.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    pub(crate) thresholds: Thresholds,
    /// The last meter of the last look; none when that look reached the end.
    after: Mutex<Option<MeterCode>>,
}

impl Service {
    /// Sets from when on something is an alarm or looks like a turn.
    #[must_use]
    pub fn watching(mut self, thresholds: Thresholds) -> Self {
        self.watching.thresholds = thresholds;
        self
    }

    /// Looks at reports that came since the last look; true when more are left for the next.
    ///
    /// One look is bounded. Whoever calls it again and again pauses in between, so that storing
    /// reports always comes first.
    pub async fn watch(&self) -> Result<bool, ServiceError> {
        let now = self.now();
        let after = self.watch_after().clone();
        let meters = self.store.meters_to_watch(now, after.as_ref(), MAX_METERS_PER_LOOK).await?;
        let mut more = u32::try_from(meters.len()) == Ok(MAX_METERS_PER_LOOK) || after.is_some();
        let mut reached = meters.last().map(|one| one.meter.clone()).filter(|_| more);
        if meters.is_empty() {
            *self.watch_after() = None;
            return Ok(more);
        }
        let rounds = self.store.rounds().await?;
        let mut left = MAX_REPORTS_PER_LOOK;
        let mut steps: Vec<WatchStep> = Vec::new();
        for one in meters {
            if left == 0 {
                more = true;
                break;
            }
            reached = Some(one.meter.clone());
            if let Some(step) = self.look_at(one, &rounds, &mut left).await? {
                more |= step.reports.is_none();
                steps.push(step);
            }
            if steps.len() >= store::MAX_WATCH_STEPS_PER_CALL {
                self.store.take_watch_steps(now, &steps).await?;
                steps.clear();
            }
        }
        self.store.take_watch_steps(now, &steps).await?;
        // From the beginning again once the end was reached, so that every meter has its turn.
        *self.watch_after() = reached.filter(|_| more);
        Ok(more)
    }

    /// Looks at what time alone brings: silence, and alarms whose cause was put right.
    pub async fn watch_time(&self) -> Result<(), ServiceError> {
        self.catch_up().await?;
        let mut changes = self.silences().await?;
        changes.extend(self.put_right().await?);
        self.store.change_alarms(self.now(), &changes).await?;
        Ok(())
    }

    fn watch_after(&self) -> std::sync::MutexGuard<'_, Option<MeterCode>> {
        self.watching.after.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
