//! Many signatures checked together, for a server that takes in many reports.

use alloc::vec::Vec;

use ed25519_dalek::{PUBLIC_KEY_LENGTH, Signature, VerifyingKey};

use crate::{SignedReport, VerifyError};

/// The most signatures that are checked in one sum. Twice as many gain a twentieth, and one bad signature makes all of
/// them be checked again, each alone.
pub const MAX_BATCH_SIGNATURES: usize = 256;

/// A key that reports can be checked with: a point of the curve, and none of small order, under which a signature could
/// hold for anything. Made once for a meter, it costs nothing to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceKey(VerifyingKey);

impl DeviceKey {
    /// Reads a raw public key.
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_LENGTH]) -> Result<Self, VerifyError> {
        let point = VerifyingKey::from_bytes(bytes).map_err(|_| VerifyError::WeakKey)?;
        if point.is_weak() { Err(VerifyError::WeakKey) } else { Ok(Self(point)) }
    }

    /// The point, for [`SignedReport::verify`].
    pub fn point(&self) -> &VerifyingKey {
        &self.0
    }
}

/// Whether each report is signed by the key beside it, in the order given; about twice as fast as one by one.
///
/// A batch that holds as a whole is accepted; one that does not is
/// checked report by report with [`SignedReport::verify`], so that a bad signature spoils no other.
///
/// The sum is weaker than [`SignedReport::verify`] in one point: whoever holds a meter's secret key can make
/// signatures with a component of small order that pass here, perhaps, and never there. Nobody can speak for *another*
/// meter like that, and nothing rests on it: this is for the door, where it says whose message is worth keeping. What
/// counts as evidence is checked strictly and alone, when a statement is drafted and when it is audited.
pub fn verify_batch(reports: &[(&SignedReport<'_>, &DeviceKey)]) -> Vec<Result<(), VerifyError>> {
    let mut verdicts = Vec::with_capacity(reports.len());
    for chunk in reports.chunks(MAX_BATCH_SIGNATURES) {
        if holds_together(chunk) {
            verdicts.extend(chunk.iter().map(|_| Ok(())));
        } else {
            verdicts.extend(chunk.iter().map(|(signed, key)| signed.verify(&key.0).map(|_| ())));
        }
    }
    verdicts
}

fn holds_together(chunk: &[(&SignedReport<'_>, &DeviceKey)]) -> bool {
    // Alone a signature costs less without the sum.
    if chunk.len() < 2 {
        return false;
    }
    let inputs: Vec<Vec<u8>> = chunk.iter().map(|(signed, _)| signed.signature_input()).collect();
    let messages: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let signatures: Vec<Signature> = chunk.iter().map(|(signed, _)| *signed.signature()).collect();
    let keys: Vec<VerifyingKey> = chunk.iter().map(|(_, key)| key.0).collect();
    ed25519_dalek::verify_batch(&messages, &signatures, &keys).is_ok()
}
