//! May this watering stand in the record?

use std::collections::{BTreeMap, BTreeSet};

use domain::plot::Source;
use domain::round::{Member, Turn};
use domain::share::{self, Part};
use domain::text::is_plain;
use domain::{Area, GroupId, HouseholdNo, Litres, OutletId, Timestamp, VillageId};

use super::{PostedFacts, Record, RecordError};
use crate::statement::{
    Correction, MAX_EVIDENCE_PIECES, MAX_REASON_CHARS, Origin, RosterEntry, WateringFacts,
};

/// A watering that holds, as much of it as its neighbours at the outlet are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// t0.
    pub start: Timestamp,
    /// t1.
    pub end: Timestamp,
    /// V(t0).
    pub at_start: Litres,
    /// V(t1).
    pub at_end: Litres,
    /// Its posting index.
    pub index: u64,
}

impl Record {
    /// The outlets with waterings that hold, each with its waterings by their start.
    pub fn held(&self) -> impl Iterator<Item = (&OutletId, &[Held])> {
        self.holding.iter().map(|(outlet, held)| (outlet, held.as_slice()))
    }

    /// The households that share a turn's water, by the roster in force when it opened and their land with the outlet's
    /// source: those it names, or the whole group.
    pub fn sharing(&self, turn: &Turn) -> Result<Vec<Part>, RecordError> {
        let entries = self.group(&turn.village, &turn.group, turn.opened_at)?;
        let entries: BTreeMap<&HouseholdNo, &RosterEntry> = entries.collect();
        let source = self.known_outlet(&turn.outlet)?.source;
        if turn.members.is_empty() {
            let whole =
                |entry: &RosterEntry| Part::new(entry.household.clone(), entry.area_from(source));
            let parts = entries.values().copied().map(whole);
            return Ok(parts.filter(|part| part.area > Area::ZERO).collect());
        }
        let member = |member: &Member| {
            let entry = entries.get(&member.household).ok_or_else(|| {
                RecordError::NotInGroup(member.household.clone(), turn.group.clone())
            })?;
            let area = member.area.unwrap_or(entry.area_from(source));
            check_area(entry, source, area)?;
            Ok(member.part(area))
        };
        turn.members.iter().map(member).collect()
    }

    fn group<'a>(
        &'a self,
        village: &VillageId,
        group: &'a GroupId,
        at: Timestamp,
    ) -> Result<impl Iterator<Item = (&'a HouseholdNo, &'a RosterEntry)>, RecordError> {
        let roster = self.known_roster(village, at)?;
        Ok(roster.entries.iter().filter(move |(_, entry)| entry.group == *group))
    }

    /// Checks that an outlet's water may go to a group from a time on: the outlet delivers to its village, and
    /// the group has households to share it by the roster then in force.
    pub fn check_turn(
        &self,
        outlet: &OutletId,
        village: &VillageId,
        group: &GroupId,
        at: Timestamp,
    ) -> Result<(), RecordError> {
        if self.known_outlet(outlet)?.village != *village {
            return Err(RecordError::NotTheVillagesOutlet(outlet.clone(), village.clone()));
        }
        if self.group(village, group, at)?.next().is_none() {
            return Err(RecordError::UnknownGroup(group.clone(), village.clone()));
        }
        Ok(())
    }

    /// A posted watering of the same outlet whose time overlaps; a superseded one does not count.
    pub fn overlapping(&self, facts: &WateringFacts, except: Option<u64>) -> Option<u64> {
        // Those that hold do not overlap each other: the last to start before the end also ends last.
        let held = self.holding.get(&facts.outlet)?;
        let before_end = held.partition_point(|one| one.start < facts.end);
        let mut others = held.get(..before_end)?.iter().rev();
        let last = others.find(|one| Some(one.index) != except)?;
        (last.end > facts.start).then_some(last.index)
    }

    pub(super) fn check_watering(
        &self,
        facts: &WateringFacts,
        supersedes: Option<u64>,
    ) -> Result<(), RecordError> {
        self.check_turn(&facts.outlet, &facts.village, &facts.group, facts.start)?;
        self.check_year(facts)?;
        self.check_evidence(facts)?;
        check_sums(facts)?;
        self.check_shares(facts)?;
        match self.overlapping(facts, supersedes) {
            Some(index) => Err(RecordError::Overlap(index)),
            None => Ok(()),
        }
    }

    pub(super) fn check_correction(&self, body: &Correction) -> Result<(), RecordError> {
        let index = body.supersedes;
        if !is_plain(&body.reason, MAX_REASON_CHARS) {
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
        self.check_year(&earlier.facts)?;
        if !same(&body.watering) {
            return Err(RecordError::CorrectsAnother(index));
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
            if let Some(held) = self.holding.get_mut(&earlier.facts.outlet) {
                held.retain(|one| Some(one.index) != supersedes);
            }
        }
        let held = Held {
            start: facts.start,
            end: facts.end,
            at_start: facts.at_start_litres,
            at_end: facts.at_end_litres,
            index,
        };
        let at_outlet = self.holding.entry(facts.outlet.clone()).or_default();
        let place = at_outlet.partition_point(|one| one.start < held.start);
        at_outlet.insert(place, held);
        self.book(index, &facts, supersedes);
        let facts = if self.forgets {
            // Judged already.
            WateringFacts { evidence: Vec::new(), ..facts }
        } else {
            facts
        };
        self.waterings.insert(index, PostedFacts { facts, superseded_by: None, billed_by: None });
        if let Some(former) = supersedes {
            self.forget(former);
        }
    }

    /// Nothing to come is judged by the facts of this watering.
    pub(super) fn forget(&mut self, watering: u64) {
        if self.forgets {
            self.waterings.remove(&watering);
        }
    }

    /// The evidence is of meters that stand at the outlet, each in its own origin or read by hand.
    fn check_evidence(&self, facts: &WateringFacts) -> Result<(), RecordError> {
        let mut seen = BTreeSet::new();
        for piece in &facts.evidence {
            let entry = self.meters().get(&piece.meter);
            let entry =
                entry.filter(|entry| entry.meter.outlet == facts.outlet).ok_or_else(|| {
                    RecordError::NotTheOutletsMeter(piece.meter.clone(), facts.outlet.clone())
                })?;
            let fits = piece.origin == entry.origin || piece.origin == Origin::Manual;
            if !fits || !seen.insert((&piece.meter, piece.origin)) {
                return Err(RecordError::EvidencePieces);
            }
            if piece.last_report < piece.first_report {
                return Err(RecordError::EvidenceBackwards);
            }
        }
        let weakest = facts.evidence.iter().map(|piece| piece.origin).max();
        if weakest == Some(facts.origin) && facts.evidence.len() <= MAX_EVIDENCE_PIECES {
            Ok(())
        } else {
            Err(RecordError::EvidencePieces)
        }
    }

    fn check_shares(&self, facts: &WateringFacts) -> Result<(), RecordError> {
        let roster = self.known_roster(&facts.village, facts.start)?;
        let source = self.known_outlet(&facts.outlet)?.source;
        let mut parts = Vec::with_capacity(facts.shares.len());
        for stated in &facts.shares {
            let entry = roster.entries.get(&stated.household);
            let entry = entry.filter(|entry| entry.group == facts.group).ok_or_else(|| {
                RecordError::NotInGroup(stated.household.clone(), facts.group.clone())
            })?;
            check_area(entry, source, stated.area)?;
            parts.push(stated.part());
        }
        if share::divide(facts.volume_litres, facts.method, &parts)? == facts.shares {
            Ok(())
        } else {
            Err(RecordError::SharesDiffer)
        }
    }
}

/// A household waters no more land than it has with the source.
fn check_area(entry: &RosterEntry, source: Source, area: Area) -> Result<(), RecordError> {
    match entry.area_from(source) {
        Area::ZERO => Err(RecordError::NoPlot(entry.household.clone(), source)),
        own if area > own => Err(RecordError::AreaTooLarge(entry.household.clone())),
        _ => Ok(()),
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
    Ok(())
}
