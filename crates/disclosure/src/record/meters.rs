//! The meters of the record, found by code, by outlet and by key: a statement costs what it names, not what stands.

use std::collections::{BTreeMap, BTreeSet};

use domain::{MeterCode, OutletId};

use crate::key::PublicKey;
use crate::statement::RegistryMeter;

/// The meters with their keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters {
    by_code: BTreeMap<MeterCode, RegistryMeter>,
    at_outlet: BTreeMap<OutletId, BTreeSet<MeterCode>>,
    with_key: BTreeMap<PublicKey, BTreeSet<MeterCode>>,
}

impl Meters {
    pub(super) fn by_code(&self) -> &BTreeMap<MeterCode, RegistryMeter> {
        &self.by_code
    }

    /// The meters that ever stood at an outlet, as the registry now says.
    pub(super) fn at_outlet(&self, outlet: &OutletId) -> impl Iterator<Item = &RegistryMeter> {
        self.at_outlet.get(outlet).into_iter().flatten().filter_map(|code| self.by_code.get(code))
    }

    /// A meter other than this one that signs with a key.
    pub(super) fn another_with_key(
        &self,
        key: &PublicKey,
        code: &MeterCode,
    ) -> Option<&RegistryMeter> {
        let other = self.with_key.get(key)?.iter().find(|other| *other != code)?;
        self.by_code.get(other)
    }

    /// Enters a meter, in place of what was said of it before.
    pub(super) fn enter(&mut self, entry: RegistryMeter) {
        let code = entry.meter.code.clone();
        if let Some(before) = self.by_code.get(&code) {
            if let Some(there) = self.at_outlet.get_mut(&before.meter.outlet) {
                there.remove(&code);
            }
            for key in &before.keys {
                if let Some(users) = self.with_key.get_mut(&key.key) {
                    users.remove(&code);
                }
            }
        }
        self.at_outlet.entry(entry.meter.outlet.clone()).or_default().insert(code.clone());
        for key in &entry.keys {
            self.with_key.entry(key.key).or_default().insert(code.clone());
        }
        self.by_code.insert(code, entry);
    }
}
