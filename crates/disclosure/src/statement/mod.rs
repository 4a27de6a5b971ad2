//! Statements (确认单): the JSON bodies that people sign, one kind a file.
//!
//! Nothing is canonicalised: the bytes that were signed are the bytes that are kept and posted.
//! Reading is strict: an unknown, missing or duplicate field, a float where an integer belongs and
//! anything behind the end are refused. What a statement says is checked against the public record
//! in [`crate::record`]; who may sign it is checked in [`crate::policy`].

mod balance;
mod bill_run;
mod district;
mod key_act;
mod overdue;
mod registry;
mod roster;
mod rule;
mod tariff;
mod watering;

use domain::{DistrictId, HouseholdNo, OutletId, RoundId, Timestamp, VillageId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::attachment::AttachmentRef;
use crate::key::Fingerprint;

pub use balance::{
    BALANCE_MEDIA_TYPE, Balance, BalanceError, DAY_MILLIS, LastReport, MAX_BALANCED_OUTLETS,
    OutletBalance, balances_from_lines, balances_to_lines,
};
pub use bill_run::{BILLS_MEDIA_TYPE, BillRun, bills_to_lines};
pub use district::{District, Root};
pub use key_act::{Act, Enrolment, KeyAct, KeyKept, MAX_REASON_CHARS, RevocationReason};
pub use overdue::{Overdue, Subject, Waiting};
pub use registry::{MAX_METER_KEYS, MeterKey, MeterKeyError, Origin, Registry, RegistryMeter};
pub use roster::{
    MAX_HOUSEHOLD_AREA, MAX_PLOTS, MAX_ROSTER_HOUSEHOLDS, MAX_WATER_RIGHT, ROSTER_MEDIA_TYPE,
    Roster, RosterEntry, RosterError,
};
pub use rule::{MAX_DEADLINE_HOURS, Need, Policy, PolicyError, Rule};
pub use tariff::TariffNotice;
pub use watering::{
    Correction, EVIDENCE_MEDIA_TYPE, Evidence, MAX_EVIDENCE_PIECES, Watering, WateringFacts,
};

/// The most signers that one statement names.
pub const MAX_SIGNERS: usize = 64;

/// What somebody may sign as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Holds a root key of the district: enrols people, changes the policy.
    Root,
    /// An operator of the water station (水管所).
    Station,
    /// A cadre of one village (村社干部).
    Cadre,
    /// Watches over station and cadres, and approves their people's keys (监督员).
    Supervisor,
    /// Speaks for one household (农户).
    Household,
    /// The log itself, with the key that signs its checkpoints; only for what nobody else has to say.
    Log,
}

impl Role {
    /// The word that stands in statements and addresses.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Station => "station",
            Self::Cadre => "cadre",
            Self::Supervisor => "supervisor",
            Self::Household => "household",
            Self::Log => "log",
        }
    }

    /// Every role, in the order in which signatures stand.
    pub const ALL: [Self; 6] =
        [Self::Root, Self::Station, Self::Cadre, Self::Supervisor, Self::Household, Self::Log];

    /// Reads [`Role::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}

/// What every statement begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The district whose log it is for.
    pub district: DistrictId,
    /// When it was drawn up, as its author's clock claims; nothing is judged by it.
    pub drafted_at: Timestamp,
    /// Who may sign it; a signature by anybody else does not count.
    pub signers: Vec<ExpectedSigner>,
}

/// Somebody who is expected to sign.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedSigner {
    /// The role in which they sign.
    pub role: Role,
    /// Their key.
    pub key: Fingerprint,
}

/// The kinds of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The district's genesis, or a change of its policy.
    District,
    /// A key is enrolled or revoked.
    Key,
    /// Villages, outlets and meters.
    Registry,
    /// A village's households with their plots.
    Roster,
    /// A version of the water price.
    Tariff,
    /// A finished turn with its measured volume.
    Watering,
    /// A watering that supersedes an earlier posting.
    Correction,
    /// The bills of a village and round.
    BillRun,
    /// A statement that was not signed in time.
    Overdue,
    /// Where every outlet's meters stood at the end of a day.
    Balance,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::District,
        Self::Key,
        Self::Registry,
        Self::Roster,
        Self::Tariff,
        Self::Watering,
        Self::Correction,
        Self::BillRun,
        Self::Overdue,
        Self::Balance,
    ];

    /// The word that stands in payload types, the database and addresses.
    pub const fn code(self) -> &'static str {
        match self {
            Self::District => "district",
            Self::Key => "key",
            Self::Registry => "registry",
            Self::Roster => "roster",
            Self::Tariff => "tariff",
            Self::Watering => "watering",
            Self::Correction => "correction",
            Self::BillRun => "bill-run",
            Self::Overdue => "overdue",
            Self::Balance => "balance",
        }
    }

    /// Reads [`Kind::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The DSSE payload type: `application/vnd.mingqu.<kind>.v1+json`.
    pub fn payload_type(self) -> String {
        format!("application/vnd.mingqu.{}.v1+json", self.code())
    }

    /// Reads [`Kind::payload_type`].
    pub fn from_payload_type(payload_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.payload_type() == payload_type)
    }
}

/// A statement of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// See [`District`].
    District(District),
    /// See [`KeyAct`].
    Key(KeyAct),
    /// See [`Registry`].
    Registry(Registry),
    /// See [`Roster`].
    Roster(Roster),
    /// See [`TariffNotice`].
    Tariff(TariffNotice),
    /// See [`Watering`].
    Watering(Watering),
    /// See [`Correction`].
    Correction(Correction),
    /// See [`BillRun`].
    BillRun(BillRun),
    /// See [`Overdue`].
    Overdue(Overdue),
    /// See [`Balance`].
    Balance(Balance),
}

/// Why bytes are not a statement.
#[derive(Debug, Error)]
pub enum StatementError {
    /// A payload type that no kind has.
    #[error("payload type {0:?} is not known: use application/vnd.mingqu.<kind>.v1+json")]
    UnknownType(String),
    /// Not the JSON of that kind.
    #[error("the {kind} statement cannot be read: {source}", kind = kind.code())]
    Malformed {
        /// The kind that the payload type names.
        kind: Kind,
        /// What the reader says, with line and column.
        source: serde_json::Error,
    },
    /// More signers than a statement may name.
    #[error("the statement names {0} signers: at most {MAX_SIGNERS} are allowed")]
    TooManySigners(usize),
}

impl Statement {
    /// Reads a payload strictly.
    pub fn parse(payload_type: &str, payload: &[u8]) -> Result<Self, StatementError> {
        fn read<T: for<'de> Deserialize<'de>>(
            kind: Kind,
            payload: &[u8],
        ) -> Result<T, StatementError> {
            serde_json::from_slice(payload)
                .map_err(|source| StatementError::Malformed { kind, source })
        }
        let kind = Kind::from_payload_type(payload_type)
            .ok_or_else(|| StatementError::UnknownType(payload_type.chars().take(100).collect()))?;
        let statement = match kind {
            Kind::District => Self::District(read(kind, payload)?),
            Kind::Key => Self::Key(read(kind, payload)?),
            Kind::Registry => Self::Registry(read(kind, payload)?),
            Kind::Roster => Self::Roster(read(kind, payload)?),
            Kind::Tariff => Self::Tariff(read(kind, payload)?),
            Kind::Watering => Self::Watering(read(kind, payload)?),
            Kind::Correction => Self::Correction(read(kind, payload)?),
            Kind::BillRun => Self::BillRun(read(kind, payload)?),
            Kind::Overdue => Self::Overdue(read(kind, payload)?),
            Kind::Balance => Self::Balance(read(kind, payload)?),
        };
        match statement.head().signers.len() {
            0..=MAX_SIGNERS => Ok(statement),
            many => Err(StatementError::TooManySigners(many)),
        }
    }

    /// The bytes to sign, for a statement that is being drawn up; bytes already signed are kept, never made again.
    pub fn to_payload(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::District(body) => serde_json::to_vec(body),
            Self::Key(body) => serde_json::to_vec(body),
            Self::Registry(body) => serde_json::to_vec(body),
            Self::Roster(body) => serde_json::to_vec(body),
            Self::Tariff(body) => serde_json::to_vec(body),
            Self::Watering(body) => serde_json::to_vec(body),
            Self::Correction(body) => serde_json::to_vec(body),
            Self::BillRun(body) => serde_json::to_vec(body),
            Self::Overdue(body) => serde_json::to_vec(body),
            Self::Balance(body) => serde_json::to_vec(body),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::District(_) => Kind::District,
            Self::Key(_) => Kind::Key,
            Self::Registry(_) => Kind::Registry,
            Self::Roster(_) => Kind::Roster,
            Self::Tariff(_) => Kind::Tariff,
            Self::Watering(_) => Kind::Watering,
            Self::Correction(_) => Kind::Correction,
            Self::BillRun(_) => Kind::BillRun,
            Self::Overdue(_) => Kind::Overdue,
            Self::Balance(_) => Kind::Balance,
        }
    }

    /// What it begins with.
    pub const fn head(&self) -> &Head {
        match self {
            Self::District(body) => &body.head,
            Self::Key(body) => &body.head,
            Self::Registry(body) => &body.head,
            Self::Roster(body) => &body.head,
            Self::Tariff(body) => &body.head,
            Self::Watering(body) => &body.head,
            Self::Correction(body) => &body.head,
            Self::BillRun(body) => &body.head,
            Self::Overdue(body) => &body.head,
            Self::Balance(body) => &body.head,
        }
    }

    /// What a watering or correction says was measured, or an overdue one.
    pub const fn watering_facts(&self) -> Option<&WateringFacts> {
        match self {
            Self::Watering(body) => Some(&body.watering),
            Self::Correction(body) => Some(&body.watering),
            Self::Overdue(body) => body.waiting.watering_facts(),
            _ => None,
        }
    }

    /// The billing run that it states, or that is overdue.
    const fn bill_run(&self) -> Option<&BillRun> {
        match self {
            Self::BillRun(body)
            | Self::Overdue(Overdue { waiting: Waiting::BillRun(body), .. }) => Some(body),
            _ => None,
        }
    }

    /// The village it concerns: a cadre of another village cannot sign it.
    pub fn village(&self) -> Option<&VillageId> {
        match self {
            Self::Roster(body) => Some(&body.village),
            Self::Key(KeyAct { act: Act::Enrol(enrolment), .. }) => enrolment.village.as_ref(),
            _ => {
                let run = self.bill_run().map(|run| &run.village);
                run.or_else(|| self.watering_facts().map(|facts| &facts.village))
            }
        }
    }

    /// The round it belongs to.
    pub fn round(&self) -> Option<&RoundId> {
        let run = self.bill_run().and_then(|run| run.round.as_ref());
        run.or_else(|| self.watering_facts().map(|facts| &facts.round))
    }

    /// The outlet it measures.
    pub fn outlet(&self) -> Option<&OutletId> {
        self.watering_facts().map(|facts| &facts.outlet)
    }

    /// Households with a share in it: their own members are recused (回避) from signing.
    pub fn sharing_households(&self) -> impl Iterator<Item = &HouseholdNo> {
        self.watering_facts().into_iter().flat_map(|facts| &facts.shares).map(|s| &s.household)
    }

    /// The attachments it names.
    pub fn attachments(&self) -> Vec<&AttachmentRef> {
        match self {
            Self::Roster(body) => vec![&body.entries],
            Self::Balance(body) => vec![&body.entries],
            _ => {
                let evidence = self.watering_facts().into_iter().flat_map(|facts| &facts.evidence);
                let run = self.bill_run().map(|run| &run.bills);
                run.into_iter().chain(evidence.map(|piece| &piece.reports)).collect()
            }
        }
    }
}

/// One compact JSON object a line.
fn to_lines<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
