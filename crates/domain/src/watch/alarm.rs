//! What somebody at the station must look at: the kinds of alarms, what each says, and how urgent it is.

use serde::{Deserialize, Serialize};

use crate::{Litres, TurnId};

/// A kind of alarm (告警).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// The meter said that it was tampered with.
    Tamper,
    /// A report does not follow the one before it.
    ChainBroken,
    /// The register fell and nobody declared why.
    RegisterFell,
    /// Two readings of one instant contradict each other.
    Contradiction,
    /// Water flowed while no round was open.
    UseOutsideRound,
    /// Later readings tell another volume than the one that was signed.
    LateData,
    /// Nothing was heard of the meter.
    Silent,
    /// Reports are missing between others.
    MissingReports,
    /// Little water flows, without a pause.
    LeakLike,
    /// The register rose faster than the outlet can deliver.
    AboveCapacity,
    /// The stage lies outside the rating table.
    OutOfTable,
    /// No rating table or coefficient is in force.
    NoScale,
    /// Water ran backwards.
    ReverseFlow,
    /// The battery should be changed.
    LowBattery,
    /// The meter starts again and again.
    Reboots,
    /// The meter's clock is not synchronised.
    ClockNotSynchronised,
}

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Water or evidence may be lost: today.
    Urgent,
    /// It will cost something if it stays: this week.
    Soon,
    /// With the next visit.
    Minor,
}

/// What an alarm says, beyond where and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Cause {
    /// See [`AlarmKind::Tamper`].
    Tamper,
    /// See [`AlarmKind::ChainBroken`].
    ChainBroken {
        /// The report that does not follow the one before it.
        report: u64,
    },
    /// See [`AlarmKind::RegisterFell`].
    RegisterFell {
        /// The value before.
        before: i64,
        /// The lower value.
        after: i64,
    },
    /// See [`AlarmKind::Contradiction`].
    Contradiction {
        /// One value.
        one: i64,
        /// The other.
        other: i64,
    },
    /// See [`AlarmKind::UseOutsideRound`].
    UseOutsideRound {
        /// How much so far.
        litres: Litres,
    },
    /// See [`AlarmKind::LateData`].
    LateData {
        /// The turn.
        turn: TurnId,
        /// The statement on this server.
        statement: i64,
        /// The volume that was signed.
        signed: Litres,
        /// The volume that the readings tell now; none when they tell none any more.
        measured: Option<Litres>,
    },
    /// See [`AlarmKind::Silent`].
    Silent,
    /// See [`AlarmKind::MissingReports`].
    MissingReports {
        /// The first that is missing.
        first: u64,
        /// The last that is missing; between the two, some may be there.
        last: u64,
    },
    /// See [`AlarmKind::LeakLike`].
    LeakLike {
        /// How much since it began.
        litres: Litres,
    },
    /// See [`AlarmKind::AboveCapacity`].
    AboveCapacity,
    /// See [`AlarmKind::OutOfTable`].
    OutOfTable,
    /// See [`AlarmKind::NoScale`].
    NoScale,
    /// See [`AlarmKind::ReverseFlow`].
    ReverseFlow,
    /// See [`AlarmKind::LowBattery`].
    LowBattery,
    /// See [`AlarmKind::Reboots`].
    Reboots {
        /// How often within a day.
        times: u32,
    },
    /// See [`AlarmKind::ClockNotSynchronised`].
    ClockNotSynchronised,
}

impl AlarmKind {
    /// Every kind, the most urgent first.
    pub const ALL: [Self; 16] = [
        Self::Tamper,
        Self::ChainBroken,
        Self::RegisterFell,
        Self::Contradiction,
        Self::UseOutsideRound,
        Self::LateData,
        Self::Silent,
        Self::MissingReports,
        Self::LeakLike,
        Self::AboveCapacity,
        Self::OutOfTable,
        Self::NoScale,
        Self::ReverseFlow,
        Self::LowBattery,
        Self::Reboots,
        Self::ClockNotSynchronised,
    ];

    /// The word that stands in the database, the API and addresses.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Tamper => "tamper",
            Self::ChainBroken => "chain-broken",
            Self::RegisterFell => "register-fell",
            Self::Contradiction => "contradiction",
            Self::UseOutsideRound => "use-outside-round",
            Self::LateData => "late-data",
            Self::Silent => "silent",
            Self::MissingReports => "missing-reports",
            Self::LeakLike => "leak-like",
            Self::AboveCapacity => "above-capacity",
            Self::OutOfTable => "out-of-table",
            Self::NoScale => "no-scale",
            Self::ReverseFlow => "reverse-flow",
            Self::LowBattery => "low-battery",
            Self::Reboots => "reboots",
            Self::ClockNotSynchronised => "clock-not-synchronised",
        }
    }

    /// Reads [`AlarmKind::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// How soon somebody should look.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Tamper
            | Self::ChainBroken
            | Self::RegisterFell
            | Self::Contradiction
            | Self::UseOutsideRound
            | Self::LateData => Severity::Urgent,
            Self::Silent
            | Self::MissingReports
            | Self::LeakLike
            | Self::AboveCapacity
            | Self::OutOfTable
            | Self::NoScale => Severity::Soon,
            Self::ReverseFlow | Self::LowBattery | Self::Reboots | Self::ClockNotSynchronised => {
                Severity::Minor
            }
        }
    }

    /// Whether it tells of something that happened and is not undone by good readings afterwards.
    ///
    /// An alarm of a state clears when the state is over. An alarm of an event clears when what
    /// happened was put right, and otherwise when a person acknowledges it.
    pub const fn is_event(self) -> bool {
        matches!(self.severity(), Severity::Urgent)
    }
}

impl Cause {
    /// Its kind.
    pub const fn kind(&self) -> AlarmKind {
        match self {
            Self::Tamper => AlarmKind::Tamper,
            Self::ChainBroken { .. } => AlarmKind::ChainBroken,
            Self::RegisterFell { .. } => AlarmKind::RegisterFell,
            Self::Contradiction { .. } => AlarmKind::Contradiction,
            Self::UseOutsideRound { .. } => AlarmKind::UseOutsideRound,
            Self::LateData { .. } => AlarmKind::LateData,
            Self::Silent => AlarmKind::Silent,
            Self::MissingReports { .. } => AlarmKind::MissingReports,
            Self::LeakLike { .. } => AlarmKind::LeakLike,
            Self::AboveCapacity => AlarmKind::AboveCapacity,
            Self::OutOfTable => AlarmKind::OutOfTable,
            Self::NoScale => AlarmKind::NoScale,
            Self::ReverseFlow => AlarmKind::ReverseFlow,
            Self::LowBattery => AlarmKind::LowBattery,
            Self::Reboots { .. } => AlarmKind::Reboots,
            Self::ClockNotSynchronised => AlarmKind::ClockNotSynchronised,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_and_are_the_words_of_the_json() {
        for kind in AlarmKind::ALL {
            assert_eq!(AlarmKind::from_code(kind.code()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
        assert_eq!(AlarmKind::from_code("fire"), None);
    }

    #[test]
    fn the_list_goes_from_urgent_to_minor() {
        assert!(AlarmKind::ALL.is_sorted_by_key(|kind| kind.severity()));
        assert!(AlarmKind::ALL.is_sorted());
    }

    #[test]
    fn every_kind_is_documented() {
        let page = include_str!("../../../../docs/alarms.md");
        for kind in AlarmKind::ALL {
            assert!(page.contains(&format!("`{}`", kind.code())), "{}", kind.code());
        }
    }

    #[test]
    fn a_cause_reads_back() {
        let turn = TurnId::new("t1").unwrap();
        let late =
            Cause::LateData { turn, statement: 7, signed: Litres(5), measured: Some(Litres(6)) };
        for cause in [Cause::Silent, Cause::RegisterFell { before: 9, after: 1 }, late] {
            let json = serde_json::to_string(&cause).unwrap();
            assert_eq!(serde_json::from_str::<Cause>(&json).unwrap(), cause, "{json}");
        }
    }
}
