//! `overdue`: a statement that was not signed in time, posted by the log itself.

use domain::{Timestamp, TurnId};
use serde::{Deserialize, Serialize};

use super::{BillRun, Correction, ExpectedSigner, Head, Kind, Statement, Watering, WateringFacts};
use crate::dsse::{Envelope, EnvelopeSignature};

/// What still waits for signatures after their deadline (逾期): what it says, who signed it, and who was asked and did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overdue {
    /// What every statement begins with.
    pub head: Head,
    /// What waits, word for word.
    pub waiting: Waiting,
    /// The signatures that it has, over the compact JSON of what waits.
    pub signatures: Vec<EnvelopeSignature>,
    /// When the rest was due.
    pub due_at: Timestamp,
    /// Everybody who could give a signature that is missing.
    pub asked: Vec<ExpectedSigner>,
}

/// The statement that waits: of a kind that the server draws up, so that its bytes can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Waiting {
    /// See [`Watering`].
    Watering(Watering),
    /// See [`Correction`].
    Correction(Correction),
    /// See [`BillRun`].
    BillRun(BillRun),
}

/// What a deadline is about; however often it is drawn up anew, it is posted as overdue once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The watering of a turn.
    Turn(TurnId),
    /// The correction of a posting.
    CorrectionOf(u64),
    /// The bill run over a posting and others.
    RunOver(Option<u64>),
}

impl Waiting {
    /// The same as a statement.
    pub fn statement(&self) -> Statement {
        match self {
            Self::Watering(body) => Statement::Watering(body.clone()),
            Self::Correction(body) => Statement::Correction(body.clone()),
            Self::BillRun(body) => Statement::BillRun(body.clone()),
        }
    }

    /// A statement of a kind that has deadlines.
    pub fn of(statement: Statement) -> Option<Self> {
        match statement {
            Statement::Watering(body) => Some(Self::Watering(body)),
            Statement::Correction(body) => Some(Self::Correction(body)),
            Statement::BillRun(body) => Some(Self::BillRun(body)),
            _ => None,
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Watering(_) => Kind::Watering,
            Self::Correction(_) => Kind::Correction,
            Self::BillRun(_) => Kind::BillRun,
        }
    }

    /// What was measured.
    pub const fn watering_facts(&self) -> Option<&WateringFacts> {
        match self {
            Self::Watering(body) => Some(&body.watering),
            Self::Correction(body) => Some(&body.watering),
            Self::BillRun(_) => None,
        }
    }

    /// From when the deadline runs: a watering's from its end, which the meter tells; of anything else from when it was drawn up.
    pub fn since(&self) -> Timestamp {
        self.deadline().1
    }

    /// What the deadline is about.
    pub fn subject(&self) -> Subject {
        self.deadline().0
    }

    fn deadline(&self) -> (Subject, Timestamp) {
        match self {
            Self::Watering(body) => Subject::of_watering(body),
            Self::Correction(body) => Subject::of_correction(body),
            Self::BillRun(body) => Subject::of_run(body),
        }
    }

    /// The envelope that waits, with these signatures.
    pub fn envelope(
        &self,
        signatures: Vec<EnvelopeSignature>,
    ) -> Result<Envelope, serde_json::Error> {
        let payload = self.statement().to_payload()?;
        let payload_type = self.kind().payload_type();
        Ok(Envelope { payload, payload_type, signatures })
    }
}

impl Subject {
    /// What a statement's deadline is about and from when it runs; none for a kind that has no deadlines.
    pub fn of(statement: &Statement) -> Option<(Self, Timestamp)> {
        match statement {
            Statement::Watering(body) => Some(Self::of_watering(body)),
            Statement::Correction(body) => Some(Self::of_correction(body)),
            Statement::BillRun(body) => Some(Self::of_run(body)),
            _ => None,
        }
    }

    fn of_watering(body: &Watering) -> (Self, Timestamp) {
        (Self::Turn(body.watering.turn.clone()), body.watering.end)
    }

    const fn of_correction(body: &Correction) -> (Self, Timestamp) {
        (Self::CorrectionOf(body.supersedes), body.head.drafted_at)
    }

    fn of_run(body: &BillRun) -> (Self, Timestamp) {
        (Self::RunOver(body.waterings.first().copied()), body.head.drafted_at)
    }
}
