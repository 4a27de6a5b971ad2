//! Which meters say that they are online: a hint for the station's pages, never evidence.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use telemetry::MeterId;
use tokio::sync::watch;

/// The most meters whose status is kept.
pub const MAX_STATUSES: usize = 65_536;

/// What a meter last said of itself, or its last will said for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceStatus {
    /// Connected.
    Online,
    /// Gone: it said so, or its connection ended without a word.
    Offline,
}

impl DeviceStatus {
    /// Reads a status payload: `online` or `offline`.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        match payload {
            b"online" => Some(Self::Online),
            b"offline" => Some(Self::Offline),
            _ => None,
        }
    }
}

/// The statuses of all meters, shared by the endpoint, the broker's client and the pages.
#[derive(Debug)]
pub struct Statuses {
    by_meter: Mutex<BTreeMap<MeterId, DeviceStatus>>,
    version: watch::Sender<u64>,
}

impl Default for Statuses {
    fn default() -> Self {
        Self { by_meter: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl Statuses {
    /// The status of one meter; `None` if it never said anything.
    pub fn get(&self, meter: &MeterId) -> Option<DeviceStatus> {
        self.lock().get(meter).copied()
    }

    /// All statuses, by meter.
    pub fn snapshot(&self) -> BTreeMap<MeterId, DeviceStatus> {
        self.lock().clone()
    }

    /// A number that grows with every change, to wait on.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Takes a status payload; an empty one forgets the meter, as it clears a retained message (MQTT 5.0 §3.3.1.3).
    ///
    /// Returns false if the payload is no status or [`MAX_STATUSES`] other meters are known.
    pub(crate) fn take(&self, meter: MeterId, payload: &[u8]) -> bool {
        let mut by_meter = self.lock();
        if payload.is_empty() {
            by_meter.remove(&meter);
        } else {
            let Some(status) = DeviceStatus::from_payload(payload) else { return false };
            if by_meter.len() >= MAX_STATUSES && !by_meter.contains_key(&meter) {
                return false;
            }
            by_meter.insert(meter, status);
        }
        drop(by_meter);
        self.version.send_modify(|version| *version = version.wrapping_add(1));
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<MeterId, DeviceStatus>> {
        self.by_meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(number: usize) -> MeterId {
        MeterId::new(&format!("m{number}")).unwrap()
    }

    #[test]
    fn keeps_the_last_word_of_each_meter() {
        let statuses = Statuses::default();
        let mut version = statuses.version();
        assert!(statuses.take(meter(1), b"online"));
        assert!(statuses.take(meter(2), b"online"));
        assert!(statuses.take(meter(1), b"offline"));
        assert!(version.has_changed().unwrap());
        assert_eq!(*version.borrow_and_update(), 3);
        assert_eq!(statuses.get(&meter(1)), Some(DeviceStatus::Offline));
        assert_eq!(statuses.snapshot().len(), 2);
        assert!(statuses.take(meter(1), b""));
        assert_eq!(statuses.get(&meter(1)), None);
    }

    #[test]
    fn rejects_what_is_no_status() {
        let statuses = Statuses::default();
        assert!(!statuses.take(meter(1), b"Online"));
        assert!(!statuses.take(meter(1), &[0xff; 9000]));
        assert_eq!(statuses.get(&meter(1)), None);
    }

    #[test]
    fn rejects_one_meter_too_many_and_still_hears_the_known_ones() {
        let statuses = Statuses::default();
        for number in 0..MAX_STATUSES {
            assert!(statuses.take(meter(number), b"online"));
        }
        assert!(!statuses.take(meter(MAX_STATUSES), b"online"));
        assert!(statuses.take(meter(0), b"offline"));
        assert!(statuses.take(meter(0), b""));
        assert!(statuses.take(meter(MAX_STATUSES), b"online"));
    }
}
