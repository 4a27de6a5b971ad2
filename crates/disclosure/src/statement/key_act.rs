//! `key`: a person's key is enrolled or revoked.

use domain::{HouseholdNo, PersonId, VillageId};
use serde::{Deserialize, Serialize};

use super::{Head, Role};
use crate::key::{Fingerprint, PublicKey};

/// The longest stated reason, in characters.
pub const MAX_REASON_CHARS: usize = 200;

/// One change of the key directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyAct {
    /// What every statement begins with.
    pub head: Head,
    /// The change.
    pub act: Act,
}

/// What happens to a key. It holds for entries after the statement's own index, never before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// A person may sign with a key from now on.
    Enrol(Enrolment),
    /// A key signs no more.
    Revoke {
        /// The key.
        key: Fingerprint,
        /// Why.
        reason: RevocationReason,
    },
}

/// Who may sign with a key, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The person, by role and number.
    pub person: PersonId,
    /// The role.
    pub role: Role,
    /// A cadre's village; absent for every other role.
    pub village: Option<VillageId>,
    /// The person's own household, if it has land here: it recuses (回避) them from its waterings.
    pub household: Option<HouseholdNo>,
    /// The key.
    pub key: PublicKey,
}

/// Why a key is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// The phone or file is gone.
    Lost,
    /// Somebody else may have it.
    Stolen,
    /// The person has another task now.
    LeftOffice,
}
