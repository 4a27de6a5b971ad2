//! Submission receipts: what a server owes for something that was handed in, and by when.
//!
//! A receipt (DSSE, signed with the log's key) is no statement and stands in no log. Whoever holds one can show
//! later that the server knew and did not post: `mingqu audit --submission`.

use domain::{DistrictId, Timestamp, TurnId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::dsse::{Envelope, EnvelopeError};
use crate::merkle::Hash;
use crate::note::VerifierKey;
use crate::statement::Statement;

/// The payload type of a submission receipt.
pub const SUBMISSION_PAYLOAD_TYPE: &str = "application/vnd.mingqu.submission.v1+json";

/// What a server acknowledges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The district.
    pub district: DistrictId,
    /// SHA-256 of what was handed in: the bytes of an envelope, or of a signature.
    pub received: Hash,
    /// When, by the server's clock.
    pub received_at: Timestamp,
    /// What must come of it.
    pub owed: Owed,
    /// By when it must stand in the log.
    pub by: Timestamp,
}

/// What must stand in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Owed {
    /// The statement whose payload has this SHA-256.
    Statement(Hash),
    /// The watering of this turn, or that its signatures are overdue.
    Turn(TurnId),
}

/// Why a submission receipt is refused.
#[derive(Debug, Error)]
pub enum SubmissionError {
    /// Not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Another payload.
    #[error(
        "this is no submission receipt: its payload type is {0:?}, not {SUBMISSION_PAYLOAD_TYPE}"
    )]
    PayloadType(String),
    /// Not the JSON of a receipt.
    #[error("the submission receipt cannot be read: {0}")]
    Malformed(serde_json::Error),
    /// Not one signature.
    #[error("a submission receipt carries exactly one signature; this one has {0}")]
    OneSignature(usize),
    /// The signature is not the log's.
    #[error("the submission receipt is not signed by the log key {0}")]
    Signature(VerifierKey),
}

impl Submission {
    /// The receipt as the log signs it.
    pub fn to_envelope(&self) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::unsigned(SUBMISSION_PAYLOAD_TYPE, serde_json::to_vec(self)?))
    }

    /// Reads a receipt that this log's key has signed.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, SubmissionError> {
        let envelope = Envelope::parse(bytes)?;
        if envelope.payload_type != SUBMISSION_PAYLOAD_TYPE {
            return Err(SubmissionError::PayloadType(envelope.payload_type));
        }
        if envelope.signatures.len() != 1 {
            return Err(SubmissionError::OneSignature(envelope.signatures.len()));
        }
        if !envelope.is_signed_by(log.key()) {
            return Err(SubmissionError::Signature(log.clone()));
        }
        serde_json::from_slice(&envelope.payload).map_err(SubmissionError::Malformed)
    }
}

impl Owed {
    /// Whether a posted statement, with this payload, is what is owed.
    pub fn is_met_by(&self, statement: &Statement, payload: &Hash) -> bool {
        match self {
            Self::Statement(owed) => owed == payload,
            Self::Turn(turn) => statement.watering_facts().is_some_and(|facts| facts.turn == *turn),
        }
    }
}

impl core::fmt::Display for Owed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Statement(payload) => write!(f, "the statement with payload {payload}"),
            Self::Turn(turn) => write!(f, "the watering of turn {turn}, or that it is overdue"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::note::{KeyName, NoteSigner};

    fn key(byte: u8) -> (SigningKey, VerifierKey) {
        let key = SigningKey::from_bytes(&[byte; 32]);
        let name = KeyName::new("water.example/log").unwrap();
        (key.clone(), NoteSigner::new(name, key).verifier_key())
    }

    fn submission() -> Submission {
        Submission {
            district: DistrictId::new("sample").unwrap(),
            received: Hash::of(b"envelope"),
            received_at: "2016-05-01T04:00:00Z".parse().unwrap(),
            owed: Owed::Turn(TurnId::new("t1").unwrap()),
            by: "2016-05-05T03:30:00Z".parse().unwrap(),
        }
    }

    fn sealed(submission: &Submission) -> Envelope {
        let mut envelope = submission.to_envelope().unwrap();
        envelope.sign_with(&key(7).0).unwrap();
        envelope
    }

    #[test]
    fn round_trips_under_the_logs_signature() {
        let read = Submission::open(&sealed(&submission()).to_json(), &key(7).1).unwrap();
        assert_eq!(read, submission());
        let payload = String::from_utf8(submission().to_envelope().unwrap().payload).unwrap();
        let hash = Hash::of(b"envelope").to_hex();
        assert_eq!(
            payload,
            format!(
                r#"{{"district":"sample","received":"{hash}","received_at":"2016-05-01T04:00:00Z","owed":{{"turn":"t1"}},"by":"2016-05-05T03:30:00Z"}}"#
            )
        );
    }

    #[test]
    fn rejects_what_the_log_did_not_sign() {
        let log = key(7).1;
        let other = Submission::open(&sealed(&submission()).to_json(), &key(8).1);
        assert!(matches!(other, Err(SubmissionError::Signature(_))));
        let mut altered = sealed(&submission());
        altered.payload = submission().to_envelope().unwrap().payload;
        altered.payload[12] ^= 1;
        let altered = Submission::open(&altered.to_json(), &log);
        assert!(matches!(altered, Err(SubmissionError::Signature(_))));
    }

    #[test]
    fn rejects_none_or_two_signatures() {
        let mut envelope = sealed(&submission());
        envelope.sign_with(&key(8).0).unwrap();
        let two = Submission::open(&envelope.to_json(), &key(7).1);
        assert!(matches!(two, Err(SubmissionError::OneSignature(2))));
        envelope.signatures.clear();
        let none = Submission::open(&envelope.to_json(), &key(7).1);
        assert!(matches!(none, Err(SubmissionError::OneSignature(0))));
    }

    #[test]
    fn rejects_another_payload() {
        let sign = |payload_type: &str, payload: &str| {
            let mut envelope = Envelope::unsigned(payload_type, payload);
            envelope.sign_with(&key(7).0).unwrap();
            Submission::open(&envelope.to_json(), &key(7).1).unwrap_err()
        };
        let other = sign("application/vnd.mingqu.request.v1+json", "{}");
        assert!(matches!(other, SubmissionError::PayloadType(_)), "{other}");
        let empty = sign(SUBMISSION_PAYLOAD_TYPE, "{}");
        assert!(matches!(empty, SubmissionError::Malformed(_)), "{empty}");
        let whole = serde_json::to_string(&submission()).unwrap();
        let more = sign(SUBMISSION_PAYLOAD_TYPE, &whole.replacen('{', r#"{"more":1,"#, 1));
        assert!(matches!(more, SubmissionError::Malformed(_)), "{more}");
    }

    #[test]
    fn rejects_what_is_no_envelope() {
        let error = Submission::open(b"{}", &key(7).1).unwrap_err();
        assert!(matches!(error, SubmissionError::Envelope(_)), "{error}");
    }
}
