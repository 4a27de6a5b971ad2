//! The township's data, as it stands in `demo/township.toml` and `demo/roster.csv`.

use anyhow::Context;
use disclosure::statement::{Role, RosterEntry};
use domain::plot::{Crop, Plot, Source};
use domain::tariff::Tariff;
use domain::{
    Area, DistrictId, GroupId, HouseholdNo, MeterCode, OutletId, PersonId, RoundId, Timestamp,
    VillageId,
};
use serde::Deserialize;

/// Everything that is made up about the township.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Township {
    pub district: DistrictId,
    pub name: String,
    pub origin: String,
    pub millilitres_per_unit: i64,
    pub gap_tolerance_seconds: u32,
    pub installed_at: Timestamp,
    pub tariff: Tariff,
    pub people: Vec<PersonEntry>,
    pub villages: Vec<VillageEntry>,
    pub wells: Vec<Well>,
    pub rounds: Vec<RoundEntry>,
    #[serde(skip)]
    pub households: Vec<HouseholdEntry>,
}

/// Somebody who signs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonEntry {
    pub person: PersonId,
    pub role: Role,
    pub village: Option<VillageId>,
    pub household: Option<HouseholdNo>,
}

/// A village with the names of its groups, which are coded `g1`, `g2`, ….
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VillageEntry {
    pub id: VillageId,
    pub name: String,
    pub groups: Vec<String>,
}

/// A well with its meter, watering two groups in turn.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Well {
    pub id: OutletId,
    pub name: String,
    pub village: VillageId,
    pub meter: MeterCode,
    pub groups: [GroupId; 2],
}

/// A round and the instants of its two turns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundEntry {
    pub id: RoundId,
    pub name: String,
    pub opens_at: Timestamp,
    pub first: Timestamp,
    pub change: Timestamp,
    pub last: Timestamp,
    pub closes_at: Timestamp,
}

/// A household with its holder's masked name, which never enters the log.
#[derive(Debug, Clone)]
pub struct HouseholdEntry {
    pub village: VillageId,
    pub holder: String,
    pub entry: RosterEntry,
}

#[derive(Deserialize)]
struct RosterRow {
    village: VillageId,
    group: GroupId,
    household: HouseholdNo,
    holder: String,
    mu: String,
    crop: Crop,
}

impl Township {
    /// Reads the data that is part of the program.
    pub fn load() -> anyhow::Result<Self> {
        let mut township: Self = toml::from_str(include_str!("../../demo/township.toml"))
            .context("demo/township.toml")?;
        let mut rows = csv::Reader::from_reader(include_str!("../../demo/roster.csv").as_bytes());
        for row in rows.deserialize() {
            let RosterRow { village, group, household, holder, mu, crop } =
                row.context("demo/roster.csv")?;
            let area = Area::from_mu(&mu).context("demo/roster.csv")?;
            // All of the township's water comes from wells.
            let plots = vec![Plot { crop, source: Source::Ground, area }];
            let entry = RosterEntry { household, group, plots, water_right_litres: None };
            township.households.push(HouseholdEntry { village, holder, entry });
        }
        Ok(township)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_that_a_well_waters_has_households() {
        let township = Township::load().unwrap();
        for well in &township.wells {
            for group in &well.groups {
                let in_group = |household: &&HouseholdEntry| {
                    household.village == well.village && household.entry.group == *group
                };
                assert!(township.households.iter().any(|h| in_group(&h)), "{} {group}", well.id);
            }
        }
    }

    #[test]
    fn rounds_run_forward_and_apart() {
        let township = Township::load().unwrap();
        let mut before = township.installed_at;
        for round in &township.rounds {
            let instants = [round.opens_at, round.first, round.change, round.last, round.closes_at];
            for instant in instants {
                assert!(instant > before, "{}", round.id);
                before = instant;
            }
        }
    }
}
