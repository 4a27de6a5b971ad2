//! Checkpoints: a log's size and root, signed (C2SP tlog-checkpoint).
//!
//! ```text
//! <origin>\n
//! <size, decimal>\n
//! <base64 of the root hash>\n
//! [<extension line>\n …]
//! ```
//!
//! This text is signed as a note ([`crate::note`]); the log's key is named like its origin.

use thiserror::Error;

use crate::canonical::{base64_bytes, base64_text, decimal};
use crate::key::SigningKey;
use crate::merkle::Hash;
use crate::note::{
    KeyName, NoteError, NoteSigner, VerifiedSignature, VerifierKey, VerifierKeyError, open,
    sign_note,
};

/// Longest checkpoint file, signatures included.
pub use crate::note::MAX_NOTE_BYTES as MAX_CHECKPOINT_BYTES;

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Fewer than three lines, or no newline at the end.
    #[error("a checkpoint has an origin, a size and a root hash, each on a line of its own")]
    Shape,
    /// An empty first line.
    #[error("a checkpoint's origin is not empty")]
    Origin,
    /// A size that is not the one decimal text of a number.
    #[error("a checkpoint's size is a decimal number without leading zeros, not {0:?}")]
    Size(String),
    /// A root that is not the one base64 text of 32 bytes.
    #[error("a checkpoint's root is 32 bytes in base64 with padding")]
    Root,
    /// An empty line after the root.
    #[error("a checkpoint's extension lines are not empty")]
    EmptyExtension,
    /// Opened with the key of another log.
    #[error("this checkpoint is of {found} and not of {expected}: use that log's key")]
    OtherLog {
        /// Name of the key.
        expected: String,
        /// Origin of the checkpoint.
        found: String,
    },
    /// The origin is not fit to name the log's key.
    #[error(transparent)]
    KeyName(#[from] VerifierKeyError),
    /// The note around it is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// A log's tree head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the log; the name of its key.
    pub origin: String,
    /// Entries in the log.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// Further lines, opaque, without their newlines. Ours has none.
    pub extensions: Vec<String>,
}

/// A checkpoint that its log signed, with the cosignatures of known witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedCheckpoint {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// One for each known witness that cosigned.
    pub cosignatures: Vec<VerifiedSignature>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// Reads the note text of a checkpoint (without signatures).
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Shape);
        };
        if origin.is_empty() {
            return Err(CheckpointError::Origin);
        }
        let size = decimal(size).ok_or_else(|| CheckpointError::Size(size.to_owned()))?;
        let root = base64_bytes(root)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Hash)
            .ok_or(CheckpointError::Root)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::EmptyExtension);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// The note text: the bytes that the log and its witnesses sign.
    pub fn note_text(&self) -> String {
        let root = base64_text(self.root.0);
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The checkpoint file, signed by the log's key under the origin's name; refuses an origin
    /// that is not a [`KeyName`].
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, CheckpointError> {
        let text = self.note_text();
        if Self::parse(&text)? != *self {
            return Err(CheckpointError::Shape);
        }
        let signer = NoteSigner::new(KeyName::new(self.origin.as_str())?, key.clone());
        Ok(sign_note(&text, &[&signer])?)
    }

    /// Reads a checkpoint file and checks that the log with this key signed it.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, CheckpointError> {
        Ok(Self::open_cosigned(bytes, log, &[])?.checkpoint)
    }

    /// Reads a checkpoint file, checks that the log signed it, and gathers the cosignatures of
    /// these witnesses. A known witness's signature that does not hold spoils the checkpoint; how
    /// many are needed is the caller's policy.
    pub fn open_cosigned(
        bytes: &[u8],
        log: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<CosignedCheckpoint, CheckpointError> {
        let known: Vec<VerifierKey> = [log].into_iter().chain(witnesses).cloned().collect();
        let note = open(bytes, &known)?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != log.name().as_str() {
            return Err(CheckpointError::OtherLog {
                expected: log.name().to_string(),
                found: checkpoint.origin,
            });
        }
        let (by_log, cosignatures): (Vec<_>, Vec<_>) =
            note.signatures.into_iter().partition(|signature| signature.key == *log);
        if by_log.is_empty() {
            return Err(NoteError::NoKnownKey.into());
        }
        Ok(CosignedCheckpoint { checkpoint, cosignatures })
    }
}

#[cfg(test)]
mod tests;
