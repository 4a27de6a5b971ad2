//! What stands in the field: may this registry follow, and what it changes.

use std::collections::BTreeMap;

use domain::registry::Outlet;
use domain::scale::Scale;
use domain::{MeterCode, OutletId};

use super::{Record, RecordError};
use crate::statement::{Origin, Registry, RegistryMeter};

impl Record {
    /// The meters that stood at an outlet at some instant of an interval, by their installation.
    pub fn meters_at(
        &self,
        outlet: &OutletId,
        start: domain::Timestamp,
        end: domain::Timestamp,
    ) -> Vec<&RegistryMeter> {
        let mut stood: Vec<&RegistryMeter> = self
            .meters
            .values()
            .filter(|entry| entry.meter.outlet == *outlet && entry.meter.stood_between(start, end))
            .collect();
        stood.sort_by_key(|entry| entry.meter.installed_at);
        stood
    }

    pub(super) fn apply_registry(&mut self, body: Registry) {
        self.villages.extend(body.villages.into_iter().map(|v| (v.id.clone(), v)));
        self.outlets.extend(body.outlets.into_iter().map(|o| (o.id.clone(), o)));
        self.tables.extend(body.tables.into_iter().map(|t| (t.id.clone(), t)));
        self.meters.extend(body.meters.into_iter().map(|m| (m.meter.code.clone(), m)));
    }

    pub(super) fn check_registry(&self, body: &Registry) -> Result<(), RecordError> {
        for village in &body.villages {
            village.check()?;
        }
        for outlet in &body.outlets {
            outlet.check()?;
            if !body.villages.iter().any(|village| village.id == outlet.village) {
                self.known_village(&outlet.village)?;
            }
        }
        for table in &body.tables {
            table.check()?;
            if self.tables.get(&table.id).is_some_and(|posted| posted != table) {
                return Err(RecordError::TableChanged(table.id.clone()));
            }
        }
        for entry in &body.meters {
            self.check_meter(body, entry)?;
        }
        self.check_outlets_of(body)
    }

    fn check_meter(&self, body: &Registry, entry: &RegistryMeter) -> Result<(), RecordError> {
        let meter = &entry.meter;
        meter.check()?;
        entry.check_keys()?;
        if !body.outlets.iter().any(|outlet| outlet.id == meter.outlet) {
            self.known_outlet(&meter.outlet)?;
        }
        if let Scale::Stage { tables } = &meter.scale {
            let known =
                |id| self.tables.contains_key(id) || body.tables.iter().any(|t| t.id == *id);
            if let Some(unknown) = tables.iter().map(|dated| &dated.table).find(|id| !known(id)) {
                return Err(RecordError::UnknownTable(unknown.clone()));
            }
        }
        // A gateway vouches for many meters with one key; a meter's own key is its own.
        let own = |entry: &RegistryMeter| entry.origin == Origin::MeterSigned;
        let shares_key = |other: &&RegistryMeter| {
            other.meter.code != meter.code
                && (own(entry) || own(other))
                && other.keys.iter().any(|a| entry.keys.iter().any(|b| a.key == b.key))
        };
        if self.meters.values().chain(&body.meters).any(|other| shares_key(&other)) {
            return Err(RecordError::DeviceKeyShared(meter.code.clone()));
        }
        Ok(())
    }

    /// At one outlet stands one meter at a time, or its water would count twice.
    fn check_outlets_of(&self, body: &Registry) -> Result<(), RecordError> {
        let mut after: BTreeMap<&MeterCode, &RegistryMeter> = self.meters.iter().collect();
        after.extend(body.meters.iter().map(|entry| (&entry.meter.code, entry)));
        let mut by_outlet: BTreeMap<&OutletId, Vec<&RegistryMeter>> = BTreeMap::new();
        for entry in after.into_values() {
            by_outlet.entry(&entry.meter.outlet).or_default().push(entry);
        }
        let touched = body.meters.iter().map(|entry| &entry.meter.outlet);
        for outlet in touched {
            let Some(meters) = by_outlet.get_mut(outlet) else { continue };
            meters.sort_by_key(|entry| entry.meter.installed_at);
            for (earlier, later) in meters.iter().zip(meters.iter().skip(1)) {
                let (earlier, later) = (&earlier.meter, &later.meter);
                if earlier.removed_at.is_none_or(|removed| removed > later.installed_at) {
                    let (outlet, meter) = (earlier.outlet.clone(), earlier.code.clone());
                    return Err(RecordError::StillInstalled { outlet, meter });
                }
            }
        }
        Ok(())
    }

    pub(super) fn known_outlet(&self, outlet: &OutletId) -> Result<&Outlet, RecordError> {
        self.outlets.get(outlet).ok_or_else(|| RecordError::UnknownOutlet(outlet.clone()))
    }
}
