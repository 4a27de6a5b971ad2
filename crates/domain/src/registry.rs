//! What stands in the field: villages, outlets and their meters.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{GroupId, MeterCode, OutletId, Timestamp, VillageId};

/// The longest name of a village, group, outlet or canal, in characters.
pub const MAX_NAME_CHARS: usize = 40;
/// The coarsest register this program reckons with: litres for one unit.
pub const MAX_LITRES_PER_UNIT: i64 = 1_000_000;
/// The longest gap tolerance, in seconds: thirty days.
pub const MAX_GAP_TOLERANCE_SECONDS: u32 = 30 * 24 * 3600;

/// Why an entry of the registry is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// A name is empty, too long or carries control characters.
    #[error("name {0:?} is not valid: use 1 to {MAX_NAME_CHARS} visible characters")]
    Name(String),
    /// A register's unit is absurd.
    #[error("litres per unit {0} is not valid: use 1 to {MAX_LITRES_PER_UNIT}")]
    LitresPerUnit(i64),
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
    /// A boundary whose nearest reading is further away than this, in seconds, makes a volume estimated (估算).
    pub gap_tolerance_seconds: u32,
}

/// The device at an outlet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// The meter's code, the same text as in its reports.
    pub code: MeterCode,
    /// Where it is installed.
    pub outlet: OutletId,
    /// From when its readings count; an earlier measured time is a broken clock.
    pub installed_at: Timestamp,
    /// How its values become litres.
    pub scale: Scale,
}

/// How a meter's values become cumulative litres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scale {
    /// A cumulative register: litres = value × `litres_per_unit`.
    Register {
        /// Litres for one unit of the register.
        litres_per_unit: i64,
    },
}

/// Checks a name that is shown on pages and paper.
pub fn check_name(name: &str) -> Result<(), RegistryError> {
    let length = name.chars().count();
    let visible = !name.chars().any(char::is_control) && name.trim() == name;
    if (1..=MAX_NAME_CHARS).contains(&length) && visible {
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
    /// Checks the scale.
    pub fn check(&self) -> Result<(), RegistryError> {
        let Scale::Register { litres_per_unit } = self.scale;
        if (1..=MAX_LITRES_PER_UNIT).contains(&litres_per_unit) {
            Ok(())
        } else {
            Err(RegistryError::LitresPerUnit(litres_per_unit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(litres_per_unit: i64) -> Meter {
        Meter {
            code: MeterCode::new("m1").unwrap(),
            outlet: OutletId::new("w1").unwrap(),
            installed_at: "2016-01-01T00:00:00Z".parse().unwrap(),
            scale: Scale::Register { litres_per_unit },
        }
    }

    #[test]
    fn rejects_an_absurd_scale() {
        assert_eq!(meter(100).check(), Ok(()));
        assert_eq!(meter(0).check(), Err(RegistryError::LitresPerUnit(0)));
        assert!(meter(MAX_LITRES_PER_UNIT + 1).check().is_err());
    }

    #[test]
    fn rejects_names_that_cannot_be_printed() {
        for name in ["", " a", "a\nb", &"长".repeat(MAX_NAME_CHARS + 1)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(check_name("东风村"), Ok(()));
    }
}
