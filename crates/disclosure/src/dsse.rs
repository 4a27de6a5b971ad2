//! Envelopes: signed bytes with their signatures (DSSE v1, as JSON).
//!
//! ```text
//! {"payload":"<base64>","payloadType":"<type>","signatures":[{"keyid":"…","sig":"<base64>"}]}
//! ```
//!
//! Each signature is Ed25519 over [`pae`] of type and payload. What DSSE leaves open is closed
//! here: base64 is the standard alphabet with padding, every field stands exactly once, no other
//! field stands beside it. `keyid` is a hint that nobody signed; who signed is found by checking
//! keys, with [`Envelope::is_signed_by`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bundle::MAX_ENTRY_BYTES;
use crate::canonical::{base64_bytes, base64_text};
use crate::key::{PublicKey, SIGNATURE_BYTES, SigningKey, sign};

mod json;

use json::Value;

/// Longest envelope: one log entry.
pub const MAX_ENVELOPE_BYTES: usize = MAX_ENTRY_BYTES;
/// Longest payload; with [`MAX_SIGNATURES`] signatures its envelope still fits an entry.
pub const MAX_PAYLOAD_BYTES: usize = 45_000;
/// Longest payload type.
pub const MAX_PAYLOAD_TYPE_BYTES: usize = 255;
/// Longest key id; ours are 64 hexadecimal digits.
pub const MAX_KEYID_BYTES: usize = 128;
/// Most signatures of one envelope.
pub const MAX_SIGNATURES: usize = 16;

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Over [`MAX_ENVELOPE_BYTES`], or over what its reader takes.
    #[error(
        "an envelope of {bytes} bytes is over {most}: move data to an attachment, or hand in less at once"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// Not one JSON text.
    #[error("the envelope is not valid JSON: {0}")]
    Json(String),
    /// Something follows the envelope.
    #[error("data follows the envelope: send one envelope and nothing else")]
    TrailingData,
    /// Not of the JSON type it should be.
    #[error("{0} has the wrong JSON type: see the envelope format")]
    WrongType(&'static str),
    /// A field that the format does not have.
    #[error("the field {0:?} is not part of an envelope: remove it")]
    UnknownField(String),
    /// A field that stands twice.
    #[error("the field {0} stands twice: keep one")]
    DuplicateField(&'static str),
    /// A field that does not stand.
    #[error("the field {0} is missing: add it")]
    MissingField(&'static str),
    /// Not the one base64 text of its bytes.
    #[error("{0} is not base64 in the standard alphabet with padding")]
    Base64(&'static str),
    /// A payload over [`MAX_PAYLOAD_BYTES`].
    #[error("a payload of {0} bytes is over {MAX_PAYLOAD_BYTES}: move data to an attachment")]
    PayloadTooLong(usize),
    /// An empty payload type, or one over [`MAX_PAYLOAD_TYPE_BYTES`].
    #[error("a payload type has 1 to {MAX_PAYLOAD_TYPE_BYTES} bytes, not {0}")]
    PayloadType(usize),
    /// A key id over [`MAX_KEYID_BYTES`].
    #[error("a keyid of {0} bytes is over {MAX_KEYID_BYTES}")]
    KeyidTooLong(usize),
    /// Not 64 bytes.
    #[error("an ed25519 signature has {SIGNATURE_BYTES} bytes, not {0}")]
    SignatureLength(usize),
    /// More than [`MAX_SIGNATURES`].
    #[error("an envelope has at most {MAX_SIGNATURES} signatures")]
    TooManySignatures,
}

/// One signature with the hint whose it is; within a statement it is written as in an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GivenSignature", into = "GivenSignature")]
pub struct EnvelopeSignature {
    /// In our envelopes the key's fingerprint; not signed, never proof of anything.
    pub keyid: String,
    /// Ed25519 signature over [`pae`].
    pub sig: [u8; SIGNATURE_BYTES],
}

/// A payload with its type and signatures, none of them checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The exact bytes that are signed.
    pub payload: Vec<u8>,
    /// What the payload is; signed with it.
    pub payload_type: String,
    /// Signatures in the order in which they were added.
    pub signatures: Vec<EnvelopeSignature>,
}

/// The bytes that a signature is over (DSSE v1 pre-authentication encoding).
///
/// ```text
/// "DSSEv1" SP <bytes of type> SP <type> SP <bytes of payload> SP <payload>
/// ```
///
/// Lengths are decimal counts of bytes; SP is one space (0x20).
///
/// ```
/// let bytes = disclosure::dsse::pae("http://example.com/HelloWorld", b"hello world");
/// assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
/// ```
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// An envelope that nobody signed yet.
    pub fn unsigned(payload_type: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), payload_type: payload_type.into(), signatures: Vec::new() }
    }

    /// Reads an envelope. An envelope without signatures is read too: who must have signed is
    /// policy.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Self::parse_up_to(bytes, MAX_ENVELOPE_BYTES)?;
        if envelope.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(EnvelopeError::PayloadTooLong(envelope.payload.len()));
        }
        Ok(envelope)
    }

    /// Reads an envelope of at most `most` bytes that never becomes a log entry; its payload may be as long as fits.
    pub fn parse_up_to(bytes: &[u8], most: usize) -> Result<Self, EnvelopeError> {
        if bytes.len() > most {
            return Err(EnvelopeError::TooLong { bytes: bytes.len(), most });
        }
        let [payload, payload_type, signatures] = json::parse(bytes)?
            .into_fields("the envelope", ["payload", "payloadType", "signatures"])?;
        let payload = read_payload(payload)?;
        let payload_type = payload_type.into_text("payloadType")?;
        if payload_type.is_empty() || payload_type.len() > MAX_PAYLOAD_TYPE_BYTES {
            return Err(EnvelopeError::PayloadType(payload_type.len()));
        }
        let signatures = signatures.into_list("signatures")?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::TooManySignatures);
        }
        Ok(Self {
            payload,
            payload_type,
            signatures: signatures.into_iter().map(read_signature).collect::<Result<_, _>>()?,
        })
    }

    /// The envelope as JSON: fields in the order payload, payloadType, signatures, no spaces.
    pub fn to_json(&self) -> Vec<u8> {
        // Writing strings into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The bytes that each signature is over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    /// Adds a signature that was made elsewhere, under the key's fingerprint. It is not checked
    /// here: see [`Self::is_signed_by`].
    pub fn add_signature(
        &mut self,
        key: PublicKey,
        sig: [u8; SIGNATURE_BYTES],
    ) -> Result<(), EnvelopeError> {
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(EnvelopeError::TooManySignatures);
        }
        self.signatures.push(EnvelopeSignature { keyid: key.fingerprint().to_hex(), sig });
        Ok(())
    }

    /// Signs with a key at hand.
    pub fn sign_with(&mut self, key: &SigningKey) -> Result<(), EnvelopeError> {
        let sig = sign(key, &self.signed_bytes());
        self.add_signature(PublicKey::of(key), sig)
    }

    /// Whether one of the signatures is by this key, whatever the key ids say.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let message = self.signed_bytes();
        let hint = key.fingerprint().to_hex();
        let (hinted, others): (Vec<_>, Vec<_>) =
            self.signatures.iter().partition(|signature| signature.keyid == hint);
        hinted
            .into_iter()
            .chain(others)
            .any(|signature| key.verify(&message, &signature.sig).is_ok())
    }
}

/// As in [`Envelope::to_json`].
impl Serialize for Envelope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { payload, payload_type, signatures } = self;
        WireEnvelope { payload: base64_text(payload), payload_type, signatures }
            .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireEnvelope<'a> {
    payload: String,
    payload_type: &'a str,
    signatures: &'a [EnvelopeSignature],
}

fn read_payload(value: Value) -> Result<Vec<u8>, EnvelopeError> {
    let text = value.into_text("payload")?;
    base64_bytes(&text).ok_or(EnvelopeError::Base64("payload"))
}

fn read_signature(value: Value) -> Result<EnvelopeSignature, EnvelopeError> {
    let [keyid, sig] = value.into_fields("a signature", ["keyid", "sig"])?;
    checked_signature(keyid.into_text("keyid")?, &sig.into_text("sig")?)
}

fn checked_signature(keyid: String, sig: &str) -> Result<EnvelopeSignature, EnvelopeError> {
    if keyid.len() > MAX_KEYID_BYTES {
        return Err(EnvelopeError::KeyidTooLong(keyid.len()));
    }
    let sig = base64_bytes(sig).ok_or(EnvelopeError::Base64("sig"))?;
    let sig = sig.as_slice().try_into().map_err(|_| EnvelopeError::SignatureLength(sig.len()))?;
    Ok(EnvelopeSignature { keyid, sig })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenSignature {
    keyid: String,
    sig: String,
}

impl TryFrom<GivenSignature> for EnvelopeSignature {
    type Error = EnvelopeError;

    fn try_from(GivenSignature { keyid, sig }: GivenSignature) -> Result<Self, EnvelopeError> {
        checked_signature(keyid, &sig)
    }
}

impl From<EnvelopeSignature> for GivenSignature {
    fn from(signature: EnvelopeSignature) -> Self {
        Self { keyid: signature.keyid, sig: base64_text(signature.sig) }
    }
}

#[cfg(test)]
mod tests;
