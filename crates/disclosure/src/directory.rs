//! The key directory: who may sign with which key, as the public log says so far.

use std::collections::BTreeMap;

use domain::VillageId;
use thiserror::Error;

use crate::key::{Fingerprint, PublicKey};
use crate::statement::{Act, Enrolment, ExpectedSigner, Need, Role};

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
    /// A cadre without a village, or the station or a household with one.
    #[error(
        "a cadre is enrolled for one village, a supervisor for one or for all, and nobody else for any"
    )]
    VillageAndRole,
    /// A household's key without its household.
    #[error("a household's key is enrolled with the household that it speaks for")]
    HouseholdAndRole,
    /// Root keys and the log's are fixed by the genesis.
    #[error(
        "a {} key cannot be enrolled, replaced or revoked by a key statement: the genesis names it", .0.code()
    )]
    ByGenesis(Role),
    /// A key that should replace one of somebody else.
    #[error("key {0} is not in force as a key of the same person: there is nothing to replace")]
    NothingToReplace(Fingerprint),
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

    /// The role whose keys an act is about; none when it names a key that is not enrolled.
    pub fn role_of(&self, act: &Act) -> Option<Role> {
        match act {
            Act::Enrol(enrolment) => Some(enrolment.role),
            Act::Rotate { old: key, .. } | Act::Revoke { key, .. } => {
                self.get(key).map(|enrolled| enrolled.enrolment.role)
            }
        }
    }

    /// Checks that an act could be applied.
    pub fn check(&self, act: &Act) -> Result<(), DirectoryError> {
        match act {
            Act::Enrol(enrolment) => self.check_enrolment(enrolment),
            Act::Rotate { old, new, .. } => {
                self.in_force(old)?;
                self.unused(new)
            }
            Act::Revoke { key, .. } => self.in_force(key).map(|_| ()),
        }
    }

    fn check_enrolment(&self, enrolment: &Enrolment) -> Result<(), DirectoryError> {
        self.check_place(enrolment)?;
        self.unused(&enrolment.key)
    }

    /// Checks an enrolment but for its key.
    pub fn check_place(&self, enrolment: &Enrolment) -> Result<(), DirectoryError> {
        let Enrolment { role, village, household, .. } = enrolment;
        match role {
            Role::Root | Role::Log => return Err(DirectoryError::ByGenesis(*role)),
            Role::Cadre if village.is_none() => return Err(DirectoryError::VillageAndRole),
            Role::Station | Role::Household if village.is_some() => {
                return Err(DirectoryError::VillageAndRole);
            }
            Role::Household if household.is_none() => return Err(DirectoryError::HouseholdAndRole),
            _ => {}
        }
        if let Some(old) = &enrolment.replaces {
            let same = self.in_force(old)?.person == enrolment.person;
            if !same {
                return Err(DirectoryError::NothingToReplace(*old));
            }
        }
        Ok(())
    }

    fn unused(&self, key: &PublicKey) -> Result<(), DirectoryError> {
        let key = key.fingerprint();
        self.get(&key).map_or(Ok(()), |_| Err(DirectoryError::KeyUsedBefore(key)))
    }

    /// The enrolment of a key that a key statement may end.
    fn in_force(&self, key: &Fingerprint) -> Result<&Enrolment, DirectoryError> {
        let enrolled = self.get(key).ok_or(DirectoryError::NotEnrolled(*key))?;
        match (enrolled.enrolment.role, enrolled.revoked_at) {
            (role @ (Role::Root | Role::Log), _) => Err(DirectoryError::ByGenesis(role)),
            (_, Some(at)) => Err(DirectoryError::RevokedBefore { key: *key, at }),
            (_, None) => Ok(&enrolled.enrolment),
        }
    }

    /// Applies an act posted at `index`; it must have been checked.
    pub fn apply(&mut self, index: u64, act: &Act) {
        match act {
            Act::Enrol(enrolment) => {
                if let Some(old) = &enrolment.replaces {
                    self.revoke(index, old);
                }
                self.enrol(index, enrolment.clone());
            }
            Act::Rotate { old, new, kept } => {
                if let Some(before) = self.get(old).map(|enrolled| enrolled.enrolment.clone()) {
                    self.revoke(index, old);
                    let replaces = Some(*old);
                    self.enrol(index, Enrolment { key: *new, kept: *kept, replaces, ..before });
                }
            }
            Act::Revoke { key, .. } => self.revoke(index, key),
        }
    }

    fn revoke(&mut self, index: u64, key: &Fingerprint) {
        if let Some(enrolled) = self.0.get_mut(key) {
            enrolled.revoked_at = Some(index);
        }
    }

    /// Enters a key at `index`.
    pub fn enrol(&mut self, index: u64, enrolment: Enrolment) {
        let enrolled = Enrolled { enrolment, enrolled_at: index, revoked_at: None };
        self.0.insert(enrolled.enrolment.key.fingerprint(), enrolled);
    }

    /// Everybody who can give one of these signatures now, in the order of roles: of `village` only, where they have
    /// one, and only who passes `unless_recused`.
    pub fn signers(
        &self,
        needs: &[Need],
        village: Option<&VillageId>,
        unless_recused: impl Fn(&Enrolment) -> bool,
    ) -> Vec<ExpectedSigner> {
        let needed = |role| needs.iter().any(|need| need.role == role);
        let mut signers: Vec<ExpectedSigner> = self
            .iter()
            .filter(|(_, enrolled)| enrolled.revoked_at.is_none())
            .filter(|(_, enrolled)| needed(enrolled.enrolment.role))
            .filter(|(_, enrolled)| {
                let own = enrolled.enrolment.village.as_ref();
                own.is_none() || village.is_none() || own == village
            })
            .filter(|(_, enrolled)| unless_recused(&enrolled.enrolment))
            .map(|(key, enrolled)| ExpectedSigner { role: enrolled.enrolment.role, key: *key })
            .collect();
        signers.sort();
        signers
    }
}
