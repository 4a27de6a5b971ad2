//! The district's first page.

use std::collections::BTreeMap;

use domain::{DistrictId, VillageId};

use super::log::{LogState, PostingLine, log_state, posting_lines};
use super::places::Totals;
use crate::{Service, ServiceError};

/// The newest postings that the first page shows.
const LATEST_POSTINGS: u32 = 8;

/// What the district's first page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistrictView {
    /// The district's code.
    pub id: DistrictId,
    /// Its name.
    pub name: String,
    /// The year that the sums are of: the present one in Beijing.
    pub year: i32,
    /// Sums over all villages.
    pub total: Totals,
    /// The villages, by code.
    pub villages: Vec<VillageLine>,
    /// The newest postings, newest first.
    pub latest: Vec<PostingLine>,
    /// The public log.
    pub log: LogState,
}

/// A village among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VillageLine {
    /// Its code.
    pub id: VillageId,
    /// Its name.
    pub name: String,
    /// Households in its roster.
    pub households: u64,
    /// This year's sums.
    pub totals: Totals,
}

/// The district's name, or its code before the genesis.
pub fn district_name(service: &Service) -> String {
    let named = service.record().district().map(|district| district.name.clone());
    named.unwrap_or_else(|| service.district().to_string())
}

/// The district's first page.
pub async fn district(service: &Service) -> Result<DistrictView, ServiceError> {
    let year = service.now().year();
    let mut villages: Vec<VillageLine> = {
        let now = service.now();
        let record = service.record();
        let line = |(id, village): (&VillageId, &domain::registry::Village)| VillageLine {
            id: id.clone(),
            name: village.name.clone(),
            households: record.roster(id, now).map_or(0, |roster| count(roster.entries.len())),
            totals: Totals::default(),
        };
        record.villages().iter().map(line).collect()
    };
    let of_year = totals_of_year(service, year, villages.iter().map(|village| &village.id)).await?;
    for village in &mut villages {
        village.totals = of_year.get(&village.id).copied().unwrap_or_default();
    }
    let latest = service.store().latest_entries(None, LATEST_POSTINGS).await?;
    Ok(DistrictView {
        id: service.district().clone(),
        name: district_name(service),
        year,
        total: villages.iter().map(|village| village.totals).fold(Totals::default(), Totals::and),
        villages,
        latest: posting_lines(service, &latest),
        log: log_state(service).await?,
    })
}

/// Sums by village over the rounds of a year; a round belongs to the year in which it opens.
async fn totals_of_year(
    service: &Service,
    year: i32,
    villages: impl Iterator<Item = &VillageId>,
) -> Result<BTreeMap<VillageId, Totals>, ServiceError> {
    let rounds = service.store().rounds().await?;
    let mut by_village = BTreeMap::new();
    for village in villages {
        let mut sum = Totals::default();
        for total in service.store().round_totals(village).await? {
            let round = rounds.iter().find(|round| Some(&round.id) == total.round.as_ref());
            if round.is_some_and(|round| round.opens_at.year() == year) {
                sum = sum.and(Totals {
                    waterings: total.waterings,
                    volume: total.volume,
                    billed: total.billed,
                });
            }
        }
        by_village.insert(village.clone(), sum);
    }
    Ok(by_village)
}

/// A length as the count that a page shows.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
