//! A village: its rounds, groups and outlets.

use std::collections::BTreeMap;

use disclosure::record::Record;
use disclosure::statement::RosterEntry;
use domain::{Area, GroupId, MeterCode, OutletId, RoundId, Timestamp, VillageId};

use super::district::count;
use super::places::{RoundDates, Totals};
use crate::{Service, ServiceError};

/// What a village's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VillageView {
    /// Its code.
    pub id: VillageId,
    /// Its name.
    pub name: String,
    /// Households in its roster.
    pub households: u64,
    /// Their area.
    pub area: Area,
    /// The posting index of the roster in force.
    pub roster: Option<u64>,
    /// Its groups.
    pub groups: Vec<GroupLine>,
    /// Its outlets.
    pub outlets: Vec<OutletLine>,
    /// Its rounds, the latest first.
    pub rounds: Vec<RoundLine>,
}

/// A group of the village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLine {
    /// Its name.
    pub name: String,
    /// Households in the roster.
    pub households: u64,
    /// Their area.
    pub area: Area,
}

/// An outlet of the village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutletLine {
    /// Its code.
    pub id: OutletId,
    /// Its name.
    pub name: String,
    /// Its canal.
    pub canal: String,
    /// The meters that stand there.
    pub meters: Vec<MeterCode>,
}

/// A round of the village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundLine {
    /// Its code.
    pub id: RoundId,
    /// Its name; the code when this server does not know the round.
    pub name: String,
    /// When it opens.
    pub opens_at: Option<Timestamp>,
    /// When it closes.
    pub closes_at: Option<Timestamp>,
    /// What was posted of it here.
    pub totals: Totals,
    /// The posting index of its settlement.
    pub run: Option<u64>,
}

/// A village's page; none when the registry does not know the village.
pub async fn village(
    service: &Service,
    id: &VillageId,
) -> Result<Option<VillageView>, ServiceError> {
    let Some(mut view) = from_record(&service.record(), id, service.now()) else {
        return Ok(None);
    };
    let mut totals: BTreeMap<RoundId, Totals> = BTreeMap::new();
    for total in service.store().round_totals(id).await? {
        let Some(round) = total.round else { continue };
        let sum = Totals { waterings: total.waterings, volume: total.volume, billed: total.billed };
        totals.insert(round, sum);
    }
    // Every round of the district stands on the page, also one in which this village had no water yet.
    let known = service.store().rounds().await?;
    for round in &known {
        let sum = totals.remove(&round.id).unwrap_or_default();
        view.rounds.push(line(RoundDates::of(round.id.clone(), Some(round)), sum));
    }
    view.rounds.extend(totals.into_iter().map(|(id, sum)| line(RoundDates::of(id, None), sum)));
    let record = service.record();
    for round in &mut view.rounds {
        round.run = record.run_of(id, Some(&round.id)).map(|run| run.index);
    }
    drop(record);
    Ok(Some(view))
}

fn line(dates: RoundDates, totals: Totals) -> RoundLine {
    RoundLine {
        id: dates.named.id,
        name: dates.named.name,
        opens_at: dates.opens_at,
        closes_at: dates.closes_at,
        totals,
        run: None,
    }
}

fn from_record(record: &Record, id: &VillageId, at: Timestamp) -> Option<VillageView> {
    let village = record.villages().get(id)?;
    let roster = record.roster(id, at);
    let entries = || roster.into_iter().flat_map(|roster| roster.entries.values());
    let members = |group: &GroupId| entries().filter(|entry| entry.group == *group).count();
    let area = |group: &GroupId| -> Area {
        entries().filter(|entry| entry.group == *group).map(RosterEntry::area).sum()
    };
    let groups = village
        .groups
        .iter()
        .map(|group| GroupLine {
            name: group.name.clone(),
            households: count(members(&group.id)),
            area: area(&group.id),
        })
        .collect();
    let meters_at = |outlet: &OutletId| {
        let standing = record.meters().values().filter(|entry| entry.meter.outlet == *outlet);
        standing.map(|entry| entry.meter.code.clone()).collect()
    };
    let outlets = record
        .outlets()
        .values()
        .filter(|outlet| outlet.village == *id)
        .map(|outlet| OutletLine {
            id: outlet.id.clone(),
            name: outlet.name.clone(),
            canal: outlet.canal.clone(),
            meters: meters_at(&outlet.id),
        })
        .collect();
    Some(VillageView {
        id: id.clone(),
        name: village.name.clone(),
        households: count(entries().count()),
        area: entries().map(RosterEntry::area).sum(),
        roster: roster.map(|roster| roster.index),
        groups,
        outlets,
        rounds: Vec::new(),
    })
}
