//! Which roster holds when, and may this one stand in the record?

use std::collections::BTreeMap;

use domain::registry::Village;
use domain::{DistrictId, HouseholdNo, Timestamp, VillageId};
use serde::{Deserialize, Serialize};

use super::{Record, RecordError};
use crate::statement::{ExpectedSigner, Kind, Roster, RosterEntry};

/// A posted roster of a village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedRoster {
    /// Its posting index.
    pub index: u64,
    /// From when it holds.
    pub effective_from: Timestamp,
    /// Its households.
    pub entries: BTreeMap<HouseholdNo, RosterEntry>,
}

/// What a new roster of a village is drawn up from and compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterGround {
    /// The district.
    pub district: DistrictId,
    /// The village with its groups.
    pub village: Village,
    /// Who may sign its roster by the policy in force.
    pub signers: Vec<ExpectedSigner>,
    /// The posting index of the roster in force at the time asked for; none where none was.
    pub roster: Option<u64>,
    /// When a later roster begins to hold that is posted already.
    pub until: Option<Timestamp>,
    /// The households of the roster in force.
    pub entries: Vec<RosterEntry>,
}

/// A village's posted rosters: each one's `effective_from` and index, ascending, with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Rosters(BTreeMap<(Timestamp, u64), PostedRoster>);

impl Rosters {
    /// The latest effective at a time, and of those the latest posted.
    fn in_force(&self, at: Timestamp) -> Option<&PostedRoster> {
        self.0.range(..=(at, u64::MAX)).next_back().map(|(_, roster)| roster)
    }

    /// Until when one that is effective from a time holds: the next later one's time; none where it is the last.
    fn end_of(&self, from: Timestamp) -> Option<Timestamp> {
        let after = (core::ops::Bound::Excluded((from, u64::MAX)), core::ops::Bound::Unbounded);
        self.0.range(after).next().map(|((later, _), _)| *later)
    }

    /// All that hold at some instant of an interval, which is open where it has no end.
    pub(super) fn within(&self, from: Timestamp, until: Option<Timestamp>) -> Vec<&PostedRoster> {
        let mut held: Vec<&PostedRoster> = self.in_force(from).into_iter().collect();
        let mut at = from;
        while let Some(next) = self.end_of(at).filter(|next| until.is_none_or(|end| *next < end)) {
            held.extend(self.in_force(next));
            at = next;
        }
        held
    }
}

impl Record {
    /// The roster of a village that is in force at a time.
    pub fn roster(&self, village: &VillageId, at: Timestamp) -> Option<&PostedRoster> {
        self.rosters.get(village)?.in_force(at)
    }

    /// The village and roster entry of a household at a time.
    pub fn household(
        &self,
        household: &HouseholdNo,
        at: Timestamp,
    ) -> Option<(&VillageId, &RosterEntry)> {
        self.rosters.iter().find_map(|(village, rosters)| {
            let entry = rosters.in_force(at)?.entries.get(household)?;
            Some((village, entry))
        })
    }

    /// What a roster of a village that holds from a time on is drawn up from; none for a village that the registry does
    /// not know.
    pub fn roster_ground(&self, village: &VillageId, at: Timestamp) -> Option<RosterGround> {
        let district = self.district.as_ref()?;
        let needs = district.policy.needs(Kind::Roster, None);
        let posted = self.roster(village, at);
        Some(RosterGround {
            district: district.head.district.clone(),
            village: self.villages.get(village)?.clone(),
            signers: self.directory.signers(needs, Some(village), |_| true),
            roster: posted.map(|posted| posted.index),
            until: self.rosters.get(village).and_then(|rosters| rosters.end_of(at)),
            entries: posted
                .map_or_else(Vec::new, |posted| posted.entries.values().cloned().collect()),
        })
    }

    pub(super) fn known_roster(
        &self,
        village: &VillageId,
        at: Timestamp,
    ) -> Result<&PostedRoster, RecordError> {
        self.roster(village, at).ok_or_else(|| RecordError::NoRoster(village.clone(), at))
    }

    /// Its groups are the village's, and no household stands in another village while it holds.
    pub(super) fn check_roster(
        &self,
        body: &Roster,
        bytes: &[u8],
    ) -> Result<BTreeMap<HouseholdNo, RosterEntry>, RecordError> {
        let known = self.known_village(&body.village)?;
        let entries = body.read_entries(bytes)?;
        for entry in &entries {
            if !known.groups.iter().any(|group| group.id == entry.group) {
                let village = body.village.clone();
                return Err(RecordError::UnknownGroup(entry.group.clone(), village));
            }
        }
        let from = body.effective_from;
        let until = self.rosters.get(&body.village).and_then(|rosters| rosters.end_of(from));
        for (other, rosters) in self.rosters.iter().filter(|(other, _)| **other != body.village) {
            for roster in rosters.within(from, until) {
                let there = |entry: &&RosterEntry| roster.entries.contains_key(&entry.household);
                if let Some(entry) = entries.iter().find(there) {
                    let household = entry.household.clone();
                    return Err(RecordError::InTwoVillages(household, other.clone()));
                }
            }
        }
        Ok(entries.into_iter().map(|entry| (entry.household.clone(), entry)).collect())
    }

    pub(super) fn apply_roster(
        &mut self,
        index: u64,
        body: &Roster,
        entries: BTreeMap<HouseholdNo, RosterEntry>,
    ) {
        let effective_from = body.effective_from;
        let posted = PostedRoster { index, effective_from, entries };
        let rosters = self.rosters.entry(body.village.clone()).or_default();
        rosters.0.insert((effective_from, index), posted);
    }
}
