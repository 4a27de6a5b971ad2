//! A household: its water of a year, what it costs so far, and every bill with every step.

use std::collections::BTreeMap;

use domain::bill::Bill;
use domain::plot::Crop;
use domain::{Area, Fen, HouseholdNo, Litres, RoundId, Timestamp, VillageId};
use store::HouseholdShare;

use super::district::count;
use super::payments::{HouseholdPayments, payments_of};
use super::places::{Named, RoundDates, group_name, named_outlet, named_village};
use super::posting::{SignatureView, read_bill, signatures};
use crate::{Service, ServiceError};

/// The most waterings of one year on a household's page.
pub const MAX_HOUSEHOLD_WATERINGS: usize = 200;
/// The most waterings of a village that its median is made from.
const MAX_MEDIAN_WATERINGS: usize = 20_000;

/// What a household's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdView {
    /// Its number.
    pub household: HouseholdNo,
    /// Its holder's masked name, where one is kept.
    pub holder: Option<String>,
    /// Its village.
    pub village: Option<Named<VillageId>>,
    /// Its land by the roster in force; none when it stands in no roster.
    pub land: Option<Land>,
    /// The year shown.
    pub year: i32,
    /// Whether that is the present one.
    pub present: bool,
    /// Years with a bill, the present one and the one shown, newest first.
    pub years: Vec<i32>,
    /// How many waterings of the year hold.
    pub current: u64,
    /// Its shares of them together.
    pub used: Litres,
    /// The village's median of such sums; none where nobody had water.
    pub median: Option<Litres>,
    /// What the year's bills come to.
    pub billed: Fen,
    /// What would be billed now, were all its waterings settled: not final.
    pub running: Option<Bill>,
    /// The year's waterings, corrected ones included, newest first.
    pub waterings: Vec<HouseholdWatering>,
    /// Whether the year has more waterings than are shown.
    pub more: bool,
    /// The year's bills, newest first.
    pub bills: Vec<BillView>,
    /// What it paid and owes, over all years.
    pub money: HouseholdPayments,
}

/// A household's land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Land {
    /// The group's name.
    pub group: String,
    /// The irrigated area.
    pub area: Area,
    /// What it grows.
    pub crops: Vec<Crop>,
}

/// A watering with the household's share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdWatering {
    /// Its posting index.
    pub index: u64,
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// The outlet's name.
    pub outlet: String,
    /// The whole volume.
    pub volume: Litres,
    /// The household's share.
    pub share: Litres,
    /// Whether it is an estimate.
    pub estimated: bool,
    /// The posting that corrects it.
    pub superseded_by: Option<u64>,
    /// The settlement that bills it.
    pub billed_by: Option<u64>,
    /// Who signed it.
    pub signatures: Vec<SignatureView>,
}

/// A bill with the posting that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillView {
    /// The settlement's posting index.
    pub run: u64,
    /// The name of the round settled; none for the closing of the year.
    pub round: Option<String>,
    /// When the settlement was posted.
    pub posted_at: Timestamp,
    /// The bill.
    pub bill: Bill,
}

/// A household's page for a year, the present one when none is given; none for a number that
/// stands in no roster, no watering and no bill.
pub async fn household(
    service: &Service,
    household: &HouseholdNo,
    year: Option<i32>,
) -> Result<Option<HouseholdView>, ServiceError> {
    let now = service.now();
    let year = year.unwrap_or_else(|| now.year());
    let Some((from, to)) = span_of(year) else {
        return Ok(None);
    };
    let shares = service.store().household_shares(household, from, to).await?;
    let bill_rows = service.store().bills(household).await?;
    let (village, land) = standing(service, household);
    let village = village.or_else(|| shares.last().map(|share| share.watering.village.clone()));
    if village.is_none() && bill_rows.is_empty() {
        return Ok(None);
    }
    let mut years: Vec<i32> =
        bill_rows.iter().map(|row| row.year).chain([now.year(), year]).collect();
    years.sort_unstable_by(|a, b| b.cmp(a));
    years.dedup();
    let rounds = service.store().rounds().await?;
    let mut bills = Vec::new();
    for row in bill_rows.iter().filter(|row| row.year == year) {
        bills.push(bill_view(service, row, &rounds).await?);
    }
    let median = match &village {
        Some(village) => median_use(service, village, year).await?,
        None => None,
    };
    let holding = shares.iter().filter(|share| share.watering.superseded_by.is_none());
    Ok(Some(HouseholdView {
        holder: service.store().holder(household).await?,
        running: village.as_ref().and_then(|village| running(service, village, year, household)),
        village: village.map(|village| named_village(&service.record(), &village)),
        land,
        year,
        present: year == now.year(),
        years,
        current: count(holding.clone().count()),
        used: holding.map(|share| share.litres).sum(),
        median,
        billed: bills.iter().map(|view| view.bill.total_fen).sum(),
        more: shares.len() > MAX_HOUSEHOLD_WATERINGS,
        waterings: waterings(service, &shares).await?,
        bills,
        money: payments_of(service, household, None).await?,
        household: household.clone(),
    }))
}

/// The instants at which a year begins and ends in Beijing.
fn span_of(year: i32) -> Option<(Timestamp, Timestamp)> {
    let end = Timestamp::year_end(year).ok()?;
    Some((Timestamp::year_start(year).ok()?, end.plus_millis(1)))
}

fn standing(service: &Service, household: &HouseholdNo) -> (Option<VillageId>, Option<Land>) {
    let record = service.record();
    let Some((village, entry)) = record.household(household, service.now()) else {
        return (None, None);
    };
    let land = Land {
        group: group_name(&record, village, &entry.group),
        area: entry.area(),
        crops: entry.crops().into_iter().cloned().collect(),
    };
    (Some(village.clone()), Some(land))
}

async fn waterings(
    service: &Service,
    shares: &[HouseholdShare],
) -> Result<Vec<HouseholdWatering>, ServiceError> {
    let mut rows = Vec::new();
    for HouseholdShare { watering, litres, .. } in shares.iter().rev().take(MAX_HOUSEHOLD_WATERINGS)
    {
        let entry = service.store().entry(watering.index).await?;
        let record = service.record();
        rows.push(HouseholdWatering {
            index: watering.index,
            start: watering.start_at,
            end: watering.end_at,
            outlet: named_outlet(&record, &watering.outlet).name,
            volume: watering.volume,
            share: *litres,
            estimated: watering.estimated,
            superseded_by: watering.superseded_by,
            billed_by: record.billed_by(watering.index),
            signatures: match entry {
                Some(entry) => signatures(&record, entry.index, &entry.envelope)?,
                None => Vec::new(),
            },
        });
    }
    Ok(rows)
}

/// What would be billed to a household now, if all its waterings of a year were settled; none when nothing would, or when
/// no tariff or roster is in force for one of them.
fn running(
    service: &Service,
    village: &VillageId,
    year: i32,
    household: &HouseholdNo,
) -> Option<Bill> {
    service.record().running(village, year, household).ok().flatten()
}

async fn bill_view(
    service: &Service,
    row: &store::BillRow,
    rounds: &[domain::round::Round],
) -> Result<BillView, ServiceError> {
    let bill = read_bill(row)?;
    let entry = service.store().entry(row.run_index).await?;
    let posted_at = entry.as_ref().map_or_else(|| service.now(), |entry| entry.posted_at);
    let record = service.record();
    let run = record.runs().iter().find(|run| run.index == row.run_index);
    let named = |round: &RoundId| {
        let known = rounds.iter().find(|known| known.id == *round);
        RoundDates::of(round.clone(), known).named.name
    };
    let round = run.and_then(|run| run.round.as_ref()).map(named);
    Ok(BillView { run: row.run_index, round, posted_at, bill })
}

/// The median of the households' sums of a year, over all that had any water.
async fn median_use(
    service: &Service,
    village: &VillageId,
    year: i32,
) -> Result<Option<Litres>, ServiceError> {
    let mut indices = Vec::new();
    for total in service.store().round_totals(village).await? {
        let Some(round) = total.round else { continue };
        let mut after = None;
        loop {
            let page = service
                .store()
                .waterings(village, &round, after, store::MAX_WATERINGS_PER_READ)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.index);
            let holding = page.iter().filter(|row| row.superseded_by.is_none());
            let of_year = holding.filter(|row| row.start_at.year() == year);
            indices.extend(of_year.map(|row| row.index));
            if indices.len() > MAX_MEDIAN_WATERINGS {
                return Ok(None);
            }
        }
    }
    let record = service.record();
    let mut by_household: BTreeMap<&HouseholdNo, Litres> = BTreeMap::new();
    for posted in indices.iter().filter_map(|index| record.watering(*index)) {
        for share in &posted.facts.shares {
            let sum = by_household.entry(&share.household).or_default();
            *sum = *sum + share.litres;
        }
    }
    Ok(median(by_household.into_values().collect()))
}

/// The middle value; of an even number the lower of the two in the middle.
fn median(mut sums: Vec<Litres>) -> Option<Litres> {
    sums.sort_unstable();
    let middle = sums.len().checked_sub(1)? / 2;
    sums.get(middle).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_households_own_figure() {
        let of = |values: &[i64]| median(values.iter().map(|&v| Litres(v)).collect());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some(Litres(7)));
        assert_eq!(of(&[9, 1, 5]), Some(Litres(5)));
        assert_eq!(of(&[9, 1, 5, 7]), Some(Litres(5)));
    }

    #[test]
    fn a_year_begins_at_midnight_in_beijing() {
        let (from, to) = span_of(2026).unwrap();
        assert_eq!((from.year(), to.year()), (2026, 2027));
        assert_eq!(from.plus_millis(-1).year(), 2025);
        assert_eq!(to.plus_millis(-1).year(), 2026);
    }

    #[test]
    fn rejects_a_year_that_no_clock_shows() {
        for year in [i32::MIN, 0, 1999, 2200, i32::MAX] {
            assert_eq!(span_of(year), None, "{year}");
        }
    }
}
