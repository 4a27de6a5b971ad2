//! What stands in the field: may this registry follow, and what it changes.

use std::collections::{BTreeMap, BTreeSet};

use domain::registry::Outlet;
use domain::scale::Scale;
use domain::{MeterCode, OutletId};

use super::{Record, RecordError};
use crate::key::PublicKey;
use crate::statement::{Origin, Registry, RegistryMeter};

impl Record {
    /// The meters that stood at an outlet at some instant of an interval, by their installation.
    pub fn meters_at(
        &self,
        outlet: &OutletId,
        start: domain::Timestamp,
        end: domain::Timestamp,
    ) -> Vec<&RegistryMeter> {
        let ever = self.meters.at_outlet(outlet);
        let mut stood: Vec<&RegistryMeter> =
            ever.filter(|entry| entry.meter.stood_between(start, end)).collect();
        stood.sort_by_key(|entry| entry.meter.installed_at);
        stood
    }

    pub(super) fn apply_registry(&mut self, body: Registry) {
        self.villages.extend(body.villages.into_iter().map(|v| (v.id.clone(), v)));
        self.outlets.extend(body.outlets.into_iter().map(|o| (o.id.clone(), o)));
        self.tables.extend(body.tables.into_iter().map(|t| (t.id.clone(), t)));
        for entry in body.meters {
            self.meters.enter(entry);
        }
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
        self.check_keys_of(body)?;
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
        Ok(())
    }

    /// A gateway vouches for many meters with one key; a meter's own key is its own.
    fn check_keys_of(&self, body: &Registry) -> Result<(), RecordError> {
        let own = |entry: &RegistryMeter| entry.origin == Origin::MeterSigned;
        let mut here: BTreeMap<&PublicKey, &RegistryMeter> = BTreeMap::new();
        for entry in &body.meters {
            let code = &entry.meter.code;
            for key in entry.keys.iter().map(|key| &key.key) {
                // Either one meter's own or gateways' alone: any other user stands for all.
                let earlier = here.insert(key, entry).filter(|other| other.meter.code != *code);
                let posted = self.meters.another_with_key(key, code);
                if earlier.into_iter().chain(posted).any(|other| own(entry) || own(other)) {
                    return Err(RecordError::DeviceKeyShared(code.clone()));
                }
            }
        }
        Ok(())
    }

    /// At one outlet stands one meter at a time, or its water would count twice.
    fn check_outlets_of(&self, body: &Registry) -> Result<(), RecordError> {
        let new: BTreeSet<&MeterCode> = body.meters.iter().map(|entry| &entry.meter.code).collect();
        let mut by_outlet: BTreeMap<&OutletId, Vec<&RegistryMeter>> = BTreeMap::new();
        for entry in &body.meters {
            by_outlet.entry(&entry.meter.outlet).or_default().push(entry);
        }
        for (outlet, meters) in &mut by_outlet {
            let posted = self.meters.at_outlet(outlet);
            meters.extend(posted.filter(|entry| !new.contains(&entry.meter.code)));
        }
        for meters in by_outlet.values_mut() {
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
