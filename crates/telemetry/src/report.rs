//! What a meter says in one report, before it is bytes and after.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::{EncodeError, MAX_READINGS, MeterId};

/// One report of one meter: a batch of readings with their place in the meter's history.
///
/// The fields are open so that a meter can be assembled piece by piece; [`crate::sign`] refuses a report that breaks
/// a rule of [`Report::check`], and what [`crate::decode`] yields has passed them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Report {
    /// The meter that speaks.
    pub meter: MeterId,
    /// Report sequence number: 1 for the first, then dense; it survives reboots and never resets.
    pub seq: u64,
    /// How often the meter has started.
    pub boot: u32,
    /// Hash of the report before this one; [`ChainHash::FIRST`] when `seq` is 1.
    pub previous: ChainHash,
    /// What the values are.
    pub kind: Kind,
    /// 1 to [`MAX_READINGS`] readings, in order of time, whole seconds after the first.
    pub readings: Vec<Reading>,
    /// What the meter knows about its own state.
    pub flags: Flags,
}

impl Report {
    /// Checks every rule of the format but the length of the encoding.
    pub fn check(&self) -> Result<(), EncodeError> {
        if self.seq == 0 {
            return Err(EncodeError::SequenceZero);
        }
        if self.seq == 1 && self.previous != ChainHash::FIRST {
            return Err(EncodeError::PreviousOfFirst);
        }
        let first = self.readings.first().ok_or(EncodeError::NoReadings)?;
        if self.readings.len() > MAX_READINGS {
            return Err(EncodeError::TooManyReadings { readings: self.readings.len() });
        }
        if first.at_ms < 0 {
            return Err(EncodeError::NegativeTime);
        }
        for (before, pair) in self.readings.windows(2).enumerate() {
            let index = before + 1;
            let [earlier, later] = pair else { continue };
            let elapsed_ms =
                later.at_ms.checked_sub(earlier.at_ms).ok_or(EncodeError::Overflow { index })?;
            if elapsed_ms < 0 {
                return Err(EncodeError::OutOfOrder { index });
            }
            if elapsed_ms % MS_PER_SECOND != 0 {
                return Err(EncodeError::NotWholeSeconds { index });
            }
            if later.value.checked_sub(earlier.value).is_none() {
                return Err(EncodeError::Overflow { index });
            }
        }
        Ok(())
    }
}

/// Milliseconds in a second: readings are kept in the one, sent in the other.
pub(crate) const MS_PER_SECOND: i64 = 1000;

/// One value of one meter at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Unix time in milliseconds, by the meter's clock.
    pub at_ms: i64,
    /// The value in the unit of the report's [`Kind`].
    pub value: i64,
}

/// What the values of a report are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A cumulative register in the meter's own units; the registry says how many litres a unit is.
    Register,
    /// The water's stage over a flume or weir, in millimetres.
    Stage,
    /// A cumulative energy register, in watt-hours.
    Energy,
}

impl Kind {
    /// The number that stands for the kind on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Register => 0,
            Self::Stage => 1,
            Self::Energy => 2,
        }
    }

    /// The kind that a number on the wire stands for.
    pub const fn from_code(code: u64) -> Option<Self> {
        match code {
            0 => Some(Self::Register),
            1 => Some(Self::Stage),
            2 => Some(Self::Energy),
            _ => None,
        }
    }
}

/// A set of status flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u16);

impl Flags {
    /// Nothing to say.
    pub const NONE: Self = Self(0);
    /// The meter's clock has not been set since it started.
    pub const CLOCK_NOT_SYNCHRONISED: Self = Self(1);
    /// The case was opened or a magnet was near.
    pub const TAMPER: Self = Self(2);
    /// Water ran backwards since the report before.
    pub const REVERSE_FLOW: Self = Self(4);
    /// The battery should be changed.
    pub const LOW_BATTERY: Self = Self(8);
    /// The meter restarted since the report before.
    pub const REBOOTED: Self = Self(16);

    const KNOWN: u16 = 31;

    /// The set with these bits; `None` when a bit has no meaning.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::KNOWN == 0 { Some(Self(bits)) } else { None }
    }

    /// The set as bits.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every flag of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The link from a report to the one before it: the first 16 bytes of SHA-256 over that report's COSE bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; Self::LEN_BYTES]);

impl ChainHash {
    /// Length in bytes.
    pub const LEN_BYTES: usize = 16;

    /// What a meter's first report links to: zeros.
    pub const FIRST: Self = Self([0; Self::LEN_BYTES]);

    /// The hash that the next report carries when `cose_bytes` is the report before it.
    pub fn of(cose_bytes: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(cose_bytes).into();
        let mut hash = [0; Self::LEN_BYTES];
        for (to, from) in hash.iter_mut().zip(digest) {
            *to = from;
        }
        Self(hash)
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}
