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
    /// A person puts a new key in the place of theirs; both keys sign it, and nobody else.
    Rotate {
        /// The key that signs no more.
        old: Fingerprint,
        /// The key that signs in its place, with the same role.
        new: PublicKey,
        /// Where the new key is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<KeyKept>,
    },
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
    /// A cadre's village, or the one that a supervisor watches over; absent for every other role.
    pub village: Option<VillageId>,
    /// The person's own household, if it has land here: it recuses (回避) them from its waterings. Of a household's key,
    /// the household that it speaks for.
    pub household: Option<HouseholdNo>,
    /// The key.
    pub key: PublicKey,
    /// Where its owner says it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeyKept>,
    /// A key of the same person that signs no more, such as one on a lost phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Fingerprint>,
}

impl Enrolment {
    /// Somebody without a village or household of theirs.
    pub const fn new(person: PersonId, role: Role, key: PublicKey) -> Self {
        Self { person, role, village: None, household: None, key, kept: None, replaces: None }
    }
}

/// Where a key is kept, as its owner says; it tells a reader how easily it could have been copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKept {
    /// By a browser that does not hand it out, not even to its own pages.
    Browser,
    /// As bytes that a PIN encrypts (软件密钥).
    Software,
    /// In a file.
    File,
}

impl KeyKept {
    /// The word that stands in statements.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Software => "software",
            Self::File => "file",
        }
    }
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
