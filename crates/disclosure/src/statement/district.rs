//! `district`: the genesis of a log, and later changes of its policy.

use domain::PersonId;
use serde::{Deserialize, Serialize};

use super::{Head, Policy};
use crate::key::PublicKey;

/// The district's name, its log, its root keys and its signing policy; entry 0 of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// What every statement begins with.
    pub head: Head,
    /// The district's name as people say it.
    pub name: String,
    /// The log's verifier key (signed-note text form); its name is the checkpoints' origin.
    pub log_key: String,
    /// Who holds the root keys. A later district statement must name the same.
    pub roots: Vec<Root>,
    /// Who must sign what.
    pub policy: Policy,
}

/// A holder of a root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Who.
    pub person: PersonId,
    /// Their key.
    pub key: PublicKey,
}
