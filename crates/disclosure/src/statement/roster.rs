//! `roster`: a village's households with their areas and crops, without names.

use std::collections::BTreeSet;

use domain::text::is_plain;
use domain::{Area, GroupId, HouseholdNo, VillageId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Head;
use crate::attachment::AttachmentRef;

/// Media type of the entries: a JSON array of [`RosterEntry`].
pub const ROSTER_MEDIA_TYPE: &str = "application/vnd.mingqu.roster-entries.v1+json";
/// The most households of one village.
pub const MAX_ROSTER_HOUSEHOLDS: usize = 20_000;
/// The largest area of one household, in hundredths of a mu: 100,000 mu, as where areas are read.
pub const MAX_HOUSEHOLD_AREA: Area = Area(10_000_000);
/// The longest crop's name, in characters.
pub const MAX_CROP_CHARS: usize = 20;

/// A village's whole roster; it replaces the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// What every statement begins with.
    pub head: Head,
    /// The village.
    pub village: VillageId,
    /// How many households it lists.
    pub households: u32,
    /// The list, in an attachment.
    pub entries: AttachmentRef,
}

/// One household of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterEntry {
    /// Its number.
    pub household: HouseholdNo,
    /// Its group.
    pub group: GroupId,
    /// Its irrigated area, in hundredths of a mu.
    pub area: Area,
    /// What it grows.
    pub crop: String,
}

/// Why a roster's entries are refused.
#[derive(Debug, Error)]
pub enum RosterError {
    /// Not the JSON of a list of entries.
    #[error("the roster's entries cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The statement and the list disagree.
    #[error("the roster states {stated} households and lists {listed}")]
    Count {
        /// The statement's count.
        stated: u32,
        /// The list's.
        listed: usize,
    },
    /// A household listed twice.
    #[error("household {0} is listed twice")]
    Twice(HouseholdNo),
    /// An area that is not positive, or absurd.
    #[error("household {0} has an area of 0 or less, or of more than {max} mu", max = MAX_HOUSEHOLD_AREA.mu())]
    Area(HouseholdNo),
    /// A crop that cannot be printed.
    #[error(
        "household {0} has a crop that is empty, too long or not printable: use 1 to {MAX_CROP_CHARS} characters"
    )]
    Crop(HouseholdNo),
}

impl Roster {
    /// Reads and checks the entries that belong to this statement.
    pub fn read_entries(&self, bytes: &[u8]) -> Result<Vec<RosterEntry>, RosterError> {
        let entries: Vec<RosterEntry> = serde_json::from_slice(bytes)?;
        let stated = usize::try_from(self.households).unwrap_or(usize::MAX);
        if entries.len() != stated || stated > MAX_ROSTER_HOUSEHOLDS {
            return Err(RosterError::Count { stated: self.households, listed: entries.len() });
        }
        let mut seen = BTreeSet::new();
        for entry in &entries {
            let household = || entry.household.clone();
            if !seen.insert(&entry.household) {
                return Err(RosterError::Twice(household()));
            }
            if entry.area <= Area::ZERO || entry.area > MAX_HOUSEHOLD_AREA {
                return Err(RosterError::Area(household()));
            }
            if !is_plain(&entry.crop, MAX_CROP_CHARS) {
                return Err(RosterError::Crop(household()));
            }
        }
        Ok(entries)
    }
}
