//! A meter's clock: it drifts, is set by radio, and stands still while the power is off.

const PARTS_PER_MILLION: i64 = 1_000_000;
const SECOND_MS: i64 = 1_000;

/// A clock that was right or wrong by so much at an instant, and runs fast or slow since.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    since_ms: i64,
    ahead_ms: i64,
    drift_ppm: i64,
    /// Whether it was set since the meter started.
    set: bool,
    next_set_ms: i64,
}

impl Clock {
    /// A clock that was set just now.
    pub(crate) const fn new(now_ms: i64, drift_ppm: i64, next_set_ms: i64) -> Self {
        Self { since_ms: now_ms, ahead_ms: 0, drift_ppm, set: true, next_set_ms }
    }

    /// The time that it shows, in whole seconds.
    pub(crate) const fn shows_ms(&self, now_ms: i64) -> i64 {
        (now_ms + self.ahead_at(now_ms)).div_euclid(SECOND_MS) * SECOND_MS
    }

    /// Whether it was set since the meter started.
    pub(crate) const fn is_set(&self) -> bool {
        self.set
    }

    /// Whether it is time to set it, when there is radio.
    pub(crate) const fn due(&self, now_ms: i64) -> bool {
        self.next_set_ms <= now_ms
    }

    /// Sets it right.
    pub(crate) const fn set(&mut self, now_ms: i64, next_set_ms: i64) {
        *self = Self::new(now_ms, self.drift_ppm, next_set_ms);
    }

    /// The meter starts again after its clock stood still.
    pub(crate) const fn restart(&mut self, now_ms: i64, still_ms: i64, next_set_ms: i64) {
        self.ahead_ms = self.ahead_at(now_ms - still_ms) - still_ms;
        self.since_ms = now_ms;
        self.set = false;
        self.next_set_ms = next_set_ms;
    }

    /// Runs so much fast from now on.
    pub(crate) const fn drift(&mut self, now_ms: i64, ppm: i64) {
        self.ahead_ms = self.ahead_at(now_ms);
        self.since_ms = now_ms;
        self.drift_ppm = ppm;
    }

    const fn ahead_at(&self, now_ms: i64) -> i64 {
        self.ahead_ms + (now_ms - self.since_ms) * self.drift_ppm / PARTS_PER_MILLION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn it_drifts_until_it_is_set() {
        let mut clock = Clock::new(0, 1000, 24 * HOUR_MS);
        assert_eq!(clock.shows_ms(HOUR_MS), HOUR_MS + 3_000, "3.6 s fast, in whole seconds");
        assert!(!clock.due(24 * HOUR_MS - 1) && clock.due(24 * HOUR_MS));
        clock.set(24 * HOUR_MS, 48 * HOUR_MS);
        assert_eq!(clock.shows_ms(24 * HOUR_MS), 24 * HOUR_MS);
        assert_eq!(clock.shows_ms(25 * HOUR_MS), 25 * HOUR_MS + 3_000);
        clock.drift(25 * HOUR_MS, -1000);
        assert_eq!(clock.shows_ms(26 * HOUR_MS), 26 * HOUR_MS, "and slow again");
    }

    #[test]
    fn it_stands_still_without_power_and_says_so_until_it_is_set() {
        let mut clock = Clock::new(0, 0, 24 * HOUR_MS);
        clock.restart(HOUR_MS, 90_000, 2 * HOUR_MS);
        assert!(!clock.is_set());
        assert_eq!(clock.shows_ms(HOUR_MS), HOUR_MS - 90_000);
        clock.set(2 * HOUR_MS, 3 * HOUR_MS);
        assert!(clock.is_set());
        assert_eq!(clock.shows_ms(2 * HOUR_MS), 2 * HOUR_MS);
    }
}
