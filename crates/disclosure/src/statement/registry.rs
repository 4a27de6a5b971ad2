//! `registry`: villages, outlets, rating tables and meters with their keys.

use domain::rating::RatingTable;
use domain::registry::{Meter, Outlet, Village};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Head;
use crate::key::PublicKey;

/// The most keys that one meter has had.
pub const MAX_METER_KEYS: usize = 32;

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
    /// Rating tables. One that was posted never changes: another version has another code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<RatingTable>,
    /// Meters.
    pub meters: Vec<RegistryMeter>,
}

/// Who vouches for a reading, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The meter signed it itself (表计签名).
    MeterSigned,
    /// A meter that signs nothing sent it through a gateway, and the gateway signed it (网关担保).
    GatewayVouched,
    /// Somebody read the register and signed for it (人工抄录).
    Manual,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::MeterSigned, Self::GatewayVouched, Self::Manual];

    /// The word that stands in statements, the database and addresses.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MeterSigned => "meter-signed",
            Self::GatewayVouched => "gateway-vouched",
            Self::Manual => "manual",
        }
    }
}

/// A meter and who signs its reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryMeter {
    /// The meter.
    pub meter: Meter,
    /// Who vouches for its reports. Of a meter that reports by itself, readings by hand may stand in where reports fail.
    pub origin: Origin,
    /// The keys that sign its reports, by the report from which each signs; none for a meter that only people read.
    pub keys: Vec<MeterKey>,
}

/// A key of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterKey {
    /// The key.
    pub key: PublicKey,
    /// The sequence number of the first report that it signs.
    pub from_report: u64,
}

/// Why a meter's keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MeterKeyError {
    /// No key where one is needed, one where none is, too many, or out of order.
    #[error(
        "the keys of meter {0} are not valid: give 1 to {MAX_METER_KEYS}, the first from report 1, each later one from a later report; none for a manual meter"
    )]
    Keys(domain::MeterCode),
}

impl RegistryMeter {
    /// A meter that signs its reports with one key.
    pub fn signing(meter: Meter, key: PublicKey) -> Self {
        let keys = vec![MeterKey { key, from_report: 1 }];
        Self { meter, origin: Origin::MeterSigned, keys }
    }

    /// The key that signs the report with this sequence number.
    pub fn key_for(&self, report: u64) -> Option<&PublicKey> {
        let in_force = self.keys.iter().rev().find(|key| key.from_report <= report);
        in_force.map(|key| &key.key)
    }

    /// Checks the list of keys.
    pub fn check_keys(&self) -> Result<(), MeterKeyError> {
        let ascending = self
            .keys
            .iter()
            .zip(self.keys.iter().skip(1))
            .all(|(earlier, later)| earlier.from_report < later.from_report);
        let good = match (self.origin, self.keys.first()) {
            (Origin::Manual, first) => first.is_none(),
            (_, None) => false,
            (_, Some(first)) => {
                first.from_report == 1 && ascending && self.keys.len() <= MAX_METER_KEYS
            }
        };
        if good { Ok(()) } else { Err(MeterKeyError::Keys(self.meter.code.clone())) }
    }
}
