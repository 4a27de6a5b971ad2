//! Which meters say that they are online: a hint for the station's pages, never evidence.
//!
//! Kept in memory alone. Behind a broker a new start hears the retained statuses again; meters that connect to the
//! server itself say theirs at each connection.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{MeterCode, Timestamp};
use telemetry::MeterId;
use thiserror::Error;
use tokio::sync::watch;

use crate::{Clock, Service};

/// The most meters whose status is kept.
pub const MAX_STATUSES: usize = 65_536;

/// What a meter last said of itself, or its last will said for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceState {
    /// Connected.
    Online,
    /// Gone: it said so, or its connection ended without a word.
    Offline,
}

/// A meter's state, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceStatus {
    /// What it said.
    pub state: DeviceState,
    /// When this server heard of it first, by its own clock; saying the same again does not move it.
    pub since: Timestamp,
}

impl DeviceStatus {
    /// Whether the meter says that it is connected.
    pub fn is_online(&self) -> bool {
        self.state == DeviceState::Online
    }
}

/// One status too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the statuses of {MAX_STATUSES} meters are kept already: clear those of meters that are gone by an empty retained message"
)]
pub struct TooManyStatuses;

/// The statuses of all meters.
pub struct Statuses {
    clock: Arc<dyn Clock>,
    by_meter: Mutex<BTreeMap<MeterId, DeviceStatus>>,
    version: watch::Sender<u64>,
}

impl Statuses {
    /// No statuses yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, by_meter: Mutex::default(), version: watch::Sender::new(0) }
    }

    /// The present instant, by the clock that statuses are stamped with.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The status of one meter; `None` if it never said anything.
    pub fn get(&self, meter: &MeterId) -> Option<DeviceStatus> {
        self.lock().get(meter).copied()
    }

    /// How many meters are in this state.
    pub fn count(&self, state: DeviceState) -> usize {
        self.lock().values().filter(|status| status.state == state).count()
    }

    /// A number that grows with every change, to wait on.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Takes what a meter says; `None` forgets the meter.
    pub fn set(&self, meter: MeterId, state: Option<DeviceState>) -> Result<(), TooManyStatuses> {
        let now = self.clock.now();
        let mut by_meter = self.lock();
        let known = by_meter.get(&meter).map(|status| status.state);
        match state {
            None => {
                by_meter.remove(&meter);
            }
            Some(_) if state == known => return Ok(()),
            Some(_) if known.is_none() && by_meter.len() >= MAX_STATUSES => {
                return Err(TooManyStatuses);
            }
            Some(state) => {
                by_meter.insert(meter, DeviceStatus { state, since: now });
            }
        }
        drop(by_meter);
        self.version.send_modify(|version| *version = version.wrapping_add(1));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<MeterId, DeviceStatus>> {
        self.by_meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statuses").field("meters", &self.lock().len()).finish_non_exhaustive()
    }
}

impl Service {
    /// Where what meters say of themselves is kept.
    pub fn statuses(&self) -> &Arc<Statuses> {
        &self.statuses
    }

    /// Whether a meter says that it is online, and since when; `None` if it never said anything.
    pub fn device_status(&self, meter: &MeterCode) -> Option<DeviceStatus> {
        self.statuses.get(&MeterId::new(meter.as_str()).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock that is a second later at each look.
    #[derive(Default)]
    struct Ticking(AtomicI64);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.fetch_add(1_000, Ordering::Relaxed)).unwrap()
        }
    }

    fn statuses() -> Statuses {
        let clock = Ticking::default();
        clock.0.store(1_700_000_000_000, Ordering::Relaxed);
        Statuses::new(Arc::new(clock))
    }

    fn meter(number: usize) -> MeterId {
        MeterId::new(&format!("m{number}")).unwrap()
    }

    #[test]
    fn keeps_the_last_word_of_each_meter_and_when_it_was_first_heard() {
        let statuses = statuses();
        let mut version = statuses.version();
        statuses.set(meter(1), Some(DeviceState::Online)).unwrap();
        statuses.set(meter(2), Some(DeviceState::Online)).unwrap();
        let first = statuses.get(&meter(1)).unwrap();
        // Said again, as at each connection to a broker that retains it.
        statuses.set(meter(1), Some(DeviceState::Online)).unwrap();
        assert_eq!(statuses.get(&meter(1)), Some(first));
        statuses.set(meter(1), Some(DeviceState::Offline)).unwrap();
        let second = statuses.get(&meter(1)).unwrap();
        assert_eq!(second.state, DeviceState::Offline);
        assert!(second.since > first.since);
        assert_eq!(*version.borrow_and_update(), 3);
        assert_eq!(
            (statuses.count(DeviceState::Online), statuses.count(DeviceState::Offline)),
            (1, 1)
        );
        statuses.set(meter(1), None).unwrap();
        assert_eq!(statuses.get(&meter(1)), None);
    }

    #[test]
    fn rejects_one_meter_too_many_and_still_hears_the_known_ones() {
        let statuses = statuses();
        let online = Some(DeviceState::Online);
        for number in 0..MAX_STATUSES {
            statuses.set(meter(number), online).unwrap();
        }
        assert_eq!(statuses.set(meter(MAX_STATUSES), online), Err(TooManyStatuses));
        statuses.set(meter(0), Some(DeviceState::Offline)).unwrap();
        statuses.set(meter(0), None).unwrap();
        statuses.set(meter(MAX_STATUSES), online).unwrap();
    }
}
