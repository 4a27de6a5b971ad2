//! `watering` and `correction`: a finished turn with its measured volume, shares and evidence.

use std::collections::BTreeSet;

use domain::measurement::Doubt;
use domain::share::{Share, ShareMethod};
use domain::{GroupId, Litres, MeterCode, OutletId, RoundId, Timestamp, TurnId, VillageId};
use serde::{Deserialize, Serialize};

use super::Head;
use crate::attachment::AttachmentRef;
use crate::merkle::Hash;

/// Media type of evidence: the meter's signed reports, one behind the other (a CBOR sequence, RFC 8742).
pub const EVIDENCE_MEDIA_TYPE: &str = "application/cbor-seq";

/// One finished turn (灌水).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watering {
    /// What every statement begins with.
    pub head: Head,
    /// What was measured.
    pub watering: WateringFacts,
}

/// A watering that supersedes an earlier posting (更正). The earlier one stays in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// What every statement begins with.
    pub head: Head,
    /// The posting index of the watering or correction that it supersedes.
    pub supersedes: u64,
    /// Why.
    pub reason: String,
    /// What holds instead.
    pub watering: WateringFacts,
}

/// What was measured, and how it is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WateringFacts {
    /// Where.
    pub outlet: OutletId,
    /// By which meter.
    pub meter: MeterCode,
    /// Whose reading it rests on.
    pub origin: Origin,
    /// For which village.
    pub village: VillageId,
    /// For which group.
    pub group: GroupId,
    /// In which round.
    pub round: RoundId,
    /// In which turn.
    pub turn: TurnId,
    /// t0.
    pub start: Timestamp,
    /// t1.
    pub end: Timestamp,
    /// V(t0).
    pub at_start_litres: Litres,
    /// V(t1).
    pub at_end_litres: Litres,
    /// V(t1) − V(t0).
    pub volume_litres: Litres,
    /// Why it is an estimate; empty when it is plainly measured.
    pub doubts: BTreeSet<Doubt>,
    /// How it is shared.
    pub method: ShareMethod,
    /// The shares, by household number; they add up to the volume.
    pub shares: Vec<Share>,
    /// What it rests on.
    pub evidence: Evidence,
}

/// Who vouches for the readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The meter signed them itself.
    MeterSigned,
}

/// The meter's own signed reports from the last one before t0 to the first one after t1, none left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Sequence number of the first report.
    pub first_report: u64,
    /// Sequence number of the last report.
    pub last_report: u64,
    /// RFC 6962 root over the reports' exact bytes, in sequence.
    pub root: Hash,
    /// The reports, in an attachment.
    pub reports: AttachmentRef,
}
