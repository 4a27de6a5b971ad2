//! Signed notes: text with signatures by named keys (C2SP signed-note).
//!
//! ```text
//! <text, ending in a newline>
//!
//! — <key name> <base64(key id: 4 bytes ‖ signature)>
//! — …
//! ```
//!
//! An Ed25519 signature (type 0x01) is over the text with its last newline. A timestamped
//! cosignature (type 0x04) is described in [`crate::cosignature`].

use std::collections::BTreeSet;

use thiserror::Error;

use crate::canonical::{base64_bytes, base64_text};
use crate::cosignature;
use crate::key::{PublicKey, SignatureError, SigningKey, sign};

mod verifier;

pub use verifier::{
    KeyId, KeyName, MAX_KEY_NAME_BYTES, SignatureType, VerifierKey, VerifierKeyError,
};

/// Longest note: a checkpoint with many post-quantum signatures fits.
pub const MAX_NOTE_BYTES: usize = 262_144;
/// Most signature lines of a note; the specification asks for at least 16.
pub const MAX_NOTE_SIGNATURES: usize = 64;

/// What stands before the key name on a signature line.
const SIGNATURE_PREFIX: &str = "— ";
/// Bytes of a key id.
const KEY_ID_BYTES: usize = 4;

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Over [`MAX_NOTE_BYTES`].
    #[error("a note of {0} bytes is over {MAX_NOTE_BYTES}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("a note is UTF-8 text")]
    NotUtf8,
    /// A control character other than a newline.
    #[error("a note has no control characters but newlines")]
    ControlCharacter,
    /// No blank line between text and signatures, or no text.
    #[error("a note is text ending in a newline, a blank line, and signature lines")]
    Shape,
    /// A line that is not `— <name> <base64>`.
    #[error("signature line {0} is not '— <name> <base64>'")]
    SignatureLine(usize),
    /// No signature lines.
    #[error("a note has at least one signature")]
    Unsigned,
    /// More than [`MAX_NOTE_SIGNATURES`].
    #[error("a note has at most {MAX_NOTE_SIGNATURES} signatures")]
    TooManySignatures,
    /// A known key's signature does not hold.
    #[error("the signature of {0} does not hold: the note was changed")]
    BadSignature(KeyName),
    /// Two of the known keys have the same name and key id.
    #[error("two known keys share the name {0} and a key id: remove one of them")]
    AmbiguousKey(KeyName),
    /// None of the signatures is by a known key.
    #[error("no known key signed this note: check the verifier keys")]
    NoKnownKey,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key that is said to have signed.
    pub name: KeyName,
    /// Id of that key; unique only together with the name.
    pub key_id: KeyId,
    /// Signature as the key's type lays it out; for Ed25519 64 bytes.
    pub signature: Vec<u8>,
}

impl NoteSignature {
    /// `— <name> <base64>` and a newline.
    pub fn line(&self) -> String {
        let blob = [&self.key_id[..], &self.signature].concat();
        format!("{SIGNATURE_PREFIX}{} {}\n", self.name, base64_text(blob))
    }

    /// A signature from its line, with or without the newline.
    pub fn from_line(line: &str) -> Option<Self> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let blob = base64_bytes(blob)?;
        let (key_id, signature) = blob.split_first_chunk::<KEY_ID_BYTES>()?;
        Some(Self {
            name: KeyName::new(name).ok()?,
            key_id: *key_id,
            signature: signature.to_vec(),
        })
        .filter(|line| !line.signature.is_empty())
    }
}

/// A note whose signatures have not been checked. Use its text only after [`open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    /// The text, with its last newline.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// Reads a note; checks its form, not its signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = core::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(NoteError::ControlCharacter);
        }
        // The text may itself hold blank lines; the last one separates.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        if lines.is_empty() {
            return Err(NoteError::Unsigned);
        }
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for (number, line) in lines.split('\n').enumerate() {
            if number == MAX_NOTE_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = NoteSignature::from_line(line);
            signatures.push(signature.ok_or(NoteError::SignatureLine(number + 1))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The bytes of the note.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines: String = self.signatures.iter().map(NoteSignature::line).collect();
        format!("{}\n{lines}", self.text).into_bytes()
    }

    /// Checks the signatures against the known keys, as [`open`] does.
    pub fn verify(self, known: &[VerifierKey]) -> Result<VerifiedNote, NoteError> {
        let mut verified = Vec::<VerifiedSignature>::new();
        let mut seen = BTreeSet::new();
        for signature in &self.signatures {
            let Some(key) = known_key(signature, known)? else {
                continue;
            };
            let unix_seconds = verify_signature(&self.text, signature, key)
                .map_err(|SignatureError| NoteError::BadSignature(signature.name.clone()))?;
            if seen.insert(key) {
                verified.push(VerifiedSignature { key: key.clone(), unix_seconds });
            }
        }
        if verified.is_empty() {
            return Err(NoteError::NoKnownKey);
        }
        Ok(VerifiedNote { text: self.text, signatures: verified })
    }
}

/// A signature that holds, by a known key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key that signed.
    pub key: VerifierKey,
    /// When, in Unix seconds, for a timestamped cosignature.
    pub unix_seconds: Option<u64>,
}

/// A note that at least one known key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNote {
    /// The text, with its last newline.
    pub text: String,
    /// The signatures by known keys, one for each key, in the note's order.
    pub signatures: Vec<VerifiedSignature>,
}

/// Reads a note and checks it against the known keys.
///
/// Signatures by unknown keys are ignored; one that does not hold by a known key spoils the note;
/// a note without any by a known key is refused.
pub fn open(note: &[u8], known: &[VerifierKey]) -> Result<VerifiedNote, NoteError> {
    SignedNote::parse(note)?.verify(known)
}

/// A named key that signs notes with type 0x01 (Ed25519).
#[derive(Clone)]
pub struct NoteSigner {
    name: KeyName,
    key: SigningKey,
}

impl NoteSigner {
    /// A signer under this name.
    pub fn new(name: KeyName, key: SigningKey) -> Self {
        Self { name, key }
    }

    /// The key that checks what this signer signs.
    pub fn verifier_key(&self) -> VerifierKey {
        let key = PublicKey::of(&self.key);
        VerifierKey::new(self.name.clone(), SignatureType::Ed25519, key)
    }

    /// The signature over a note's text, which ends in a newline.
    pub fn sign(&self, text: &str) -> NoteSignature {
        NoteSignature {
            name: self.name.clone(),
            key_id: self.verifier_key().key_id(),
            signature: sign(&self.key, text.as_bytes()).to_vec(),
        }
    }
}

impl core::fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "NoteSigner({})", self.verifier_key())
    }
}

/// The bytes of a note with this text, signed by these signers in order.
///
/// Refuses what [`SignedNote::parse`] would not read back to the same text.
pub fn sign_note(text: &str, signers: &[&NoteSigner]) -> Result<Vec<u8>, NoteError> {
    let signatures = signers.iter().map(|signer| signer.sign(text)).collect();
    let note = SignedNote { text: text.to_owned(), signatures };
    let bytes = note.to_bytes();
    if SignedNote::parse(&bytes)? == note { Ok(bytes) } else { Err(NoteError::Shape) }
}

/// The known key with this signature's name and id.
fn known_key<'a>(
    signature: &NoteSignature,
    known: &'a [VerifierKey],
) -> Result<Option<&'a VerifierKey>, NoteError> {
    let mut matching = known
        .iter()
        .filter(|key| *key.name() == signature.name && key.key_id() == signature.key_id);
    let first = matching.next();
    if matching.any(|other| Some(other) != first) {
        return Err(NoteError::AmbiguousKey(signature.name.clone()));
    }
    Ok(first)
}

/// Checks the signature; gives the time that it states, where its type has one.
fn verify_signature(
    text: &str,
    signature: &NoteSignature,
    key: &VerifierKey,
) -> Result<Option<u64>, SignatureError> {
    let bytes = signature.signature.as_slice();
    match key.signature_type() {
        SignatureType::Ed25519 => {
            let signature = bytes.try_into().map_err(|_| SignatureError)?;
            key.key().verify(text.as_bytes(), signature)?;
            Ok(None)
        }
        SignatureType::CosignatureV1 => {
            let (unix_seconds, signature) = cosignature::split(bytes).ok_or(SignatureError)?;
            let message = cosignature::message(unix_seconds, text);
            key.key().verify(&message, signature)?;
            Ok(Some(unix_seconds))
        }
    }
}

#[cfg(test)]
mod tests;
