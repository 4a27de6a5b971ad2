//! Whether enough witnesses cosigned, by a policy that the reader has from elsewhere.

use disclosure::checkpoint::CosignedCheckpoint;
use disclosure::note::VerifierKey;
use disclosure::proof::{ProofFileError, TlogProof};
use disclosure::witness_policy::{PolicyProblem, WitnessPolicy};
use thiserror::Error;

use crate::{Source, SourceError};

const CHECKPOINT: &str = "checkpoint";

/// Why a copy or a receipt is not witnessed as a policy asks.
#[derive(Debug, Error)]
pub enum QuorumError {
    /// The copy has no checkpoint.
    #[error("the copy has no checkpoint: copy the log again")]
    NoCheckpoint,
    /// The copy cannot be read.
    #[error("the checkpoint cannot be read: {}", .0.reason)]
    Source(SourceError),
    /// The receipt does not hold.
    #[error(transparent)]
    Receipt(#[from] ProofFileError),
    /// By the policy.
    #[error(transparent)]
    Policy(#[from] PolicyProblem),
}

/// Checks that the checkpoint of a log copy is cosigned as the policy asks.
pub fn check_quorum(
    source: &impl Source,
    log: &VerifierKey,
    policy: &WitnessPolicy,
) -> Result<CosignedCheckpoint, QuorumError> {
    let checkpoint = source.read(CHECKPOINT).map_err(QuorumError::Source)?;
    Ok(policy.check(&checkpoint.ok_or(QuorumError::NoCheckpoint)?, log)?)
}

/// Checks that the checkpoint in a receipt (C2SP tlog-proof) is cosigned as the policy asks.
pub fn check_receipt_quorum(
    receipt: &[u8],
    entry: &[u8],
    log: &VerifierKey,
    policy: &WitnessPolicy,
) -> Result<CosignedCheckpoint, QuorumError> {
    policy.check_log(log)?;
    let opened = TlogProof::parse(receipt)?.verify_cosigned(entry, log, &policy.witness_keys())?;
    policy.check_quorum(&opened)?;
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use disclosure::checkpoint::Checkpoint;
    use disclosure::cosignature::Cosigner;
    use disclosure::key::SigningKey;
    use disclosure::merkle::leaf_hash;
    use disclosure::note::{KeyName, NoteSigner, SignedNote};

    use super::*;

    const ORIGIN: &str = "example.com/water";

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn log() -> VerifierKey {
        NoteSigner::new(KeyName::new(ORIGIN).unwrap(), key(1)).verifier_key()
    }

    fn witness() -> Cosigner {
        Cosigner::new(KeyName::new("w").unwrap(), key(2))
    }

    fn policy(log: &VerifierKey) -> WitnessPolicy {
        let text = format!("log {log}\nwitness w {}\nquorum w\n", witness().verifier_key());
        WitnessPolicy::parse(text.as_bytes()).unwrap()
    }

    /// A checkpoint of the one entry `one`.
    fn note(cosigned: bool) -> Vec<u8> {
        let signed = Checkpoint::new(ORIGIN, 1, leaf_hash(b"one")).sign(&key(1)).unwrap();
        let mut note = SignedNote::parse(&signed).unwrap();
        if cosigned {
            note.signatures.push(witness().cosign(&note.text, 1));
        }
        note.to_bytes()
    }

    fn copy(note: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::from([(CHECKPOINT.to_owned(), note)])
    }

    #[test]
    fn copy_and_receipt_are_witnessed() {
        let opened = check_quorum(&copy(note(true)), &log(), &policy(&log())).unwrap();
        assert_eq!(opened.checkpoint.size, 1);
        let receipt = TlogProof::new(0, Vec::new(), note(true)).to_bytes();
        check_receipt_quorum(&receipt, b"one", &log(), &policy(&log())).unwrap();
    }

    #[test]
    fn rejects_a_checkpoint_without_its_quorum() {
        let refused = check_quorum(&copy(note(false)), &log(), &policy(&log())).unwrap_err();
        assert!(refused.to_string().contains("cosigned by no witness"), "{refused}");
        let receipt = TlogProof::new(0, Vec::new(), note(false)).to_bytes();
        let refused = check_receipt_quorum(&receipt, b"one", &log(), &policy(&log()));
        assert!(matches!(refused, Err(QuorumError::Policy(PolicyProblem::NoQuorum { .. }))));
    }

    #[test]
    fn rejects_another_log_entry_or_no_checkpoint() {
        let other = NoteSigner::new(KeyName::new("other").unwrap(), key(3)).verifier_key();
        let refused = check_quorum(&copy(note(true)), &log(), &policy(&other));
        assert!(matches!(refused, Err(QuorumError::Policy(PolicyProblem::OtherLog(_)))));
        let receipt = TlogProof::new(0, Vec::new(), note(true)).to_bytes();
        let refused = check_receipt_quorum(&receipt, b"two", &log(), &policy(&log()));
        assert!(matches!(refused, Err(QuorumError::Receipt(_))));
        let refused = check_quorum(&BTreeMap::new(), &log(), &policy(&log()));
        assert!(matches!(refused, Err(QuorumError::NoCheckpoint)));
    }
}
