//! The season's clock: it stands where the demonstration puts it.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::Timestamp;
use service::Clock;

/// A clock that only moves when it is moved, and never back.
#[derive(Debug)]
pub struct SeasonClock(AtomicI64);

impl SeasonClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.millis()))
    }

    /// Moves it on to `t`.
    pub fn advance_to(&self, t: Timestamp) {
        self.0.fetch_max(t.millis(), Ordering::Relaxed);
    }
}

impl Clock for SeasonClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap_or(Timestamp::EARLIEST)
    }
}
