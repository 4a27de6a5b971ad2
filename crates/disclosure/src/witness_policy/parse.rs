//! From the lines of a policy file to the policy.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{
    Group, MAX_GROUPS, MAX_LOGS, MAX_POLICY_BYTES, MAX_WITNESSES, Member, PolicyLog, PolicyName,
    PolicyWitness, Quorum, WitnessPolicy,
};
use crate::canonical::decimal;
use crate::note::{SignatureType, VerifierKey, VerifierKeyError};

/// The quorum that needs nobody.
pub(super) const NONE: &str = "none";

/// Why a policy file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Over [`MAX_POLICY_BYTES`].
    #[error("a policy of {0} bytes is over {MAX_POLICY_BYTES}")]
    TooLong(usize),
    /// No quorum line.
    #[error("a policy has a line 'quorum <name>', or 'quorum none' where no witness is needed")]
    NoQuorum,
    /// A line is refused.
    #[error("line {line}: {problem}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
}

/// Why a line of a policy file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineProblem {
    /// A control character other than tab and newline.
    #[error(
        "control character {0:#04x}: lines end in a newline alone, words are divided by spaces or tabs"
    )]
    ControlCharacter(u8),
    /// Another first word.
    #[error("{0:?} is not known: use log, witness, group or quorum")]
    Keyword(String),
    /// Too few or too many words.
    #[error("write '{0}'")]
    Words(&'static str),
    /// Not a verifier key.
    #[error(transparent)]
    Key(#[from] VerifierKeyError),
    /// A key that checks something else.
    #[error("a {what}'s key has signature type {:#04x}, not {:#04x}", .expected.byte(), .found.byte())]
    KeyType {
        /// Log or witness.
        what: &'static str,
        /// The type that is needed.
        expected: SignatureType,
        /// The key's.
        found: SignatureType,
    },
    /// The same public key twice.
    #[error("the key of {0} stands in an earlier line too, under whatever name")]
    DuplicateKey(VerifierKey),
    /// A key or URL that is not UTF-8.
    #[error("keys and URLs are UTF-8")]
    NotUtf8,
    /// A name that is taken.
    #[error("the name {0} is taken: each witness and group has one of its own, and none is 'none'")]
    NameTaken(PolicyName),
    /// A name that no line before defines.
    #[error("{0} is no witness or group of a line before this one")]
    UnknownName(PolicyName),
    /// A second membership.
    #[error("{0} is a member already: each name counts once")]
    MemberTwice(PolicyName),
    /// A threshold that nobody can meet, or everybody.
    #[error("{found:?} is not 'all', 'any' or a number from 1 to {members}")]
    Threshold {
        /// As written.
        found: String,
        /// Members of the group.
        members: usize,
    },
    /// A second quorum.
    #[error("there is a quorum already: a policy has one")]
    SecondQuorum,
    /// A bound.
    #[error("a policy has at most {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
}

pub(super) fn parse(bytes: &[u8]) -> Result<WitnessPolicy, PolicyError> {
    if bytes.len() > MAX_POLICY_BYTES {
        return Err(PolicyError::TooLong(bytes.len()));
    }
    let mut reading = Reading::default();
    for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let read = reading.line(line);
        read.map_err(|problem| PolicyError::Line { line: number + 1, problem })?;
    }
    let Reading { logs, witnesses, groups, quorum, .. } = reading;
    let quorum = quorum.ok_or(PolicyError::NoQuorum)?;
    Ok(WitnessPolicy { logs, witnesses, groups, quorum })
}

/// What the lines so far defined.
#[derive(Default)]
struct Reading {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Quorum>,
    names: BTreeMap<PolicyName, Member>,
    members: BTreeSet<Member>,
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), LineProblem> {
        if let Some(byte) = line.iter().find(|byte| byte.is_ascii_control() && **byte != b'\t') {
            return Err(LineProblem::ControlCharacter(*byte));
        }
        let divider = |byte: &u8| matches!(*byte, b' ' | b'\t');
        let words: Vec<&[u8]> = line.split(divider).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.quorum(rest),
            [other, ..] => Err(LineProblem::Keyword(shown(other))),
        }
    }

    fn log(&mut self, words: &[&[u8]]) -> Result<(), LineProblem> {
        let (key, url) = match words {
            [key] => (key, None),
            [key, url] => (key, Some(utf8(url)?)),
            _ => return Err(LineProblem::Words("log <verifier key> [<url>]")),
        };
        let key = read_key("log", key, SignatureType::Ed25519)?;
        if self.logs.iter().any(|known| known.key.key() == key.key()) {
            return Err(LineProblem::DuplicateKey(key));
        }
        bounded("logs", self.logs.len(), MAX_LOGS)?;
        self.logs.push(PolicyLog { key, url });
        Ok(())
    }

    fn witness(&mut self, words: &[&[u8]]) -> Result<(), LineProblem> {
        let (name, key, url) = match words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(utf8(url)?)),
            _ => return Err(LineProblem::Words("witness <name> <verifier key> [<url>]")),
        };
        let key = read_key("witness", key, SignatureType::CosignatureV1)?;
        if self.witnesses.iter().any(|known| known.key.key() == key.key()) {
            return Err(LineProblem::DuplicateKey(key));
        }
        bounded("witnesses", self.witnesses.len(), MAX_WITNESSES)?;
        let name = self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness { name, key, url });
        Ok(())
    }

    fn group(&mut self, words: &[&[u8]]) -> Result<(), LineProblem> {
        let [name, least, names @ ..] = words else {
            return Err(LineProblem::Words("group <name> all|any|<k> <member> …"));
        };
        if names.is_empty() {
            return Err(LineProblem::Words("group <name> all|any|<k> <member> …"));
        }
        let least = threshold(least, names.len())?;
        bounded("groups", self.groups.len(), MAX_GROUPS)?;
        let mut members = Vec::new();
        for name in names {
            let member = self.known(name)?;
            if !self.members.insert(member) {
                return Err(LineProblem::MemberTwice(PolicyName(name.to_vec())));
            }
            members.push(member);
        }
        let name = self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name, least, members });
        Ok(())
    }

    fn quorum(&mut self, words: &[&[u8]]) -> Result<(), LineProblem> {
        let [name] = words else {
            return Err(LineProblem::Words("quorum <name>|none"));
        };
        if self.quorum.is_some() {
            return Err(LineProblem::SecondQuorum);
        }
        self.quorum = Some(if *name == NONE.as_bytes() {
            Quorum::None
        } else {
            Quorum::Of(self.known(name)?)
        });
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<PolicyName, LineProblem> {
        let name = PolicyName(name.to_vec());
        if name.0 == NONE.as_bytes() || self.names.contains_key(&name) {
            return Err(LineProblem::NameTaken(name));
        }
        self.names.insert(name.clone(), member);
        Ok(name)
    }

    fn known(&self, name: &[u8]) -> Result<Member, LineProblem> {
        let name = PolicyName(name.to_vec());
        self.names.get(&name).copied().ok_or(LineProblem::UnknownName(name))
    }
}

fn read_key(
    what: &'static str,
    word: &[u8],
    expected: SignatureType,
) -> Result<VerifierKey, LineProblem> {
    let key = VerifierKey::parse(&utf8(word)?)?;
    match key.signature_type() {
        found if found == expected => Ok(key),
        found => Err(LineProblem::KeyType { what, expected, found }),
    }
}

fn threshold(word: &[u8], members: usize) -> Result<usize, LineProblem> {
    let written = || decimal(core::str::from_utf8(word).ok()?)?.try_into().ok();
    let least = match word {
        b"all" => Some(members),
        b"any" => Some(1),
        _ => written().filter(|least| (1..=members).contains(least)),
    };
    least.ok_or_else(|| LineProblem::Threshold { found: shown(word), members })
}

fn bounded(what: &'static str, there: usize, most: usize) -> Result<(), LineProblem> {
    if there < most { Ok(()) } else { Err(LineProblem::TooMany { what, most }) }
}

fn utf8(word: &[u8]) -> Result<String, LineProblem> {
    String::from_utf8(word.to_vec()).map_err(|_| LineProblem::NotUtf8)
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(64).collect()
}
