//! May this billing run stand in the record? It may when it says exactly what the postings before it give.

use domain::bill::{Bill, BillError, PostedWatering, bill_run};
use domain::{Area, Fen, HouseholdNo, RoundId, Timestamp, VillageId};

use super::{Attachments, PostedRun, Record, RecordError, load};
use crate::statement::{BillRun, bills_to_lines};

/// What the record gives for a village and round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The year it belongs to: that of its earliest watering.
    pub year: i32,
    /// Whether this is the village's first run of its year and carries the basic charge.
    pub basic_charge: bool,
    /// The posting index of the roster in force.
    pub roster: u64,
    /// The waterings that hold, by posting index.
    pub waterings: Vec<u64>,
    /// The bills, by household number.
    pub bills: Vec<Bill>,
    /// What they come to.
    pub total_fen: Fen,
}

impl Record {
    /// The latest run that billed a village and round.
    pub fn run_of(&self, village: &VillageId, round: &RoundId) -> Option<&PostedRun> {
        self.runs.iter().rev().find(|run| run.village == *village && run.round == *round)
    }

    /// The run that billed the watering posted at `index`.
    pub fn billed_by(&self, index: u64) -> Option<u64> {
        if let Some(posted) = self.waterings.get(&index) {
            return posted.billed_by;
        }
        // Forgotten, if it ever was a watering; a run lists its waterings in order.
        let billed = |run: &&PostedRun| run.waterings.binary_search(&index).is_ok();
        self.runs.iter().find(billed).map(|run| run.index)
    }

    /// Computes the bills of a village and round from what is posted and not billed yet. What was
    /// posted after a run is billed by the next one, so no water is ever left out.
    pub fn settle(&self, village: &VillageId, round: &RoundId) -> Result<Settlement, RecordError> {
        let roster =
            self.rosters.get(village).ok_or_else(|| RecordError::NoRoster(village.clone()))?;
        let due = self.unbilled.get(&(village.clone(), round.clone())).into_iter().flatten();
        let waterings: Vec<PostedWatering> = due
            .filter_map(|index| self.waterings.get_key_value(index))
            .map(|(index, posted)| PostedWatering {
                index: *index,
                start: posted.facts.start,
                volume: posted.facts.volume_litres,
                shares: posted.facts.shares.clone(),
            })
            .collect();
        if let (true, Some(run)) = (waterings.is_empty(), self.run_of(village, round)) {
            return Err(RecordError::BilledBefore { run: run.index });
        }
        let earliest = waterings.iter().map(|watering| watering.start).min();
        let year = earliest.map(Timestamp::year).ok_or(BillError::NothingToBill)?;
        let carries =
            |run: &PostedRun| run.village == *village && run.year == year && run.basic_charge;
        let basic_charge = !self.runs.iter().any(carries);
        let households: Vec<(HouseholdNo, Area)> =
            roster.entries.values().map(|entry| (entry.household.clone(), entry.area)).collect();
        let bills = bill_run(&self.tariffs, &households, &waterings, basic_charge)?;
        Ok(Settlement {
            year,
            basic_charge,
            roster: roster.index,
            waterings: waterings.iter().map(|watering| watering.index).collect(),
            total_fen: bills.iter().map(|bill| bill.total_fen).sum(),
            bills,
        })
    }

    pub(super) fn check_run(
        &self,
        body: &BillRun,
        attachments: &impl Attachments,
    ) -> Result<(), RecordError> {
        self.known_village(&body.village)?;
        let due = self.settle(&body.village, &body.round)?;
        if body.waterings != due.waterings {
            return Err(RecordError::OtherWaterings { expected: due.waterings });
        }
        if body.roster != due.roster {
            return Err(RecordError::OtherRoster(due.roster));
        }
        if body.year != due.year {
            return Err(RecordError::Year(due.year));
        }
        if body.basic_charge != due.basic_charge {
            return Err(RecordError::BasicCharge);
        }
        let stated = load(&body.bills, attachments)?;
        let expected = bills_to_lines(&due.bills).map_err(RecordError::Json)?;
        if stated != expected {
            return Err(RecordError::BillsDiffer(first_difference(&due.bills, &stated)));
        }
        let count = u32::try_from(due.bills.len()).ok();
        if count != Some(body.households) || body.total_fen != due.total_fen {
            return Err(RecordError::BillsDiffer(None));
        }
        Ok(())
    }

    pub(super) fn apply_run(&mut self, index: u64, body: BillRun) {
        for watering in &body.waterings {
            if let Some(posted) = self.waterings.get_mut(watering) {
                posted.billed_by = Some(index);
            }
            self.forget(*watering);
        }
        // A run bills all there are.
        self.unbilled.remove(&(body.village.clone(), body.round.clone()));
        self.runs.push(PostedRun {
            index,
            village: body.village,
            round: body.round,
            year: body.year,
            basic_charge: body.basic_charge,
            waterings: body.waterings,
        });
    }
}

/// The first household whose line is not the one expected.
fn first_difference(expected: &[Bill], stated: &[u8]) -> Option<HouseholdNo> {
    let mut lines = stated.split_inclusive(|&byte| byte == b'\n');
    expected
        .iter()
        .find(|bill| {
            let own = bills_to_lines(core::slice::from_ref(*bill)).unwrap_or_default();
            lines.next() != Some(own.as_slice())
        })
        .map(|bill| bill.household.clone())
}
