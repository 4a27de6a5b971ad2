//! `watering` and `correction`: a finished turn with its measured volume, shares and evidence.

use std::collections::BTreeSet;

use domain::measurement::Doubt;
use domain::round::{Member, Turn};
use domain::share::{Share, ShareMethod};
use domain::{GroupId, Litres, MeterCode, OutletId, RoundId, Timestamp, TurnId, VillageId};
use serde::{Deserialize, Serialize};

use super::{Head, Origin};
use crate::attachment::AttachmentRef;
use crate::merkle::Hash;

/// Media type of evidence: signed reports, one behind the other (a CBOR sequence, RFC 8742); entries by hand
/// stand in it as byte strings, each one envelope.
pub const EVIDENCE_MEDIA_TYPE: &str = "application/cbor-seq";
/// The most pieces of evidence of one watering.
pub const MAX_EVIDENCE_PIECES: usize = 16;

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
    /// Who vouches for the readings that it rests on: the weakest origin among its evidence.
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
    /// What it rests on: a piece for each meter that stood there, and for each origin.
    pub evidence: Vec<Evidence>,
}

/// What one meter said, by itself or through somebody: the pieces of a watering's evidence are one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The meter.
    pub meter: MeterCode,
    /// Who vouches for these readings.
    pub origin: Origin,
    /// Sequence number of the first report, or of the first entry by hand.
    pub first_report: u64,
    /// Sequence number of the last one; none in between is left out.
    pub last_report: u64,
    /// RFC 6962 root over the reports' exact bytes, in sequence.
    pub root: Hash,
    /// The reports, in an attachment.
    pub reports: AttachmentRef,
}

impl WateringFacts {
    /// The turn that it is of, its households named with what they brought to the division.
    pub fn turn(&self) -> Turn {
        Turn {
            id: self.turn.clone(),
            round: self.round.clone(),
            outlet: self.outlet.clone(),
            village: self.village.clone(),
            group: self.group.clone(),
            method: self.method,
            members: self.shares.iter().map(Member::from).collect(),
            opened_at: self.start,
        }
    }

    /// The meters that it rests on, each as often as it has pieces of evidence.
    pub fn meters(&self) -> impl Iterator<Item = &MeterCode> {
        self.evidence.iter().map(|piece| &piece.meter)
    }
}
