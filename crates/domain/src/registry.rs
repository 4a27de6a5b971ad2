//! What stands in the field: villages, outlets and their meters.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plot::Source;
use crate::scale::{Scale, ScaleError};
use crate::text::is_plain;
use crate::{GroupId, MeterCode, OutletId, Timestamp, VillageId};

/// The longest name of a village, group, outlet or canal, in characters.
pub const MAX_NAME_CHARS: usize = 40;
/// The most resets that one meter's entry declares.
pub const MAX_RESETS: usize = 32;
/// The longest gap tolerance, in seconds: thirty days.
pub const MAX_GAP_TOLERANCE_SECONDS: u32 = 30 * 24 * 3600;

/// Why an entry of the registry is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// A name is empty, too long or carries control characters.
    #[error("name {0:?} is not valid: use 1 to {MAX_NAME_CHARS} visible characters")]
    Name(String),
    /// A scale is absurd.
    #[error("meter {meter}: {source}")]
    Scale {
        /// The meter.
        meter: MeterCode,
        /// What is wrong.
        source: ScaleError,
    },
    /// A meter is removed before it was installed.
    #[error("meter {0} is removed before it was installed: check both dates")]
    RemovedBeforeInstalled(MeterCode),
    /// A final value without a removal.
    #[error("meter {0} has a final value and was not removed: give the date of its removal")]
    FinalValueInPlace(MeterCode),
    /// A value at installation, removal or reset of a gauge that counts nothing.
    #[error(
        "meter {0} is a stage gauge, which counts nothing: leave out its initial, final and reset values"
    )]
    NothingCounted(MeterCode),
    /// A value below zero.
    #[error("meter {0} is said to have shown a negative value: a register counts from 0")]
    NegativeValue(MeterCode),
    /// Resets out of order, outside the meter's time, or too many.
    #[error(
        "the resets of meter {0} are not valid: at most {MAX_RESETS}, each later than the one before, while it is installed"
    )]
    Resets(MeterCode),
    /// A gap tolerance is absurd.
    #[error("gap tolerance of {0} seconds is not valid: use 1 to {MAX_GAP_TOLERANCE_SECONDS}")]
    GapTolerance(u32),
}

/// A village (村) and its groups (社).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Village {
    /// The village's code.
    pub id: VillageId,
    /// Its name as people say it.
    pub name: String,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// A village's sub-group (社).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's code, unique within its village.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

/// A place where water is measured and handed over (斗口, 机井).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    /// The outlet's code.
    pub id: OutletId,
    /// Its name.
    pub name: String,
    /// The canal it stands on, or the aquifer's name for a well.
    pub canal: String,
    /// The village it delivers to.
    pub village: VillageId,
    /// Where its water comes from: a well's from the ground, a canal's from the surface.
    pub source: Source,
    /// A boundary whose nearest reading is further away than this, in seconds, makes a volume estimated (估算).
    pub gap_tolerance_seconds: u32,
}

/// The device at an outlet.
///
/// A swap (换表) is one statement that lists the old meter with its removal and final value and the
/// new one with its installation and initial value at the same outlet, so that V(t) goes on from the one to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// The meter's code, the same text as in its reports.
    pub code: MeterCode,
    /// Where it is installed.
    pub outlet: OutletId,
    /// From when its readings count; an earlier measured time is a broken clock.
    pub installed_at: Timestamp,
    /// What its register showed when it was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_value: Option<i64>,
    /// Until when its readings count; none while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// What its register showed when it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_value: Option<i64>,
    /// When its register was set to another value, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resets: Vec<Reset>,
    /// How its values become litres.
    pub scale: Scale,
}

/// A register that was set to another value: somebody saw both and signs for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// When.
    pub at: Timestamp,
    /// The value before.
    pub before: i64,
    /// The value after.
    pub after: i64,
}

/// Checks a name that is shown on pages and paper.
pub fn check_name(name: &str) -> Result<(), RegistryError> {
    if is_plain(name, MAX_NAME_CHARS) && name.trim() == name {
        Ok(())
    } else {
        Err(RegistryError::Name(name.chars().take(MAX_NAME_CHARS + 1).collect()))
    }
}

impl Village {
    /// Checks the names.
    pub fn check(&self) -> Result<(), RegistryError> {
        check_name(&self.name)?;
        self.groups.iter().try_for_each(|group| check_name(&group.name))
    }
}

impl Outlet {
    /// Checks names and tolerance.
    pub fn check(&self) -> Result<(), RegistryError> {
        check_name(&self.name)?;
        check_name(&self.canal)?;
        if (1..=MAX_GAP_TOLERANCE_SECONDS).contains(&self.gap_tolerance_seconds) {
            Ok(())
        } else {
            Err(RegistryError::GapTolerance(self.gap_tolerance_seconds))
        }
    }
}

impl Meter {
    /// A meter as it is installed first, with nothing declared about it yet.
    pub fn new(code: MeterCode, outlet: OutletId, installed_at: Timestamp, scale: Scale) -> Self {
        Self {
            code,
            outlet,
            installed_at,
            initial_value: None,
            removed_at: None,
            final_value: None,
            resets: Vec::new(),
            scale,
        }
    }

    /// Whether it stood at its outlet at some instant of the interval, both ends included.
    pub fn stood_between(&self, start: Timestamp, end: Timestamp) -> bool {
        self.installed_at <= end && self.removed_at.is_none_or(|removed| removed >= start)
    }

    /// Checks scale, dates and declared values.
    pub fn check(&self) -> Result<(), RegistryError> {
        let code = || self.code.clone();
        self.scale.check().map_err(|source| RegistryError::Scale { meter: code(), source })?;
        if self.removed_at.is_some_and(|removed| removed <= self.installed_at) {
            return Err(RegistryError::RemovedBeforeInstalled(code()));
        }
        if self.final_value.is_some() && self.removed_at.is_none() {
            return Err(RegistryError::FinalValueInPlace(code()));
        }
        let declared = [self.initial_value, self.final_value].into_iter().flatten();
        let reset = self.resets.iter().flat_map(|reset| [reset.before, reset.after]);
        let mut declared = declared.chain(reset).peekable();
        if declared.peek().is_some() && !self.scale.counts() {
            return Err(RegistryError::NothingCounted(code()));
        }
        if declared.any(|value| value < 0) {
            return Err(RegistryError::NegativeValue(code()));
        }
        self.check_resets()
    }

    fn check_resets(&self) -> Result<(), RegistryError> {
        let mut before = self.installed_at;
        for reset in &self.resets {
            if reset.at <= before || self.removed_at.is_some_and(|removed| reset.at >= removed) {
                return Err(RegistryError::Resets(self.code.clone()));
            }
            before = reset.at;
        }
        if self.resets.len() > MAX_RESETS {
            return Err(RegistryError::Resets(self.code.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn meter() -> Meter {
        Meter::new(
            MeterCode::new("m1").unwrap(),
            OutletId::new("w1").unwrap(),
            at("2016-01-01T00:00:00Z"),
            Scale::register(100_000),
        )
    }

    #[test]
    fn rejects_an_absurd_scale() {
        assert_eq!(meter().check(), Ok(()));
        let absurd = Meter { scale: Scale::register(0), ..meter() };
        let message = absurd.check().unwrap_err().to_string();
        assert!(message.starts_with("meter m1: "), "{message}");
    }

    #[test]
    fn rejects_a_removal_that_cannot_be() {
        let removed = |removed_at: &str| Meter { removed_at: Some(at(removed_at)), ..meter() };
        assert_eq!(removed("2017-01-01T00:00:00Z").check(), Ok(()));
        assert!(matches!(
            removed("2016-01-01T00:00:00Z").check(),
            Err(RegistryError::RemovedBeforeInstalled(_))
        ));
        let unremoved = Meter { final_value: Some(1), ..meter() };
        assert!(matches!(unremoved.check(), Err(RegistryError::FinalValueInPlace(_))));
    }

    #[test]
    fn rejects_declared_values_that_no_register_shows() {
        let negative = Meter { initial_value: Some(-1), ..meter() };
        assert!(matches!(negative.check(), Err(RegistryError::NegativeValue(_))));
        let gauge = Meter {
            initial_value: Some(1),
            scale: Scale::Stage { tables: Scale::one_table("t1") },
            ..meter()
        };
        assert!(matches!(gauge.check(), Err(RegistryError::NothingCounted(_))));
    }

    #[test]
    fn rejects_resets_that_do_not_follow_each_other() {
        let reset = |text: &str| Reset { at: at(text), before: 9, after: 0 };
        let with = |resets: Vec<Reset>| Meter { resets, ..meter() }.check();
        let (one, two) = (reset("2016-02-01T00:00:00Z"), reset("2016-03-01T00:00:00Z"));
        assert_eq!(with(vec![one, two]), Ok(()));
        assert!(with(vec![two, one]).is_err());
        assert!(with(vec![one, one]).is_err());
        assert!(with(vec![reset("2016-01-01T00:00:00Z")]).is_err());
        let many = (1..=40).map(|n| Reset { at: one.at.plus_millis(n), ..one }).collect();
        assert!(with(many).is_err());
    }

    #[test]
    fn stands_from_its_installation_to_its_removal() {
        let removed = Meter { removed_at: Some(at("2016-06-01T00:00:00Z")), ..meter() };
        let stood = |from: &str, to: &str| removed.stood_between(at(from), at(to));
        assert!(stood("2016-05-01T00:00:00Z", "2016-07-01T00:00:00Z"));
        assert!(stood("2016-06-01T00:00:00Z", "2016-07-01T00:00:00Z"));
        assert!(!stood("2016-06-02T00:00:00Z", "2016-07-01T00:00:00Z"));
        assert!(!stood("2015-06-02T00:00:00Z", "2015-07-01T00:00:00Z"));
    }

    #[test]
    fn rejects_names_that_cannot_be_printed() {
        for name in ["", " a", "a\nb", &"长".repeat(MAX_NAME_CHARS + 1)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(check_name("东风村"), Ok(()));
    }
}
