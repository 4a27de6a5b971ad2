//! The waterings of a board and its lines, as the record and the settlements give them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use disclosure::record::Record;
use disclosure::statement::RosterEntry;
use domain::account::QuotaUse;
use domain::bill::BillLine;
use domain::plot::{Crop, Source};
use domain::{HouseholdNo, Litres, VillageId};
use store::WateringRow;

use super::super::places::{group_name, named_outlet};
use super::super::posting::signatures;
use super::charges::{Charges, adjusted, sum_of};
use super::{LineOf, NoticeLine, NoticeShare, NoticeWatering, within_limit};
use crate::{Service, ServiceError};

/// A watering with what its lines are made from.
pub(super) struct Own {
    pub shown: NoticeWatering,
    /// The group's place in the registry's list of the village's groups.
    group_place: Option<usize>,
    /// The posting index of its first version.
    origin: u64,
}

/// A share that has no money yet, and its watering's first version.
pub(super) struct Unpriced {
    line: NoticeLine,
    origin: u64,
}

/// The waterings that hold, by group and start.
pub(super) async fn waterings(
    service: &Service,
    rows: &[WateringRow],
) -> Result<Vec<Own>, ServiceError> {
    let former: BTreeMap<u64, u64> =
        rows.iter().filter_map(|row| Some((row.superseded_by?, row.index))).collect();
    let mut waterings = Vec::new();
    for row in rows.iter().filter(|row| row.superseded_by.is_none()) {
        let Some(entry) = service.store().entry(row.index).await? else { continue };
        let record = service.record();
        let Some(posted) = record.watering(row.index) else { continue };
        let facts = &posted.facts;
        let mut origin = row.index;
        while let Some(earlier) = former.get(&origin) {
            origin = *earlier;
        }
        let shown = NoticeWatering {
            index: row.index,
            corrects: former.get(&row.index).copied(),
            group: group_name(&record, &facts.village, &facts.group),
            outlet: named_outlet(&record, &facts.outlet),
            start: facts.start,
            end: facts.end,
            at_start: facts.at_start_litres,
            at_end: facts.at_end_litres,
            volume: facts.volume_litres,
            shared: facts.shares.iter().map(|share| share.litres).sum(),
            method: facts.method,
            estimated: row.estimated,
            posted_at: entry.posted_at,
            signatures: signatures(&record, entry.index, &entry.envelope)?,
        };
        let groups = record.villages().get(&facts.village).map(|village| &village.groups);
        let group_place = groups.and_then(|all| all.iter().position(|one| one.id == facts.group));
        waterings.push(Own { shown, group_place, origin });
    }
    waterings.sort_by_key(|own: &Own| (own.group_place, own.shown.start, own.shown.index));
    Ok(waterings)
}

/// A line for each share, without money.
pub(super) fn shares(
    service: &Service,
    village: &VillageId,
    waterings: &[Own],
) -> Result<Vec<Unpriced>, ServiceError> {
    let record = service.record();
    let quotas = quotas(&record, village, waterings);
    let mut lines = Vec::new();
    for (place, own) in waterings.iter().enumerate() {
        let Some(posted) = record.watering(own.shown.index) else { continue };
        let facts = &posted.facts;
        within_limit(lines.len().saturating_add(facts.shares.len()))?;
        let roster = record.roster(village, facts.start);
        let source = record.outlets().get(&facts.outlet).map(|outlet| outlet.source);
        for share in &facts.shares {
            let entry = roster.and_then(|roster| roster.entries.get(&share.household));
            let known = quotas.get(&(own.origin, share.household.clone()));
            let quota = known.and_then(|known| known.0);
            let line = NoticeLine {
                of: LineOf::Share(NoticeShare {
                    watering: place,
                    area: share.area,
                    litres: share.litres,
                    quota,
                    over: quota.and(known.map(|known| known.1)),
                }),
                household: share.household.clone(),
                holder: None,
                group: Some(own.shown.group.clone()),
                crops: entry.map(|entry| crops(entry, source)).unwrap_or_default(),
                charges: None,
                adjusted: false,
            };
            lines.push(Unpriced { line, origin: own.origin });
        }
    }
    Ok(lines)
}

/// The lines with their money, and those of money that belongs to no share.
pub(super) fn lines(
    service: &Service,
    village: &VillageId,
    shares: Vec<Unpriced>,
    mut charges: Charges,
) -> Result<Vec<NoticeLine>, ServiceError> {
    let mut lines = Vec::with_capacity(shares.len());
    for Unpriced { line, origin } in shares {
        let billed = charges.take(&line.household, origin);
        lines.push(priced(line, billed));
    }
    let left = charges.left();
    within_limit(lines.len().saturating_add(left.year.len()).saturating_add(left.water.len()))?;
    let record = service.record();
    let roster = record.roster(village, service.now());
    let bare = |household: HouseholdNo, of: LineOf| {
        let entry = roster.and_then(|roster| roster.entries.get(&household));
        NoticeLine {
            of,
            holder: None,
            group: entry.map(|entry| group_name(&record, village, &entry.group)),
            crops: entry.map(|entry| crops(entry, None)).unwrap_or_default(),
            household,
            charges: None,
            adjusted: false,
        }
    };
    let year = left.year.into_iter().map(|(own, billed)| (bare(own, LineOf::Year), billed));
    let water = left.water.into_iter();
    let changed = water.map(|((own, origin), billed)| (bare(own, LineOf::Change(origin)), billed));
    let mut others: Vec<NoticeLine> =
        year.chain(changed).map(|(line, billed)| priced(line, billed)).collect();
    others.sort_by(|a, b| a.household.number_order().cmp(&b.household.number_order()));
    lines.extend(others);
    Ok(lines)
}

fn priced(mut line: NoticeLine, billed: Vec<BillLine>) -> NoticeLine {
    line.adjusted = adjusted(&billed);
    line.charges = sum_of(&line.household, billed);
    line
}

/// Quota and use above it, by watering and household; of a year that cannot be reckoned, none.
fn quotas(
    record: &Record,
    village: &VillageId,
    waterings: &[Own],
) -> HashMap<(u64, HouseholdNo), (Option<Litres>, Litres)> {
    let years: BTreeSet<i32> = waterings.iter().map(|own| own.shown.start.year()).collect();
    let origins: BTreeSet<u64> = waterings.iter().map(|own| own.origin).collect();
    let uses = years.into_iter().filter_map(|year| record.quota_uses(village, year).ok()).flatten();
    let own = uses.filter(|used| origins.contains(&used.watering));
    own.map(|QuotaUse { watering, household, quota, over }| ((watering, household), (quota, over)))
        .collect()
}

/// What a household grows, on its land with a source if one is given.
fn crops(entry: &RosterEntry, source: Option<Source>) -> Vec<Crop> {
    let mut crops: Vec<Crop> = Vec::new();
    for plot in &entry.plots {
        let meant = source.is_none_or(|source| source == plot.source);
        if meant && !crops.contains(&plot.crop) {
            crops.push(plot.crop.clone());
        }
    }
    crops
}
