//! What goes wrong on request between a meter and the broker.

use std::time::Duration;

use serde::Serialize;
use telemetry::MeterId;
use thiserror::Error;

use crate::dice::Dice;

/// What the chances in [`Faults`] are out of.
pub const PERMILLE: u16 = 1000;

/// How long a delayed report is held back.
pub const FAULT_DELAY: Duration = Duration::from_millis(500);

/// Chances, each out of [`PERMILLE`], that a report's first try goes wrong. At most one of the first four befalls a
/// report; whether and which follows from the seed, the meter and the sequence number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Not sent at the first try; sent again because no receipt comes.
    pub drop_permille: u16,
    /// Sent twice.
    pub duplicate_permille: u16,
    /// Sent after the report that follows it.
    pub reorder_permille: u16,
    /// Sent [`FAULT_DELAY`] late.
    pub delay_permille: u16,
    /// The meter restarts before it makes the report.
    pub reboot_permille: u16,
}

/// Why chances are not chances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FaultsError {
    /// The chances of the four faults on the way add up to more than all reports.
    #[error(
        "drop, duplicate, reorder and delay add up to {0} per mille: keep their sum at 1000 or below"
    )]
    Sum(u32),
    /// The chance of a reboot is more than certain.
    #[error("reboot has {0} per mille: give 1000 or below")]
    Reboot(u16),
}

/// How a report's first try goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Straight,
    Dropped,
    Twice,
    Behind,
    Late,
}

/// How many reports' first tries went wrong, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Mishaps {
    /// Not sent at the first try.
    pub dropped: u64,
    /// Sent twice.
    pub sent_twice: u64,
    /// Sent after the report that followed.
    pub out_of_order: u64,
    /// Sent late.
    pub late: u64,
}

impl Mishaps {
    pub(crate) const fn count(&mut self, passage: Passage) {
        match passage {
            Passage::Straight => {}
            Passage::Dropped => self.dropped += 1,
            Passage::Twice => self.sent_twice += 1,
            Passage::Behind => self.out_of_order += 1,
            Passage::Late => self.late += 1,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            dropped: self.dropped + other.dropped,
            sent_twice: self.sent_twice + other.sent_twice,
            out_of_order: self.out_of_order + other.out_of_order,
            late: self.late + other.late,
        }
    }
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        drop_permille: 0,
        duplicate_permille: 0,
        reorder_permille: 0,
        delay_permille: 0,
        reboot_permille: 0,
    };

    /// Refuses chances above certainty.
    pub fn check(&self) -> Result<(), FaultsError> {
        let sum = self.on_the_way().iter().map(|&(permille, _)| u32::from(permille)).sum();
        if sum > u32::from(PERMILLE) {
            return Err(FaultsError::Sum(sum));
        }
        if self.reboot_permille > PERMILLE {
            return Err(FaultsError::Reboot(self.reboot_permille));
        }
        Ok(())
    }

    pub(crate) fn passage(&self, dice: Dice, meter: &MeterId, seq: u64) -> Passage {
        let mut roll = dice.roll("passage", meter, seq, PERMILLE.into());
        for (permille, passage) in self.on_the_way() {
            match roll.checked_sub(permille.into()) {
                None => return passage,
                Some(rest) => roll = rest,
            }
        }
        Passage::Straight
    }

    pub(crate) fn reboots(&self, dice: Dice, meter: &MeterId, seq: u64) -> bool {
        dice.roll("reboot", meter, seq, PERMILLE.into()) < self.reboot_permille.into()
    }

    const fn on_the_way(&self) -> [(u16, Passage); 4] {
        [
            (self.drop_permille, Passage::Dropped),
            (self.duplicate_permille, Passage::Twice),
            (self.reorder_permille, Passage::Behind),
            (self.delay_permille, Passage::Late),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_befalls_its_share_of_reports() {
        let faults = Faults {
            drop_permille: 50,
            duplicate_permille: 100,
            reorder_permille: 150,
            delay_permille: 200,
            reboot_permille: 300,
        };
        let (dice, meter) = (Dice::new(3), MeterId::new("well-07").unwrap());
        let count = |wanted| {
            (1..=10_000).filter(|&seq| faults.passage(dice, &meter, seq) == wanted).count()
        };
        for (passage, share) in [
            (Passage::Dropped, 500),
            (Passage::Twice, 1000),
            (Passage::Behind, 1500),
            (Passage::Late, 2000),
            (Passage::Straight, 5000),
        ] {
            let found = count(passage);
            assert!(found.abs_diff(share) < 200, "{passage:?}: {found} of {share}");
        }
        let reboots = (1..=10_000).filter(|&seq| faults.reboots(dice, &meter, seq)).count();
        assert!(reboots.abs_diff(3000) < 200, "{reboots}");
    }

    #[test]
    fn no_chances_no_faults() {
        let (dice, meter) = (Dice::new(3), MeterId::new("well-07").unwrap());
        for seq in 1..=1000 {
            assert_eq!(Faults::NONE.passage(dice, &meter, seq), Passage::Straight);
            assert!(!Faults::NONE.reboots(dice, &meter, seq));
        }
    }

    #[test]
    fn rejects_more_than_certainty() {
        let sum = Faults { drop_permille: 600, delay_permille: 401, ..Faults::NONE };
        assert_eq!(sum.check(), Err(FaultsError::Sum(1001)));
        let reboot = Faults { reboot_permille: 1001, ..Faults::NONE };
        assert_eq!(reboot.check(), Err(FaultsError::Reboot(1001)));
        let all = Faults { drop_permille: 1000, reboot_permille: 1000, ..Faults::NONE };
        assert_eq!(all.check(), Ok(()));
    }
}
