//! The public half of a key that signs notes, and its text form.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::canonical::{base64_bytes, base64_text, hex_bytes};
use crate::key::{KeyError, PublicKey};

/// Longest key name.
pub const MAX_KEY_NAME_BYTES: usize = 255;

/// First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key).
pub type KeyId = [u8; 4];

/// Why text is not a key name or a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifierKeyError {
    /// Empty, too long, or with a space, a plus sign or a control character.
    #[error(
        "key name {0:?} is not valid: use 1 to {MAX_KEY_NAME_BYTES} bytes without spaces or '+'"
    )]
    Name(String),
    /// Not `name+hex8+base64`.
    #[error("a verifier key is written <name>+<8 hex digits>+<base64>")]
    Shape,
    /// The eight digits are not the id of this name and key.
    #[error("the key id {found} should be {expected}: copy the verifier key again")]
    KeyId {
        /// Id computed from name and key.
        expected: String,
        /// Id as written.
        found: String,
    },
    /// A signature type that this program does not check.
    #[error("signature type {0:#04x} is not known: use 0x01 (ed25519) or 0x04 (cosignature)")]
    Type(u8),
    /// The key itself is refused.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Name of a key that signs notes: for a log its origin, best a URL without scheme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

impl KeyName {
    /// A name; refuses empty and over-long ones, spaces, `+` and control characters.
    pub fn new(name: impl Into<String>) -> Result<Self, VerifierKeyError> {
        let name = name.into();
        let refused = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > MAX_KEY_NAME_BYTES || name.chars().any(refused) {
            Err(VerifierKeyError::Name(name))
        } else {
            Ok(Self(name))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyName {
    type Error = VerifierKeyError;

    fn try_from(name: String) -> Result<Self, VerifierKeyError> {
        Self::new(name)
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> Self {
        name.0
    }
}

/// How a key signs, as the byte before it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// 0x01: Ed25519 over the text.
    Ed25519,
    /// 0x04: timestamped Ed25519 cosignature (C2SP tlog-cosignature).
    CosignatureV1,
}

impl SignatureType {
    /// The byte assigned by the specification.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    /// The type with this byte, where this program knows it.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// A public key that checks notes: name, type and key, written
/// `<name>+<key id: 8 hex digits>+<base64(type ‖ key)>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerifierKey {
    name: KeyName,
    signature_type: SignatureType,
    key: PublicKey,
}

impl VerifierKey {
    /// A verifier key from its parts.
    pub const fn new(name: KeyName, signature_type: SignatureType, key: PublicKey) -> Self {
        Self { name, signature_type, key }
    }

    /// Reads the text form; refuses an id that does not belong to the name and key.
    pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Shape);
        };
        let written: KeyId = hex_bytes(id).ok_or(VerifierKeyError::Shape)?;
        let body = base64_bytes(body).ok_or(VerifierKeyError::Shape)?;
        let (byte, raw) = body.split_first().ok_or(VerifierKeyError::Shape)?;
        let signature_type =
            SignatureType::from_byte(*byte).ok_or(VerifierKeyError::Type(*byte))?;
        let key = Self::new(KeyName::new(name)?, signature_type, PublicKey::from_bytes(raw)?);
        if key.key_id() == written {
            Ok(key)
        } else {
            Err(VerifierKeyError::KeyId {
                expected: hex::encode(key.key_id()),
                found: id.to_owned(),
            })
        }
    }

    /// The name, which with [`Self::key_id`] says whose signature a line is.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// How the key signs.
    pub const fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The key itself.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key).
    pub fn key_id(&self) -> KeyId {
        let mut sha = Sha256::new();
        sha.update(self.name.as_str());
        sha.update([b'\n', self.signature_type.byte()]);
        sha.update(self.key.as_bytes());
        let hash: [u8; 32] = sha.finalize().into();
        let [a, b, c, d, ..] = hash;
        [a, b, c, d]
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = vec![self.signature_type.byte()];
        body.extend_from_slice(self.key.as_bytes());
        let id = hex::encode(self.key_id());
        write!(f, "{}+{id}+{}", self.name, base64_text(body))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for VerifierKey {
    type Error = VerifierKeyError;

    fn try_from(text: String) -> Result<Self, VerifierKeyError> {
        Self::parse(&text)
    }
}

impl From<VerifierKey> for String {
    fn from(key: VerifierKey) -> Self {
        key.to_string()
    }
}
