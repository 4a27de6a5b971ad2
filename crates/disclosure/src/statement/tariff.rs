//! `tariff`: a version of the water price.

use domain::tariff::Tariff;
use serde::{Deserialize, Serialize};

use super::Head;

/// A posted tariff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TariffNotice {
    /// What every statement begins with.
    pub head: Head,
    /// The tariff.
    pub tariff: Tariff,
}
