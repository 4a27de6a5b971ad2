//! Single files that people hold: an envelope, a receipt.

use disclosure::checkpoint::Checkpoint;
use disclosure::directory::Enrolled;
use disclosure::dsse::{Envelope, EnvelopeError, EnvelopeSignature};
use disclosure::key::Fingerprint;
use disclosure::note::VerifierKey;
use disclosure::proof::{ProofFileError, TlogProof};
use disclosure::record::Record;
use disclosure::statement::{Kind, Role, Statement, StatementError};
use domain::PersonId;
use serde::Serialize;
use thiserror::Error;

/// Why nothing can be said of a file.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// An envelope of something else than a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

/// What a log says of an envelope's signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvelopeVerdict {
    /// The statement's kind.
    pub kind: Kind,
    /// One for each signature, in the envelope's order.
    pub signatures: Vec<SignatureVerdict>,
    /// Why the signatures would not suffice to post the statement now; `None` where they would.
    pub insufficient: Option<String>,
}

/// What a log says of one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureVerdict {
    /// The key that is said to have signed.
    pub keyid: String,
    /// Who holds that key; `None` where the log knows nobody by it.
    pub person: Option<PersonId>,
    /// What they sign as.
    pub role: Option<Role>,
    /// The posting that revoked the key. A statement posted before it was signed rightly.
    pub revoked_at: Option<u64>,
    /// Whether the signature is by that key over exactly this statement.
    pub valid: bool,
}

/// A receipt that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in the log.
    pub index: u64,
    /// The checkpoint that the log signed with the entry in it.
    pub checkpoint: Checkpoint,
}

/// Says which signatures of an envelope are valid, by the keys that the log has enrolled so far.
pub fn verify_envelope(record: &Record, bytes: &[u8]) -> Result<EnvelopeVerdict, VerifyError> {
    let envelope = Envelope::parse(bytes)?;
    let statement = Statement::parse(&envelope.payload_type, &envelope.payload)?;
    let message = envelope.signed_bytes();
    let signatures = envelope.signatures.iter().map(|sig| verdict(record, &message, sig)).collect();
    let insufficient = match record.judge(&envelope, &statement) {
        Ok(standing) if standing.complete() => None,
        Ok(standing) => {
            Some(disclosure::record::RecordError::SignaturesMissing(standing.missing).to_string())
        }
        Err(error) => Some(error.to_string()),
    };
    Ok(EnvelopeVerdict { kind: statement.kind(), signatures, insufficient })
}

/// Checks that a receipt (C2SP tlog-proof) shows exactly this entry in the log with this key.
pub fn verify_receipt(
    receipt: &[u8],
    entry: &[u8],
    log: &VerifierKey,
) -> Result<Receipt, ProofFileError> {
    let proof = TlogProof::parse(receipt)?;
    let checkpoint = proof.verify(entry, log)?;
    Ok(Receipt { index: proof.index, checkpoint })
}

fn verdict(record: &Record, message: &[u8], signature: &EnvelopeSignature) -> SignatureVerdict {
    let key = Fingerprint::from_hex(&signature.keyid).ok();
    let enrolled = key.and_then(|key| record.directory().get(&key));
    let holds =
        |enrolled: &Enrolled| enrolled.enrolment.key.verify(message, &signature.sig).is_ok();
    SignatureVerdict {
        keyid: signature.keyid.clone(),
        person: enrolled.map(|enrolled| enrolled.enrolment.person.clone()),
        role: enrolled.map(|enrolled| enrolled.enrolment.role),
        revoked_at: enrolled.and_then(|enrolled| enrolled.revoked_at),
        valid: enrolled.is_some_and(holds),
    }
}
