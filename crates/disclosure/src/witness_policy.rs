//! Whose cosignatures a checkpoint needs (C2SP tlog-policy).
//!
//! ```text
//! # comment
//! log <verifier key> [<url>]
//! witness <name> <verifier key> [<url>]
//! group <name> all|any|<k> <member> …
//! quorum <name>|none
//! ```
//!
//! One statement a line; words are divided by spaces and tabs. A name is defined before it is
//! used, is a member at most once, and stands for nothing outside the file. There is exactly one
//! quorum. Octets above 0x7f are allowed in names and comments and mean nothing.

use core::fmt;
use core::fmt::Write as _;

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError, CosignedCheckpoint};
use crate::note::VerifierKey;

mod parse;

pub use parse::{LineProblem, PolicyError};

/// Longest policy file.
pub const MAX_POLICY_BYTES: usize = 65_536;
/// Most logs of a policy.
pub const MAX_LOGS: usize = 32;
/// Most witnesses of a policy: their signatures and the log's fit a note.
pub const MAX_WITNESSES: usize = 32;
/// Most groups of a policy.
pub const MAX_GROUPS: usize = 32;

/// A name of a witness or a group: octets without white space.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName(Vec<u8>);

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyName({self})")
    }
}

/// A log whose checkpoints the policy is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its verifier key; its name is the log's origin.
    pub key: VerifierKey,
    /// Where it is.
    pub url: Option<String>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it.
    pub name: PolicyName,
    /// Its verifier key.
    pub key: VerifierKey,
    /// Its prefix, to which `/add-checkpoint` is appended.
    pub url: Option<String>,
}

/// A witness or group, by its place in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Witness(usize),
    /// A group; all its members stand before it.
    Group(usize),
}

/// What a checkpoint needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    /// No cosignature.
    None,
    /// That this witness or group has witnessed it.
    Of(Member),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: PolicyName,
    /// How many members must have witnessed: from 1 to all.
    least: usize,
    members: Vec<Member>,
}

/// Logs, witnesses, and which of the witnesses suffice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Quorum,
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyProblem {
    /// The log's key is not among the policy's.
    #[error("the policy is not about the log {0}: add its key to the policy")]
    OtherLog(VerifierKey),
    /// Too few witnesses.
    #[error(
        "the checkpoint of {size} entries is cosigned by {} and the policy needs {quorum}: wait for its witnesses", list(.cosigned)
    )]
    NoQuorum {
        /// Entries of the checkpoint.
        size: u64,
        /// The witnesses that cosigned.
        cosigned: Vec<PolicyName>,
        /// What is needed, in words.
        quorum: String,
    },
    /// Not a checkpoint of the log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

fn list(names: &[PolicyName]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    if names.is_empty() { "no witness".to_owned() } else { names.join(", ") }
}

impl WitnessPolicy {
    /// Reads a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::parse(bytes)
    }

    /// The logs that it is about; where there are none, the log is known from elsewhere.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// Its witnesses, in the file's order.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The policy of a log that needs no witness.
    pub const fn without_witnesses() -> Self {
        Self { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: Quorum::None }
    }

    /// The same policy for whoever reads the log with this key: about this log alone, and without
    /// addresses, by which only the server asks.
    #[must_use]
    pub fn for_readers(&self, log: &VerifierKey) -> Self {
        let mut policy = self.clone();
        policy.logs = vec![PolicyLog { key: log.clone(), url: None }];
        policy.witnesses.iter_mut().for_each(|witness| witness.url = None);
        policy
    }

    /// The witnesses' verifier keys.
    pub fn witness_keys(&self) -> Vec<VerifierKey> {
        self.witnesses.iter().map(|witness| witness.key.clone()).collect()
    }

    /// Whether cosignatures of the witnesses with these keys suffice.
    pub fn is_met(&self, cosigned: &[VerifierKey]) -> bool {
        match self.quorum {
            Quorum::None => true,
            Quorum::Of(member) => self.has_witnessed(member, cosigned),
        }
    }

    /// Checks that the log with this key signed the checkpoint and that enough witnesses cosigned
    /// it. A policy that names logs must name this one.
    pub fn check(
        &self,
        checkpoint: &[u8],
        log: &VerifierKey,
    ) -> Result<CosignedCheckpoint, PolicyProblem> {
        self.check_log(log)?;
        let opened = Checkpoint::open_cosigned(checkpoint, log, &self.witness_keys())?;
        self.check_quorum(&opened)?;
        Ok(opened)
    }

    /// Checks that the policy is about this log.
    pub fn check_log(&self, log: &VerifierKey) -> Result<(), PolicyProblem> {
        if self.logs.is_empty() || self.logs.iter().any(|known| known.key == *log) {
            Ok(())
        } else {
            Err(PolicyProblem::OtherLog(log.clone()))
        }
    }

    /// Checks that enough witnesses cosigned.
    pub fn check_quorum(&self, opened: &CosignedCheckpoint) -> Result<(), PolicyProblem> {
        let keys: Vec<VerifierKey> =
            opened.cosignatures.iter().map(|signature| signature.key.clone()).collect();
        if self.is_met(&keys) {
            return Ok(());
        }
        let cosigned = self.witnesses.iter().filter(|witness| keys.contains(&witness.key));
        Err(PolicyProblem::NoQuorum {
            size: opened.checkpoint.size,
            cosigned: cosigned.map(|witness| witness.name.clone()).collect(),
            quorum: match self.quorum {
                Quorum::None => parse::NONE.to_owned(),
                Quorum::Of(member) => self.words(member),
            },
        })
    }

    /// The policy file, in its plainest spelling.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut lines = Vec::<Vec<u8>>::new();
        for PolicyLog { key, url } in &self.logs {
            lines.push(format!("log {key}{}", url_text(url.as_deref())).into());
        }
        for PolicyWitness { name, key, url } in &self.witnesses {
            let rest = format!(" {key}{}", url_text(url.as_deref()));
            lines.push([b"witness ", name.0.as_slice(), rest.as_bytes()].concat());
        }
        for Group { name, least, members } in &self.groups {
            let mut line = [b"group ", name.0.as_slice(), format!(" {least}").as_bytes()].concat();
            for member in members {
                line.push(b' ');
                line.extend_from_slice(&self.name(*member).0);
            }
            lines.push(line);
        }
        let quorum = match self.quorum {
            Quorum::None => parse::NONE.as_bytes(),
            Quorum::Of(member) => self.name(member).0.as_slice(),
        };
        lines.push([b"quorum ", quorum].concat());
        lines.into_iter().flat_map(|line| [line, vec![b'\n']].concat()).collect()
    }

    fn name(&self, member: Member) -> &PolicyName {
        match member {
            Member::Witness(place) => &self.witnesses[place].name,
            Member::Group(place) => &self.groups[place].name,
        }
    }

    fn has_witnessed(&self, member: Member, cosigned: &[VerifierKey]) -> bool {
        match member {
            Member::Witness(place) => cosigned.contains(&self.witnesses[place].key),
            Member::Group(place) => {
                let group = &self.groups[place];
                let witnessed = |member: &&Member| self.has_witnessed(**member, cosigned);
                group.members.iter().filter(witnessed).count() >= group.least
            }
        }
    }

    /// `w1`, or `2 of g (w1, w2, w3)`.
    fn words(&self, member: Member) -> String {
        let Member::Group(place) = member else {
            return self.name(member).to_string();
        };
        let Group { name, least, members } = &self.groups[place];
        let mut words = format!("{least} of {name} (");
        for (place, member) in members.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            // Writing to a String never fails.
            let _ = write!(words, "{comma}{}", self.words(*member));
        }
        words + ")"
    }
}

fn url_text(url: Option<&str>) -> String {
    url.map(|url| format!(" {url}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
