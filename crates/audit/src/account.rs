//! Water between waterings that nothing in the log accounts for (未入账水量).
//!
//! V(t) of a register goes on from one watering to the next: what lies between one's end and the next one's start has
//! flowed, and nobody's watering holds it. That breaks no rule and is listed for each outlet. Between waterings that
//! rest on different meters, on another kind of meter, or where V fell back, it cannot be told from the log.

use disclosure::record::{Held, Record};
use domain::scale::Scale;
use domain::{Litres, OutletId};
use serde::Serialize;

/// What nobody accounts for at one outlet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unattributed {
    /// The outlet.
    pub outlet: OutletId,
    /// What flowed between its waterings.
    pub litres: Litres,
    /// Between how many neighbouring waterings something flowed.
    pub gaps: u64,
    /// The posting before the longest of those gaps, by litres.
    pub largest_after: Option<u64>,
    /// Between how many neighbouring waterings it cannot be told.
    pub untold: u64,
}

/// The outlets where something is not accounted for, or cannot be told.
pub(crate) fn unattributed(record: &Record) -> Vec<Unattributed> {
    let account = |(outlet, held): (&OutletId, &[Held])| {
        let mut sum = Unattributed {
            outlet: outlet.clone(),
            litres: Litres::ZERO,
            gaps: 0,
            largest_after: None,
            untold: 0,
        };
        let mut largest = Litres::ZERO;
        for (before, after) in held.iter().zip(held.iter().skip(1)) {
            let Some(litres) = between(record, outlet, before, after) else {
                sum.untold += 1;
                continue;
            };
            if litres > Litres::ZERO {
                sum.litres = sum.litres + litres;
                sum.gaps += 1;
            }
            if litres > largest {
                largest = litres;
                sum.largest_after = Some(before.index);
            }
        }
        sum
    };
    let all = record.held().map(account);
    all.filter(|sum| sum.gaps > 0 || sum.untold > 0).collect()
}

/// What flowed between two neighbouring waterings, where one register saw both.
fn between(record: &Record, outlet: &OutletId, before: &Held, after: &Held) -> Option<Litres> {
    if before.end == after.start && before.at_end == after.at_start {
        return Some(Litres::ZERO);
    }
    let stood = record.meters_at(outlet, before.start, after.end);
    let [only] = stood.as_slice() else { return None };
    let counts = matches!(only.meter.scale, Scale::Register { .. });
    (counts && after.at_start >= before.at_end).then(|| after.at_start - before.at_end)
}
