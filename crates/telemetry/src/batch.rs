//! Many signatures checked together, for a server that takes in many reports.

use alloc::vec::Vec;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{SignedReport, VerifyError};

/// The most signatures that are checked in one sum. Twice as many gain a twentieth, and one bad signature makes all of
/// them be checked again, each alone.
pub const MAX_BATCH_SIGNATURES: usize = 256;

/// Whether each report is signed by the key beside it, in the order given; about twice as fast as one by one.
///
/// A key of small order is refused here as everywhere. A batch that holds as a whole is accepted; one that does not is
/// checked report by report with [`SignedReport::verify`], so that a bad signature spoils no other.
///
/// The sum is weaker than [`SignedReport::verify`] in one point: whoever holds a meter's secret key can make
/// signatures with a component of small order that pass here, perhaps, and never there. Nobody can speak for *another*
/// meter like that, and nothing rests on it: this is for the door, where it says whose message is worth keeping. What
/// counts as evidence is checked strictly and alone, when a statement is drafted and when it is audited.
pub fn verify_batch(
    reports: &[(&SignedReport<'_>, &VerifyingKey)],
) -> Vec<Result<(), VerifyError>> {
    let mut verdicts = Vec::with_capacity(reports.len());
    for chunk in reports.chunks(MAX_BATCH_SIGNATURES) {
        if holds_together(chunk) {
            verdicts.extend(chunk.iter().map(|_| Ok(())));
        } else {
            verdicts.extend(chunk.iter().map(|(signed, key)| signed.verify(key).map(|_| ())));
        }
    }
    verdicts
}

fn holds_together(chunk: &[(&SignedReport<'_>, &VerifyingKey)]) -> bool {
    // Alone a signature costs less without the sum.
    if chunk.len() < 2 || chunk.iter().any(|(_, key)| key.is_weak()) {
        return false;
    }
    let inputs: Vec<Vec<u8>> = chunk.iter().map(|(signed, _)| signed.signature_input()).collect();
    let messages: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let signatures: Vec<Signature> = chunk.iter().map(|(signed, _)| *signed.signature()).collect();
    let keys: Vec<VerifyingKey> = chunk.iter().map(|(_, key)| **key).collect();
    ed25519_dalek::verify_batch(&messages, &signatures, &keys).is_ok()
}
