//! The key directory: who may sign with which key, as the public log says so far.

use std::collections::BTreeMap;

use domain::VillageId;
use thiserror::Error;

use crate::key::{Fingerprint, PublicKey};
use crate::statement::{Act, Enrolment, ExpectedSigner, Kind, Policy, Role};

/// A key that the log has enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Who may sign with it, and as what.
    pub enrolment: Enrolment,
    /// The posting index that enrolled it.
    pub enrolled_at: u64,
    /// The posting index that revoked it.
    pub revoked_at: Option<u64>,
}

/// All keys ever enrolled, by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory(BTreeMap<Fingerprint, Enrolled>);

/// Why a change of the directory is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DirectoryError {
    /// The key stands in the directory already, perhaps revoked.
    #[error("key {0} was enrolled before: make a new key")]
    KeyUsedBefore(Fingerprint),
    /// There is no such key to revoke.
    #[error("key {0} is not enrolled")]
    NotEnrolled(Fingerprint),
    /// It was revoked before.
    #[error("key {key} was revoked before, at posting {at}")]
    RevokedBefore {
        /// The key.
        key: Fingerprint,
        /// The posting that revoked it.
        at: u64,
    },
    /// A cadre without a village, or somebody else with one.
    #[error("a cadre is enrolled for one village, and nobody else for any")]
    VillageAndRole,
    /// Root keys are fixed by the genesis.
    #[error(
        "a root key cannot be enrolled or revoked by a key statement: the genesis names the root keys"
    )]
    RootKey,
}

impl Directory {
    /// The record of a key, revoked or not.
    pub fn get(&self, key: &Fingerprint) -> Option<&Enrolled> {
        self.0.get(key)
    }

    /// All keys with their fingerprints.
    pub fn iter(&self) -> impl Iterator<Item = (&Fingerprint, &Enrolled)> {
        self.0.iter()
    }

    /// The record of a key that may sign now.
    pub fn active(&self, key: &PublicKey) -> Option<&Enrolled> {
        self.get(&key.fingerprint()).filter(|enrolled| enrolled.revoked_at.is_none())
    }

    /// Checks that an act could be applied.
    pub fn check(&self, act: &Act) -> Result<(), DirectoryError> {
        match act {
            Act::Enrol(enrolment) => {
                if enrolment.role == Role::Root {
                    return Err(DirectoryError::RootKey);
                }
                if (enrolment.role == Role::Cadre) != enrolment.village.is_some() {
                    return Err(DirectoryError::VillageAndRole);
                }
                let key = enrolment.key.fingerprint();
                match self.get(&key) {
                    Some(_) => Err(DirectoryError::KeyUsedBefore(key)),
                    None => Ok(()),
                }
            }
            Act::Revoke { key, .. } => {
                let enrolled = self.get(key).ok_or(DirectoryError::NotEnrolled(*key))?;
                match enrolled.revoked_at {
                    _ if enrolled.enrolment.role == Role::Root => Err(DirectoryError::RootKey),
                    Some(at) => Err(DirectoryError::RevokedBefore { key: *key, at }),
                    None => Ok(()),
                }
            }
        }
    }

    /// Applies an act posted at `index`; it must have been checked.
    pub fn apply(&mut self, index: u64, act: &Act) {
        match act {
            Act::Enrol(enrolment) => self.enrol(index, enrolment.clone()),
            Act::Revoke { key, .. } => {
                if let Some(enrolled) = self.0.get_mut(key) {
                    enrolled.revoked_at = Some(index);
                }
            }
        }
    }

    /// Enters a key at `index`.
    pub fn enrol(&mut self, index: u64, enrolment: Enrolment) {
        let enrolled = Enrolled { enrolment, enrolled_at: index, revoked_at: None };
        self.0.insert(enrolled.enrolment.key.fingerprint(), enrolled);
    }

    /// Everybody who may sign `kind` now, station before cadre: cadres only of `village`, and only
    /// who passes `unless_recused`.
    pub fn signers(
        &self,
        policy: &Policy,
        kind: Kind,
        village: Option<&VillageId>,
        unless_recused: impl Fn(&Enrolment) -> bool,
    ) -> Vec<ExpectedSigner> {
        let needed = |role| policy.needs(kind).iter().any(|need| need.role == role);
        let mut signers: Vec<ExpectedSigner> = self
            .iter()
            .filter(|(_, enrolled)| enrolled.revoked_at.is_none())
            .filter(|(_, enrolled)| needed(enrolled.enrolment.role))
            .filter(|(_, enrolled)| {
                enrolled.enrolment.role != Role::Cadre
                    || village.is_none()
                    || enrolled.enrolment.village.as_ref() == village
            })
            .filter(|(_, enrolled)| unless_recused(&enrolled.enrolment))
            .map(|(key, enrolled)| ExpectedSigner { role: enrolled.enrolment.role, key: *key })
            .collect();
        signers.sort();
        signers
    }
}
