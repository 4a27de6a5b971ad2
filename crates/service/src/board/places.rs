//! Codes with the names people know them by, and the sums that stand beside them.

use disclosure::record::Record;
use domain::round::Round;
use domain::{Fen, GroupId, Litres, OutletId, RoundId, Timestamp, VillageId};
use store::Store;

use crate::ServiceError;

/// A code and its name; the code again where no name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<I> {
    /// The code, as in addresses.
    pub id: I,
    /// The name, as people say it.
    pub name: String,
}

/// Waterings that hold, what they delivered, and what was billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many waterings; a corrected one is not counted, its correction is.
    pub waterings: u64,
    /// Their volume.
    pub volume: Litres,
    /// What was billed.
    pub billed: Fen,
}

impl Totals {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            waterings: self.waterings.saturating_add(other.waterings),
            volume: self.volume + other.volume,
            billed: self.billed + other.billed,
        }
    }
}

/// A round's name and dates, so far as this server knows them: a round is no posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoundDates {
    pub(crate) named: Named<RoundId>,
    pub(crate) opens_at: Option<Timestamp>,
    pub(crate) closes_at: Option<Timestamp>,
}

impl RoundDates {
    pub(crate) fn of(id: RoundId, known: Option<&Round>) -> Self {
        let name = known.map_or_else(|| id.to_string(), |round| round.name.clone());
        Self {
            named: Named { id, name },
            opens_at: known.map(|round| round.opens_at),
            closes_at: known.map(|round| round.closes_at),
        }
    }
}

pub(crate) fn named_village(record: &Record, id: &VillageId) -> Named<VillageId> {
    let name = record.villages().get(id).map_or_else(|| id.to_string(), |v| v.name.clone());
    Named { id: id.clone(), name }
}

pub(crate) fn named_outlet(record: &Record, id: &OutletId) -> Named<OutletId> {
    let name = record.outlets().get(id).map_or_else(|| id.to_string(), |o| o.name.clone());
    Named { id: id.clone(), name }
}

pub(crate) fn group_name(record: &Record, village: &VillageId, group: &GroupId) -> String {
    record
        .villages()
        .get(village)
        .and_then(|village| village.groups.iter().find(|known| known.id == *group))
        .map_or_else(|| group.to_string(), |known| known.name.clone())
}

pub(crate) async fn named_round(
    store: &Store,
    id: &RoundId,
) -> Result<Named<RoundId>, ServiceError> {
    Ok(RoundDates::of(id.clone(), store.round(id).await?.as_ref()).named)
}
