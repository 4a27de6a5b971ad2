//! `roster`: a village's households with their plots, without names.

use std::collections::BTreeSet;

use domain::account::Holding;
use domain::plot::{Crop, Plot, Source};
use domain::{Area, GroupId, HouseholdNo, Litres, Timestamp, VillageId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Head;
use crate::attachment::AttachmentRef;

/// Media type of the entries: a JSON array of [`RosterEntry`].
pub const ROSTER_MEDIA_TYPE: &str = "application/vnd.mingqu.roster-entries.v1+json";
/// The most households of one village.
pub const MAX_ROSTER_HOUSEHOLDS: usize = 20_000;
/// The most plots of one household.
pub const MAX_PLOTS: usize = 20;
/// The largest area of one household, in hundredths of a mu: 100,000 mu, as where areas are read.
pub const MAX_HOUSEHOLD_AREA: Area = Area(10_000_000);
/// The largest water right of one household for a year: a thousand million m³.
pub const MAX_WATER_RIGHT: Litres = Litres(1_000_000_000_000);

/// A village's whole roster; it replaces the one before from a time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// What every statement begins with.
    pub head: Head,
    /// The village.
    pub village: VillageId,
    /// From when it holds, until a later one does.
    pub effective_from: Timestamp,
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
    /// Its irrigated land: 1 to [`MAX_PLOTS`], no two with one crop and one source.
    pub plots: Vec<Plot>,
    /// Its water right (水权) for a year; none where none was allotted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub water_right_litres: Option<Litres>,
}

impl RosterEntry {
    /// The area that has its water from a source.
    pub fn area_from(&self, source: Source) -> Area {
        self.plots.iter().filter(|plot| plot.source == source).map(|plot| plot.area).sum()
    }

    /// What the year's account goes by.
    pub fn holding(&self) -> Holding {
        Holding {
            household: self.household.clone(),
            plots: self.plots.clone(),
            water_right: self.water_right_litres,
        }
    }
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
    /// Too few or too many plots.
    #[error("household {household} has {plots} plots: list 1 to {MAX_PLOTS}")]
    Plots {
        /// The household.
        household: HouseholdNo,
        /// How many are listed.
        plots: usize,
    },
    /// An area that is not positive, or absurd.
    #[error("household {0} has a plot of 0 or less, or more than {max} mu", max = MAX_HOUSEHOLD_AREA.mu())]
    Area(HouseholdNo),
    /// A plot listed twice.
    #[error(
        "household {household} has two plots of crop {crop} with one source: add their areas up in one"
    )]
    PlotTwice {
        /// The household.
        household: HouseholdNo,
        /// The crop.
        crop: Crop,
    },
    /// A water right that is negative or absurd.
    #[error("household {0} has a water right below 0 or above {max} m³", max = MAX_WATER_RIGHT.cubic_metres())]
    WaterRight(HouseholdNo),
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
            if !seen.insert(&entry.household) {
                return Err(RosterError::Twice(entry.household.clone()));
            }
            entry.check()?;
        }
        Ok(entries)
    }
}

impl RosterEntry {
    /// Its irrigated area: that of its plots together.
    pub fn area(&self) -> Area {
        self.plots.iter().map(|plot| plot.area).sum()
    }

    /// What it grows: each crop once, in the order of its plots.
    pub fn crops(&self) -> Vec<&Crop> {
        let mut crops: Vec<&Crop> = Vec::new();
        for plot in &self.plots {
            if !crops.contains(&&plot.crop) {
                crops.push(&plot.crop);
            }
        }
        crops
    }

    /// Checks plots and water right.
    pub fn check(&self) -> Result<(), RosterError> {
        let household = || self.household.clone();
        let plots = self.plots.len();
        if !(1..=MAX_PLOTS).contains(&plots) {
            return Err(RosterError::Plots { household: household(), plots });
        }
        let mut seen: BTreeSet<(&Crop, Source)> = BTreeSet::new();
        for plot in &self.plots {
            if plot.area <= Area::ZERO || plot.area > MAX_HOUSEHOLD_AREA {
                return Err(RosterError::Area(household()));
            }
            if !seen.insert((&plot.crop, plot.source)) {
                let crop = plot.crop.clone();
                return Err(RosterError::PlotTwice { household: household(), crop });
            }
        }
        if self.area() > MAX_HOUSEHOLD_AREA {
            return Err(RosterError::Area(household()));
        }
        let right = self.water_right_litres.unwrap_or(Litres::ZERO);
        if right < Litres::ZERO || right > MAX_WATER_RIGHT {
            return Err(RosterError::WaterRight(household()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = r#"{"household":"101","group":"g1","plots":[{"crop":"制种玉米","source":"ground","area":840},{"crop":"制种玉米","source":"surface","area":60}],"water_right_litres":2160000}"#;

    fn roster(households: u32, bytes: &[u8]) -> Roster {
        let signers = Vec::new();
        let at = Timestamp::EARLIEST;
        Roster {
            head: Head { district: "d".parse().unwrap(), drafted_at: at, signers },
            village: "v".parse().unwrap(),
            effective_from: at,
            households,
            entries: AttachmentRef::of(ROSTER_MEDIA_TYPE, bytes),
        }
    }

    fn read(households: u32, entries: &str) -> Result<Vec<RosterEntry>, RosterError> {
        roster(households, entries.as_bytes()).read_entries(entries.as_bytes())
    }

    fn entry() -> RosterEntry {
        serde_json::from_str(ENTRY).unwrap()
    }

    fn refused(bend: impl FnOnce(&mut RosterEntry)) -> RosterError {
        let mut changed = entry();
        bend(&mut changed);
        read(1, &serde_json::to_string(&[changed]).unwrap()).unwrap_err()
    }

    #[test]
    fn an_entry_reads_back_from_its_json() {
        let entries = read(1, &format!("[{ENTRY}]")).unwrap();
        assert_eq!(serde_json::to_string(&entries[0]).unwrap(), ENTRY);
        assert_eq!(entries[0].area(), Area(900));
        assert_eq!(entries[0].crops(), [&Crop::new("制种玉米").unwrap()]);
    }

    #[test]
    fn rejects_what_is_no_list_of_entries_or_another_number_of_them() {
        for malformed in
            ["{}", "[{}]", r#"[{"household":"101","group":"g1","area":840,"crop":"x"}]"#]
        {
            assert!(matches!(read(1, malformed), Err(RosterError::Malformed(_))), "{malformed}");
        }
        assert!(matches!(
            read(2, &format!("[{ENTRY}]")),
            Err(RosterError::Count { listed: 1, .. })
        ));
    }

    #[test]
    fn rejects_a_household_that_is_listed_twice() {
        let twice = read(2, &format!("[{ENTRY},{ENTRY}]"));
        assert!(matches!(twice, Err(RosterError::Twice(household)) if household.as_str() == "101"));
    }

    #[test]
    fn rejects_no_plots_too_many_and_one_twice() {
        let none = refused(|entry| entry.plots.clear());
        assert!(matches!(none, RosterError::Plots { plots: 0, .. }), "{none}");
        let many = refused(|entry| entry.plots = vec![entry.plots[0].clone(); MAX_PLOTS + 1]);
        assert!(matches!(many, RosterError::Plots { plots: 21, .. }), "{many}");
        let twice = refused(|entry| entry.plots[1] = entry.plots[0].clone());
        assert!(matches!(twice, RosterError::PlotTwice { .. }), "{twice}");
    }

    #[test]
    fn rejects_areas_that_are_absurd_alone_or_together() {
        for area in [0, -1, 10_000_001, i64::MAX, 10_000_000 - 59] {
            let error = refused(|entry| entry.plots[0].area = Area(area));
            assert!(matches!(error, RosterError::Area(_)), "{area}: {error}");
        }
    }

    #[test]
    fn rejects_an_absurd_water_right() {
        for right in [-1, MAX_WATER_RIGHT.get() + 1] {
            let error = refused(|entry| entry.water_right_litres = Some(Litres(right)));
            assert!(matches!(error, RosterError::WaterRight(_)), "{right}: {error}");
        }
    }
}
