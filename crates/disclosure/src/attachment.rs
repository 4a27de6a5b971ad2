//! Attachments: what is too large for an entry, named in a statement by its SHA-256.
//!
//! A statement carries an [`AttachmentRef`]; the bytes themselves lie beside the log under
//! [`AttachmentRef::path`], and whoever reads them checks them against the reference.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::merkle::Hash;

/// Longest attachment that a server takes and an auditor reads: 64 MiB.
pub const MAX_ATTACHMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Why bytes are not the attachment that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttachmentError {
    /// Another length.
    #[error("the attachment should have {expected} bytes and has {found}: fetch it again")]
    Size {
        /// Bytes that the statement names.
        expected: u64,
        /// Bytes at hand.
        found: u64,
    },
    /// Another hash.
    #[error("the attachment should hash to {expected} and hashes to {found}: do not use it")]
    Sha256 {
        /// Hash that the statement names.
        expected: Hash,
        /// Hash of the bytes at hand.
        found: Hash,
    },
}

/// A statement's reference to an attachment.
///
/// ```json
/// {"sha256":"<64 hex digits>","bytes":1234,"media_type":"application/json"}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRef {
    /// SHA-256 of the bytes.
    pub sha256: Hash,
    /// Length in bytes.
    pub bytes: u64,
    /// Media type (RFC 6838), like `text/csv; charset=utf-8`.
    pub media_type: String,
}

impl AttachmentRef {
    /// The reference to these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self { sha256: Hash::of(bytes), bytes: length(bytes), media_type: media_type.to_owned() }
    }

    /// Checks that these are the bytes that the statement names.
    pub fn matches(&self, bytes: &[u8]) -> Result<(), AttachmentError> {
        let size = length(bytes);
        if size != self.bytes {
            return Err(AttachmentError::Size { expected: self.bytes, found: size });
        }
        let found = Hash::of(bytes);
        if found == self.sha256 {
            Ok(())
        } else {
            Err(AttachmentError::Sha256 { expected: self.sha256, found })
        }
    }

    /// `attachments/<sha256>`: where the bytes lie in an exported log.
    pub fn path(&self) -> String {
        format!("attachments/{}", self.sha256)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn names_the_bytes_by_their_hash() {
        let reference = AttachmentRef::of("text/plain", b"abc");
        assert_eq!(reference.path(), format!("attachments/{ABC}"));
        assert_eq!(reference.matches(b"abc"), Ok(()));
    }

    #[test]
    fn json_round_trips() {
        let json = format!(r#"{{"sha256":"{ABC}","bytes":3,"media_type":"text/plain"}}"#);
        let reference: AttachmentRef = serde_json::from_str(&json).unwrap();
        assert_eq!(reference, AttachmentRef::of("text/plain", b"abc"));
        assert_eq!(serde_json::to_string(&reference).unwrap(), json);
    }

    #[test]
    fn rejects_unknown_and_duplicate_fields() {
        let json = format!(r#"{{"sha256":"{ABC}","bytes":3,"media_type":"a","name":"b"}}"#);
        assert!(serde_json::from_str::<AttachmentRef>(&json).is_err());
        let json = format!(r#"{{"sha256":"{ABC}","bytes":3,"bytes":3,"media_type":"a"}}"#);
        assert!(serde_json::from_str::<AttachmentRef>(&json).is_err());
    }

    #[test]
    fn rejects_another_size() {
        let error = AttachmentRef::of("text/plain", b"abc").matches(b"abcd");
        assert_eq!(error, Err(AttachmentError::Size { expected: 3, found: 4 }));
    }

    #[test]
    fn rejects_other_bytes() {
        let error = AttachmentRef::of("text/plain", b"abc").matches(b"abd");
        assert!(matches!(error, Err(AttachmentError::Sha256 { .. })));
    }
}
