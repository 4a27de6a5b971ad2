//! Witnesses' timestamped cosignatures of checkpoints (C2SP tlog-cosignature, `cosignature/v1`).
//!
//! ```text
//! signed:     cosignature/v1\n
//!             time <Unix seconds>\n
//!             <note text of the checkpoint, with its last newline>
//! signature = time: 8 bytes, big-endian ‖ Ed25519 signature: 64 bytes
//! ```
//!
//! A cosignature says that, as of that time, this is the largest tree of the log that the witness
//! saw grow, and that it only grew. Checking one is part of [`crate::note::open`].

use crate::key::{PublicKey, SIGNATURE_BYTES, SigningKey, sign};
use crate::note::{KeyName, NoteSignature, SignatureType, VerifierKey};

/// Latest time that a cosignature may state: 2⁶³ - 1.
pub const MAX_UNIX_SECONDS: u64 = i64::MAX.unsigned_abs();

/// A witness's key, under its name.
#[derive(Clone)]
pub struct Cosigner {
    name: KeyName,
    key: SigningKey,
}

impl Cosigner {
    /// A cosigner under this name. The signed bytes do not hold the name, so a key cosigns under
    /// one name only.
    pub fn new(name: KeyName, key: SigningKey) -> Self {
        Self { name, key }
    }

    /// The key that checks what this cosigner signs (type 0x04).
    pub fn verifier_key(&self) -> VerifierKey {
        let key = PublicKey::of(&self.key);
        VerifierKey::new(self.name.clone(), SignatureType::CosignatureV1, key)
    }

    /// The cosignature over a checkpoint's note text at this time, which is kept to
    /// [`MAX_UNIX_SECONDS`].
    pub fn cosign(&self, text: &str, unix_seconds: u64) -> NoteSignature {
        let unix_seconds = unix_seconds.min(MAX_UNIX_SECONDS);
        let mut signature = unix_seconds.to_be_bytes().to_vec();
        signature.extend_from_slice(&sign(&self.key, &message(unix_seconds, text)));
        NoteSignature { name: self.name.clone(), key_id: self.verifier_key().key_id(), signature }
    }
}

impl core::fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Cosigner({})", self.verifier_key())
    }
}

/// The bytes that a cosignature signs: `cosignature/v1\ntime <unix>\n` and the note text.
pub fn message(unix_seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {unix_seconds}\n{text}").into_bytes()
}

/// Time and Ed25519 signature out of a cosignature; nothing where length or time is wrong.
pub(crate) fn split(signature: &[u8]) -> Option<(u64, &[u8; SIGNATURE_BYTES])> {
    let (time, rest) = signature.split_first_chunk::<8>()?;
    let unix_seconds = u64::from_be_bytes(*time);
    let signature = rest.try_into().ok()?;
    (unix_seconds <= MAX_UNIX_SECONDS).then_some((unix_seconds, signature))
}

#[cfg(test)]
mod tests;
