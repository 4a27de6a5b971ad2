//! Why a volume is estimated (估算) instead of plainly measured.

use serde::{Deserialize, Serialize};

/// Why a volume is estimated (估算) instead of plainly measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The nearest reading to the start is further away than the outlet's tolerance.
    GapAtStart,
    /// The nearest reading to the end is further away than the outlet's tolerance.
    GapAtEnd,
    /// The meter said that its clock was not synchronised.
    ClockNotSynchronised,
    /// The meter said that it was tampered with.
    Tamper,
    /// The meter said that water ran backwards.
    ReverseFlow,
    /// Two readings of a stage gauge are further apart than the outlet's tolerance, or no meter stood
    /// there for a while: what flowed between is not known.
    GapWithin,
    /// Water flowed at a stage below the range in which the rating table is valid.
    OutOfTable,
    /// The register rose faster than the outlet can deliver.
    AboveCapacity,
}

impl Doubt {
    /// Every doubt.
    pub const ALL: [Self; 8] = [
        Self::GapAtStart,
        Self::GapAtEnd,
        Self::ClockNotSynchronised,
        Self::Tamper,
        Self::ReverseFlow,
        Self::GapWithin,
        Self::OutOfTable,
        Self::AboveCapacity,
    ];
}

/// A set of doubts, small enough to go with every reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Doubts(u8);

impl Doubts {
    /// No doubt.
    pub const NONE: Self = Self(0);

    /// This set and one more doubt.
    #[must_use]
    pub const fn with(self, doubt: Doubt) -> Self {
        Self(self.0 | 1 << doubt as u8)
    }

    /// The doubts of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it holds a doubt.
    pub const fn contains(self, doubt: Doubt) -> bool {
        self.0 & (1 << doubt as u8) != 0
    }

    /// The doubts, in their order.
    pub fn iter(self) -> impl Iterator<Item = Doubt> {
        Doubt::ALL.into_iter().filter(move |&doubt| self.contains(doubt))
    }
}
