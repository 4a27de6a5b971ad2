//! The board (公示榜) of a village and round.

use disclosure::record::Record;
use domain::share::ShareMethod;
use domain::{Fen, Litres, OutletId, RoundId, Timestamp, TurnId, VillageId};
use store::WateringRow;

use super::balance::{OutletBalance, balances};
use super::district::count;
use super::places::{Named, RoundDates, Totals, group_name, named_outlet, named_village};
use super::posting::{SignatureView, signatures};
use super::village::RoundLine;
use crate::{Obstacle, Service, ServiceError, Undrafted};

/// Waterings of one page of the board.
pub const MAX_WATERINGS_PER_PAGE: u32 = 200;

/// What the board shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundView {
    /// The village.
    pub village: Named<VillageId>,
    /// The round, with its sums in this village.
    pub round: RoundLine,
    /// A page of its waterings, in the order they were posted.
    pub rows: Vec<BoardRow>,
    /// The `after` of the next page; none on the last.
    pub next: Option<u64>,
    /// Closed turns whose water is not on the board yet.
    pub waiting: Vec<WaitingTurn>,
    /// The water accounts of the village's outlets; empty before the round opens.
    pub balances: Vec<OutletBalance>,
    /// Its settlements, the latest first; what was posted after one is billed by the next.
    pub runs: Vec<RunSummary>,
}

/// A closed turn whose water is not on the board yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingTurn {
    /// The turn.
    pub turn: TurnId,
    /// The outlet.
    pub outlet: Named<OutletId>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What keeps it.
    pub obstacle: Obstacle,
    /// The same in the station's words.
    pub why: String,
}

/// A watering on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// Its posting index.
    pub index: u64,
    /// The group's name.
    pub group: String,
    /// The outlet.
    pub outlet: Named<OutletId>,
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// V(t0).
    pub at_start: Litres,
    /// V(t1).
    pub at_end: Litres,
    /// How much.
    pub volume: Litres,
    /// How it is shared.
    pub method: ShareMethod,
    /// Among how many households.
    pub households: u64,
    /// Whether it is an estimate.
    pub estimated: bool,
    /// The posting that corrects it.
    pub superseded_by: Option<u64>,
    /// The settlement that bills it.
    pub billed_by: Option<u64>,
}

/// A settlement in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Its posting index.
    pub index: u64,
    /// How many bills.
    pub bills: u64,
    /// What they come to.
    pub total: Fen,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// Who signed it.
    pub signatures: Vec<SignatureView>,
}

/// The board of a village and round; none when either is unknown.
pub async fn round(
    service: &Service,
    village: &VillageId,
    round: &RoundId,
    after: Option<u64>,
) -> Result<Option<RoundView>, ServiceError> {
    if !service.record().villages().contains_key(village) {
        return Ok(None);
    }
    let known = service.store().round(round).await?;
    let totals = service.store().round_totals(village).await?;
    let here = totals.iter().find(|total| total.round.as_ref() == Some(round));
    if known.is_none() && here.is_none() {
        return Ok(None);
    }
    let page = MAX_WATERINGS_PER_PAGE;
    let waterings = service.store().waterings(village, round, after, page + 1).await?;
    let shown = waterings.len().min(usize::try_from(page).unwrap_or(usize::MAX));
    let next = (waterings.len() > shown)
        .then(|| shown.checked_sub(1).and_then(|last| waterings.get(last)).map(|row| row.index))
        .flatten();
    let runs = run_summaries(service, village, round).await?;
    let balances = match &known {
        Some(known) => balances(service, village, known).await?,
        None => Vec::new(),
    };
    let record = service.record();
    let dates = RoundDates::of(round.clone(), known.as_ref());
    let rows = waterings.iter().take(shown).filter_map(|row| board_row(&record, row)).collect();
    Ok(Some(RoundView {
        village: named_village(&record, village),
        round: RoundLine {
            id: dates.named.id,
            name: dates.named.name,
            opens_at: dates.opens_at,
            closes_at: dates.closes_at,
            totals: here.map_or_else(Totals::default, |total| Totals {
                waterings: total.waterings,
                volume: total.volume,
                billed: total.billed,
            }),
            run: runs.first().map(|run| run.index),
        },
        rows,
        next,
        waiting: waiting_turns(service, &record, village, round),
        balances,
        runs,
    }))
}

fn waiting_turns(
    service: &Service,
    record: &Record,
    village: &VillageId,
    round: &RoundId,
) -> Vec<WaitingTurn> {
    service
        .undrafted()
        .into_iter()
        .filter(|turn| turn.village == *village && turn.round == *round)
        .map(|turn| waiting_turn(record, turn))
        .collect()
}

pub(super) fn waiting_turn(record: &Record, turn: Undrafted) -> WaitingTurn {
    WaitingTurn {
        outlet: named_outlet(record, &turn.outlet),
        turn: turn.turn,
        closed_at: turn.closed_at,
        obstacle: turn.obstacle,
        why: turn.why,
    }
}

fn board_row(record: &Record, row: &WateringRow) -> Option<BoardRow> {
    let posted = record.watering(row.index)?;
    let facts = &posted.facts;
    Some(BoardRow {
        index: row.index,
        group: group_name(record, &facts.village, &facts.group),
        outlet: named_outlet(record, &facts.outlet),
        start: facts.start,
        end: facts.end,
        at_start: facts.at_start_litres,
        at_end: facts.at_end_litres,
        volume: facts.volume_litres,
        method: facts.method,
        households: count(facts.shares.len()),
        estimated: row.estimated,
        superseded_by: row.superseded_by,
        billed_by: posted.billed_by,
    })
}

pub(super) async fn run_summaries(
    service: &Service,
    village: &VillageId,
    round: &RoundId,
) -> Result<Vec<RunSummary>, ServiceError> {
    let mut summaries = Vec::new();
    for run in service.store().bill_runs(village, Some(round)).await? {
        let Some(entry) = service.store().entry(run.run_index).await? else {
            continue;
        };
        summaries.push(RunSummary {
            index: run.run_index,
            bills: run.bills,
            total: run.total,
            posted_at: entry.posted_at,
            signatures: signatures(&service.record(), entry.index, &entry.envelope)?,
        });
    }
    Ok(summaries)
}
