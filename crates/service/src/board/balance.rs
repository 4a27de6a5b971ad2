//! The water account of a village's outlets over a round.

use domain::balance::{Balance, Delivered, balance};
use domain::measurement::MeasurementError;
use domain::round::Round;
use domain::{OutletId, RoundId, Timestamp, VillageId};

use super::places::{Named, named_outlet};
use crate::outlet::outlet_volume;
use crate::{Service, ServiceError};

/// An outlet's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutletBalance {
    /// The outlet.
    pub outlet: Named<OutletId>,
    /// Its account; none where there are no readings of the time.
    pub account: Result<Option<Balance>, MeasurementError>,
    /// Whether the round or its readings are still under way.
    pub running: bool,
}

/// The accounts of a village's outlets over a round, by outlet; none when either is unknown.
pub async fn balance_of(
    service: &Service,
    village: &VillageId,
    round: &RoundId,
) -> Result<Option<Vec<OutletBalance>>, ServiceError> {
    if !service.record().villages().contains_key(village) {
        return Ok(None);
    }
    match service.store().round(round).await? {
        Some(round) => Ok(Some(balances(service, village, &round).await?)),
        None => Ok(None),
    }
}

/// The same of a known village and round; empty before the round opens.
pub(super) async fn balances(
    service: &Service,
    village: &VillageId,
    round: &Round,
) -> Result<Vec<OutletBalance>, ServiceError> {
    let now = service.now();
    if now <= round.opens_at {
        return Ok(Vec::new());
    }
    let outlets: Vec<OutletId> = {
        let record = service.record();
        let of_village = record.outlets().values().filter(|outlet| outlet.village == *village);
        of_village.map(|outlet| outlet.id.clone()).collect()
    };
    let mut lines = Vec::with_capacity(outlets.len());
    for outlet in outlets {
        lines.push(outlet_balance(service, outlet, round, now).await?);
    }
    Ok(lines)
}

async fn outlet_balance(
    service: &Service,
    outlet: OutletId,
    round: &Round,
    now: Timestamp,
) -> Result<OutletBalance, ServiceError> {
    let (opens_at, closes_at) = (round.opens_at, round.closes_at);
    let volume = outlet_volume(service, &outlet, opens_at, closes_at).await?;
    let last = volume.points().last().map(|point| point.at);
    let store = service.store();
    let mut delivered: Vec<Delivered> = store
        .waterings_between(&outlet, opens_at, closes_at)
        .await?
        .into_iter()
        .map(|row| Delivered { start: row.start_at, end: row.end_at, posted: Some(row.volume) })
        .collect();
    for turn in store.unposted_turns_between(&outlet, opens_at, closes_at).await? {
        // An open turn has what the meter counted so far.
        let end = turn.closed_at.or(last).unwrap_or(now);
        delivered.push(Delivered { start: turn.opened_at, end, posted: None });
    }
    let account = balance(&volume, opens_at, closes_at, delivered);
    let running = now < closes_at || last.is_none_or(|last| last < closes_at);
    Ok(OutletBalance { outlet: named_outlet(&service.record(), &outlet), account, running })
}
