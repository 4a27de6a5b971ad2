//! May this watering stand in the record?

use domain::share::{self, ShareMethod};
use domain::{Area, GroupId, HouseholdNo, OutletId, VillageId};

use super::{PostedFacts, Record, RecordError};
use crate::statement::{Correction, MAX_REASON_CHARS, WateringFacts};

impl Record {
    /// The households of a group with their areas, by the roster in force.
    pub fn group_households(
        &self,
        village: &VillageId,
        group: &GroupId,
    ) -> Result<Vec<(HouseholdNo, Area)>, RecordError> {
        let roster =
            self.rosters.get(village).ok_or_else(|| RecordError::NoRoster(village.clone()))?;
        Ok(roster
            .entries
            .values()
            .filter(|entry| entry.group == *group)
            .map(|entry| (entry.household.clone(), entry.area))
            .collect())
    }

    /// Checks that an outlet's water may go to a group: the outlet delivers to its village, and
    /// the group has households to share it.
    pub fn check_turn(
        &self,
        outlet: &OutletId,
        village: &VillageId,
        group: &GroupId,
    ) -> Result<(), RecordError> {
        if self.known_outlet(outlet)?.village != *village {
            return Err(RecordError::NotTheVillagesOutlet(outlet.clone(), village.clone()));
        }
        if self.group_households(village, group)?.is_empty() {
            return Err(RecordError::UnknownGroup(group.clone(), village.clone()));
        }
        Ok(())
    }

    /// A posted watering of the same outlet whose time overlaps; a superseded one does not count.
    pub fn overlapping(&self, facts: &WateringFacts, except: Option<u64>) -> Option<u64> {
        // Those that hold do not overlap each other: the last to start before the end also ends last.
        let (_, &index) = self
            .holding
            .get(&facts.outlet)?
            .range(..facts.end)
            .rev()
            .find(|(_, index)| Some(**index) != except)?;
        let earlier = self.waterings.get(&index)?;
        (earlier.facts.end > facts.start).then_some(index)
    }

    pub(super) fn check_watering(
        &self,
        facts: &WateringFacts,
        supersedes: Option<u64>,
    ) -> Result<(), RecordError> {
        self.check_turn(&facts.outlet, &facts.village, &facts.group)?;
        let meter = self.meters.get(&facts.meter);
        if meter.is_none_or(|entry| entry.meter.outlet != facts.outlet) {
            return Err(RecordError::NotTheOutletsMeter(facts.meter.clone(), facts.outlet.clone()));
        }
        check_sums(facts)?;
        self.check_shares(facts)?;
        match self.overlapping(facts, supersedes) {
            Some(index) => Err(RecordError::Overlap(index)),
            None => Ok(()),
        }
    }

    pub(super) fn check_correction(&self, body: &Correction) -> Result<(), RecordError> {
        let index = body.supersedes;
        let length = body.reason.chars().count();
        if !(1..=MAX_REASON_CHARS).contains(&length) || body.reason.chars().any(char::is_control) {
            return Err(RecordError::Reason);
        }
        let earlier = self
            .waterings
            .get(&index)
            .filter(|posted| posted.superseded_by.is_none())
            .ok_or(RecordError::NothingToSupersede(index))?;
        let same = |facts: &WateringFacts| {
            (&facts.outlet, &facts.village, &facts.round, &facts.turn)
                == (
                    &earlier.facts.outlet,
                    &earlier.facts.village,
                    &earlier.facts.round,
                    &earlier.facts.turn,
                )
        };
        if !same(&body.watering) {
            return Err(RecordError::CorrectsAnother(index));
        }
        if earlier.billed_by.is_some() {
            return Err(RecordError::Billed(index));
        }
        self.check_watering(&body.watering, Some(index))
    }

    pub(super) fn apply_watering(
        &mut self,
        index: u64,
        facts: WateringFacts,
        supersedes: Option<u64>,
    ) {
        if let Some(earlier) = supersedes.and_then(|former| self.waterings.get_mut(&former)) {
            earlier.superseded_by = Some(index);
            if let Some(holding) = self.holding.get_mut(&earlier.facts.outlet) {
                holding.remove(&earlier.facts.start);
            }
        }
        self.holding.entry(facts.outlet.clone()).or_default().insert(facts.start, index);
        self.waterings.insert(index, PostedFacts { facts, superseded_by: None, billed_by: None });
    }

    fn check_shares(&self, facts: &WateringFacts) -> Result<(), RecordError> {
        let roster = self.rosters.get(&facts.village);
        let roster = roster.ok_or_else(|| RecordError::NoRoster(facts.village.clone()))?;
        let mut sharing = Vec::with_capacity(facts.shares.len());
        for stated in &facts.shares {
            let entry = roster.entries.get(&stated.household);
            let entry = entry.filter(|entry| entry.group == facts.group).ok_or_else(|| {
                RecordError::NotInGroup(stated.household.clone(), facts.group.clone())
            })?;
            sharing.push((entry.household.clone(), entry.area));
        }
        let ShareMethod::Area = facts.method;
        if share::by_area(facts.volume_litres, &sharing)? == facts.shares {
            Ok(())
        } else {
            Err(RecordError::SharesDiffer)
        }
    }
}

fn check_sums(facts: &WateringFacts) -> Result<(), RecordError> {
    if facts.end <= facts.start {
        return Err(RecordError::Backwards);
    }
    // Wide, for a difference that left the range of litres would stop at its limit and look right.
    let computed = i128::from(facts.at_end_litres.get()) - i128::from(facts.at_start_litres.get());
    if computed != i128::from(facts.volume_litres.get()) {
        return Err(RecordError::Volume { stated: facts.volume_litres.get(), computed });
    }
    if facts.evidence.last_report < facts.evidence.first_report {
        return Err(RecordError::EvidenceBackwards);
    }
    Ok(())
}
