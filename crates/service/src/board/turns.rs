//! Turns under way: who has the water, what waits for signatures or readings, and what flowing water
//! looks like a turn.

use disclosure::record::Record;
use disclosure::statement::{Statement, WateringFacts};
use domain::progress::Progress;
use domain::round::{Round, Turn};
use domain::share::ShareMethod;
use domain::{GroupId, Litres, MeterCode, OutletId, RoundId, Timestamp, TurnId, VillageId};
use store::{ProposalRow, TurnRow};

use super::curve::Curve;
use super::places::{Named, group_name, named_outlet, named_village};
use super::round::{WaitingTurn, waiting_turn};
use crate::drafting::turn_of;
use crate::outlet::{outlet_curve, outlet_volume};
use crate::{Service, ServiceError};

/// Proposals of one page: each is drawn.
pub const MAX_PROPOSALS_PER_PAGE: u32 = 20;
/// Open turns for which the water so far is told; of the others only that they are open.
const MAX_MEASURED_TURNS: usize = 100;
/// Statements of each state that are listed.
const MAX_UNPOSTED: u32 = 100;

/// What the turns' page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnsView {
    /// When it was looked at.
    pub now: Timestamp,
    /// Open turns, the longest open first.
    pub open: Vec<OpenTurn>,
    /// Closed turns whose water cannot be told yet.
    pub waiting: Vec<WaitingTurn>,
    /// Waterings that wait for signatures or for their posting, the newest first.
    pub unposted: Vec<UnpostedTurn>,
    /// Water that ran and that no turn accounts for, the newest first.
    pub proposals: Vec<Proposal>,
    /// The `before` of the next page of proposals.
    pub older: Option<i64>,
}

/// A turn that has an outlet's water.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTurn {
    /// The turn.
    pub turn: TurnId,
    /// Where.
    pub outlet: Named<OutletId>,
    /// Who gets the water.
    pub village: Named<VillageId>,
    /// Which group of it.
    pub group: String,
    /// In which round.
    pub round: RoundId,
    /// When the gate was opened.
    pub opened_at: Timestamp,
    /// How much so far, and up to when; none before the meter's next reading.
    pub so_far: Option<(Litres, Timestamp)>,
}

/// A watering that is measured and not posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpostedTurn {
    /// The turn.
    pub turn: TurnId,
    /// Where.
    pub outlet: Named<OutletId>,
    /// Who got the water.
    pub village: Named<VillageId>,
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// How much.
    pub volume: Litres,
    /// Whether part of it is estimated.
    pub estimated: bool,
    /// How far it has come.
    pub progress: Progress,
    /// Its statement on this server.
    pub statement: i64,
}

/// Water that ran and that no turn accounts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its number on this server.
    pub id: i64,
    /// The meter that saw it.
    pub meter: MeterCode,
    /// Where.
    pub outlet: Named<OutletId>,
    /// Who is served there.
    pub village: Option<Named<VillageId>>,
    /// From when.
    pub from: Timestamp,
    /// Up to when.
    pub to: Timestamp,
    /// How much.
    pub litres: Litres,
    /// Whether it still runs, as far as the readings go.
    pub running: bool,
    /// The turn that it would be; none when no round was open, or the village has no group.
    pub turn: Option<Turn>,
    /// What the meter counted.
    pub curve: Option<Curve>,
}

/// The turns under way; `before` is the last proposal of the page before.
pub async fn turns(service: &Service, before: Option<i64>) -> Result<TurnsView, ServiceError> {
    let now = service.now();
    let proposals = proposals(service, before).await?;
    let full = u32::try_from(proposals.len()) == Ok(MAX_PROPOSALS_PER_PAGE);
    let older = proposals.last().map(|last| last.id).filter(|_| full);
    let mut open = Vec::new();
    for (place, row) in service.store().open_turns().await?.into_iter().enumerate() {
        open.push(open_turn(service, &row, now, place < MAX_MEASURED_TURNS).await?);
    }
    let mut unposted = Vec::new();
    for state in [Progress::Draft, Progress::Awaiting, Progress::CoSigned] {
        for row in service.store().statements(Some(state), None, None, MAX_UNPOSTED).await? {
            let statement = Statement::parse(&row.payload_type, &row.payload)?;
            if let Some(facts) = statement.watering_facts() {
                unposted.push(unposted_turn(&service.record(), facts, row.id, state));
            }
        }
    }
    unposted.sort_by_key(|turn| std::cmp::Reverse(turn.end));
    let record = service.record();
    let waiting = service.undrafted().into_iter().map(|turn| waiting_turn(&record, turn)).collect();
    Ok(TurnsView { now, open, waiting, unposted, proposals, older })
}

/// Water that ran and that no turn accounts for, the newest first.
pub async fn proposals(
    service: &Service,
    before: Option<i64>,
) -> Result<Vec<Proposal>, ServiceError> {
    let rows = service.store().proposals(before, MAX_PROPOSALS_PER_PAGE).await?;
    let rounds = if rows.is_empty() { Vec::new() } else { service.store().rounds().await? };
    let mut proposals = Vec::with_capacity(rows.len());
    for row in rows {
        let curve = outlet_curve(service, &row.outlet, row.from, row.to).await?;
        proposals.push(proposal(&service.record(), &rounds, row, curve));
    }
    Ok(proposals)
}

async fn open_turn(
    service: &Service,
    row: &TurnRow,
    now: Timestamp,
    measured: bool,
) -> Result<OpenTurn, ServiceError> {
    let plan = turn_of(row)?;
    let so_far = if measured {
        let volume = outlet_volume(service, &row.outlet, row.opened_at, now).await?;
        let last = volume.points().last().map(|point| point.at);
        last.and_then(|at| Some((volume.at(at).ok()? - volume.at(row.opened_at).ok()?, at)))
    } else {
        None
    };
    let record = service.record();
    Ok(OpenTurn {
        turn: row.code.clone(),
        outlet: named_outlet(&record, &row.outlet),
        village: named_village(&record, &row.village),
        group: group_name(&record, &row.village, &plan.group),
        round: row.round.clone(),
        opened_at: row.opened_at,
        so_far,
    })
}

fn unposted_turn(
    record: &Record,
    facts: &WateringFacts,
    statement: i64,
    progress: Progress,
) -> UnpostedTurn {
    UnpostedTurn {
        turn: facts.turn.clone(),
        outlet: named_outlet(record, &facts.outlet),
        village: named_village(record, &facts.village),
        start: facts.start,
        end: facts.end,
        volume: facts.volume_litres,
        estimated: !facts.doubts.is_empty(),
        progress,
        statement,
    }
}

fn proposal(record: &Record, rounds: &[Round], row: ProposalRow, curve: Option<Curve>) -> Proposal {
    let village = record.outlets().get(&row.outlet).map(|outlet| &outlet.village);
    let group = village
        .and_then(|id| record.villages().get(id))
        .and_then(|village| village.groups.first())
        .map(|group| &group.id);
    let turn =
        village.zip(group).and_then(|(village, group)| proposed_turn(rounds, &row, village, group));
    Proposal {
        id: row.id,
        outlet: named_outlet(record, &row.outlet),
        village: village.map(|id| named_village(record, id)),
        meter: row.meter,
        from: row.from,
        to: row.to,
        litres: row.litres,
        running: row.running,
        turn,
        curve,
    }
}

/// The turn that a flow would be: of the first group, to be changed by whoever knows better.
fn proposed_turn(
    rounds: &[Round],
    row: &ProposalRow,
    village: &VillageId,
    group: &GroupId,
) -> Option<Turn> {
    let round = rounds.iter().find(|round| round.admits(row.from).is_ok())?;
    Some(Turn {
        id: TurnId::new(format!("p-{}", row.id)).ok()?,
        round: round.id.clone(),
        outlet: row.outlet.clone(),
        village: village.clone(),
        group: group.clone(),
        method: ShareMethod::Area,
        members: Vec::new(),
        opened_at: row.from,
    })
}
