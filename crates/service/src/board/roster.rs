//! A village's roster, and the masked names that stand beside it.

use std::collections::BTreeMap;

use disclosure::record::RosterGround;
use disclosure::statement::{Roster, RosterEntry};
use domain::plot::Plot;
use domain::{Area, HouseholdNo, Litres, Timestamp, VillageId};

use super::district::count;
use super::places::{Named, group_name, named_village};
use super::posting::MAX_LISTED;
use crate::{Service, ServiceError};

/// Masked names of holders, where they are known.
pub type Holders = BTreeMap<HouseholdNo, String>;

/// A roster, its beginning listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterView {
    /// The village.
    pub village: Named<VillageId>,
    /// From when it holds.
    pub effective_from: Timestamp,
    /// How many households it lists.
    pub households: u64,
    /// Their area; none when the list is not on this server.
    pub area: Option<Area>,
    /// The first [`MAX_LISTED`] households.
    pub entries: Vec<RosterLine>,
    /// Whether one of them has a water right.
    pub water_rights: bool,
    /// How many more there are.
    pub more: u64,
}

/// A household of a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterLine {
    /// Its number.
    pub household: HouseholdNo,
    /// Its holder's masked name, which is no part of the posting.
    pub holder: Option<String>,
    /// Its group's name.
    pub group: String,
    /// Its area.
    pub area: Area,
    /// Its plots.
    pub plots: Vec<Plot>,
    /// Its water right for a year.
    pub water_right: Option<Litres>,
}

pub(super) async fn roster(service: &Service, body: Roster) -> Result<RosterView, ServiceError> {
    let stored = service.store().attachment(body.entries.sha256.as_bytes()).await?;
    let entries = stored.and_then(|stored| body.read_entries(&stored.bytes).ok());
    let listed = usize::try_from(MAX_LISTED).unwrap_or(usize::MAX);
    let area = entries.as_ref().map(|entries| entries.iter().map(RosterEntry::area).sum());
    let more = entries.as_ref().map_or(0, |entries| count(entries.len().saturating_sub(listed)));
    let entries: Vec<RosterEntry> = entries.into_iter().flatten().take(listed).collect();
    let mut holders = holders(service, entries.iter().map(|entry| &entry.household)).await?;
    let record = service.record();
    Ok(RosterView {
        village: named_village(&record, &body.village),
        effective_from: body.effective_from,
        households: u64::from(body.households),
        area,
        water_rights: entries.iter().any(|entry| entry.water_right_litres.is_some()),
        entries: entries
            .into_iter()
            .map(|entry| RosterLine {
                holder: holders.remove(&entry.household),
                group: group_name(&record, &body.village, &entry.group),
                area: entry.area(),
                household: entry.household,
                plots: entry.plots,
                water_right: entry.water_right_litres,
            })
            .collect(),
        more,
    })
}

/// What a roster of a village that holds from a time on is drawn up from; none for a village that is not here.
pub fn roster_ground(
    service: &Service,
    village: &VillageId,
    at: Timestamp,
) -> Option<RosterGround> {
    service.record().roster_ground(village, at)
}

/// The masked names of these households' holders, where they are known.
pub(super) async fn holders(
    service: &Service,
    households: impl Iterator<Item = &HouseholdNo>,
) -> Result<Holders, ServiceError> {
    let households: Vec<HouseholdNo> = households.cloned().collect();
    Ok(service.store().holders(&households).await?)
}
