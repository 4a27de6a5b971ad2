//! A battery that each reading takes a little of.

use crate::physics::PERMILLE;

/// A meter asks for a new battery below this voltage.
const LOW_MILLIVOLTS: i64 = 3_300;

/// Voltage of a lithium thionyl chloride cell by what is left in it: flat for most of its life, then falling fast.
const DISCHARGE_CURVE: [(i64, i64); 6] =
    [(0, 2_000), (20, 3_000), (60, 3_300), (150, 3_500), (400, 3_600), (PERMILLE, 3_650)];

/// What is left, in readings.
#[derive(Debug, Clone)]
pub(crate) struct Battery {
    full_readings: i64,
    left_readings: i64,
}

impl Battery {
    /// A fresh battery for so many readings.
    pub(crate) const fn new(full_readings: i64) -> Self {
        Self { full_readings, left_readings: full_readings }
    }

    /// Leaves so much in it.
    pub(crate) const fn set(&mut self, left_permille: i64) {
        self.left_readings = self.full_readings * left_permille / PERMILLE;
    }

    /// One reading, with its part of a report.
    pub(crate) const fn use_up(&mut self) {
        if self.left_readings > 0 {
            self.left_readings -= 1;
        }
    }

    /// Whether it cannot run the meter any more.
    pub(crate) const fn empty(&self) -> bool {
        self.left_readings == 0
    }

    /// Whether it should be changed.
    pub(crate) fn low(&self) -> bool {
        self.millivolts() < LOW_MILLIVOLTS
    }

    fn millivolts(&self) -> i64 {
        let left = self.left_readings * PERMILLE / self.full_readings.max(1);
        let on = |pair: &[(i64, i64)]| match *pair {
            [(from, low), (to, high)] if left <= to => {
                Some(low + (high - low) * (left - from) / (to - from))
            }
            _ => None,
        };
        DISCHARGE_CURVE.windows(2).find_map(on).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_good_for_long_and_then_low_and_empty() {
        let mut battery = Battery::new(1000);
        let mut low_after = None;
        for reading in 0..1000 {
            assert!(!battery.empty());
            if battery.low() {
                low_after.get_or_insert(reading);
            }
            battery.use_up();
        }
        assert_eq!(low_after, Some(941));
        assert!(battery.empty());
        battery.set(500);
        assert!(!battery.empty() && !battery.low());
    }
}
