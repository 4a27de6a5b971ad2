//! Ed25519 public keys and signatures (RFC 8032), as every signed form of this crate uses them.
//!
//! A [`PublicKey`] exists only if its 32 bytes are the one canonical encoding of a point that is
//! not of small order, so that two distinct values are two distinct keys and no signature holds
//! for every message. A signature is 64 bytes and is checked strictly.

use core::fmt;
use core::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use ed25519_dalek::SigningKey;

use crate::canonical::hex_bytes;

/// Length of a raw Ed25519 public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Length of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Why bytes or text are not a public key that may be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not 32 bytes.
    #[error("a public key is 32 bytes, not {0}: give the raw ed25519 key")]
    Length(usize),
    /// Not 64 lower-case hexadecimal digits.
    #[error("a public key is written as 64 lower-case hexadecimal digits")]
    Hex,
    /// No point of the curve has this encoding.
    #[error("these 32 bytes are not a point of the ed25519 curve: make a new key")]
    NotAPoint,
    /// The point has another, shorter encoding (RFC 8032 §5.1.3 step 1).
    #[error("this encoding of the public key is not the canonical one: make a new key")]
    NotCanonical,
    /// A point of small order, under which a signature can hold for many messages.
    #[error("this public key is weak (small order): make a new key")]
    Weak,
}

/// A signature that does not hold for the message and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the signature does not hold for this message and this key")]
pub struct SignatureError;

/// An Ed25519 public key: 32 raw bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; PUBLIC_KEY_BYTES]);

impl PublicKey {
    /// A key from its 32 raw bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let raw: [u8; PUBLIC_KEY_BYTES] =
            bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        let key = VerifyingKey::from_bytes(&raw).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            Err(KeyError::Weak)
        } else if key.to_edwards().compress().to_bytes() != raw {
            Err(KeyError::NotCanonical)
        } else {
            Ok(Self(raw))
        }
    }

    /// A key from 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&hex_bytes::<PUBLIC_KEY_BYTES>(text).ok_or(KeyError::Hex)?)
    }

    /// The public half of a signing key.
    pub fn of(key: &SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// SHA-256 of the raw bytes: the name under which statements and envelopes speak of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.0).into())
    }

    /// Checks a signature over exactly these bytes; refuses what RFC 8032 leaves malleable.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), SignatureError> {
        VerifyingKey::from_bytes(&self.0)
            .and_then(|key| key.verify_strict(message, &Signature::from_bytes(signature)))
            .map_err(|_| SignatureError)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_hex())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_hex(text)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::from_hex(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_hex()
    }
}

/// SHA-256 of a raw public key, written as 64 lower-case hexadecimal digits.
///
/// It names a key; it proves nothing until the key itself is at hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// Text that is not a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key fingerprint is written as 64 lower-case hexadecimal digits")]
pub struct FingerprintError;

impl Fingerprint {
    /// A fingerprint from 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, FingerprintError> {
        hex_bytes(text).map(Self).ok_or(FingerprintError)
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.to_hex())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        Self::from_hex(text)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, FingerprintError> {
        Self::from_hex(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_hex()
    }
}

/// The Ed25519 signature of a key over exactly these bytes.
pub fn sign(key: &SigningKey, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
    key.sign(message).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 2: secret key, public key, message 0x72, signature.
    const SECRET: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    #[test]
    fn follows_the_vector_of_rfc_8032() {
        let key = SigningKey::from_bytes(&hex_bytes(SECRET).unwrap());
        let public = PublicKey::from_hex(PUBLIC).unwrap();
        assert_eq!(PublicKey::of(&key), public);
        assert_eq!(sign(&key, &[0x72]), hex_bytes(SIGNATURE).unwrap());
        assert_eq!(public.verify(&[0x72], &hex_bytes(SIGNATURE).unwrap()), Ok(()));
    }

    #[test]
    fn text_and_json_round_trip() {
        let key = PublicKey::from_hex(PUBLIC).unwrap();
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{PUBLIC}\""));
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
        let print = key.fingerprint();
        let json = serde_json::to_string(&print).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), print);
    }

    #[test]
    fn fingerprint_is_sha256_of_the_raw_key() {
        let key = PublicKey::from_hex(PUBLIC).unwrap();
        assert_eq!(
            key.fingerprint().to_hex(),
            "39f713d0a644253f04529421b9f51b9b08979d08295959c4f3990ee617f5139f"
        );
    }

    #[test]
    fn rejects_wrong_length() {
        assert_eq!(PublicKey::from_bytes(&[1; 31]), Err(KeyError::Length(31)));
        assert_eq!(PublicKey::from_bytes(&[1; 33]), Err(KeyError::Length(33)));
    }

    #[test]
    fn rejects_text_that_is_not_lower_case_hex() {
        let upper = PUBLIC.to_uppercase();
        assert_eq!(PublicKey::from_hex(&upper), Err(KeyError::Hex));
        assert_eq!(Fingerprint::from_hex(&upper), Err(FingerprintError));
        assert_eq!(PublicKey::from_hex(&PUBLIC[2..]), Err(KeyError::Hex));
    }

    #[test]
    fn rejects_what_is_not_a_point() {
        let mut bytes = [0; 32];
        bytes[0] = 2;
        assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::NotAPoint));
    }

    #[test]
    fn rejects_weak_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(KeyError::Weak));
        assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::Weak));
        let order_eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
        assert_eq!(PublicKey::from_hex(order_eight), Err(KeyError::Weak));
    }

    #[test]
    fn rejects_a_second_encoding_of_a_point() {
        // y = p + 3, which is the point with y = 3.
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed + 3;
        bytes[31] = 0x7f;
        assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::NotCanonical));
    }

    #[test]
    fn rejects_another_message_key_or_signature() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = PublicKey::of(&key);
        let signature = sign(&key, b"water");
        assert_eq!(public.verify(b"water", &signature), Ok(()));
        assert_eq!(public.verify(b"waters", &signature), Err(SignatureError));
        let other = PublicKey::of(&SigningKey::from_bytes(&[8; 32]));
        assert_eq!(other.verify(b"water", &signature), Err(SignatureError));
        let mut bent = signature;
        bent[0] ^= 1;
        assert_eq!(public.verify(b"water", &bent), Err(SignatureError));
    }
}
