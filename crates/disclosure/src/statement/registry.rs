//! `registry`: villages, outlets and meters with their device keys.

use domain::registry::{Meter, Outlet, Village};
use serde::{Deserialize, Serialize};

use super::Head;
use crate::key::PublicKey;

/// What stands in the field. What it names replaces what stood under the same code before; the rest stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// What every statement begins with.
    pub head: Head,
    /// Villages with their groups.
    pub villages: Vec<Village>,
    /// Outlets.
    pub outlets: Vec<Outlet>,
    /// Meters.
    pub meters: Vec<RegistryMeter>,
}

/// A meter with the key that signs its reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryMeter {
    /// The meter.
    pub meter: Meter,
    /// Its device key.
    pub device_key: PublicKey,
}
