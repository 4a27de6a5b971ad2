//! Proof files: an entry's inclusion proof with its checkpoint (C2SP tlog-proof).
//!
//! ```text
//! c2sp.org/tlog-proof@v1\n
//! [extra <base64>\n]
//! index <n>\n
//! <base64 hash, from the leaf's sibling to the root's child>\n …
//! \n
//! <checkpoint file>
//! ```
//!
//! With the entry and the log's key this is checked without asking anyone. The extra data is not
//! covered by any signature.

use thiserror::Error;

use crate::canonical::{base64_bytes, base64_text, decimal};
use crate::checkpoint::{Checkpoint, CheckpointError, CosignedCheckpoint};
use crate::merkle::{Hash, MAX_PROOF_HASHES, ProofError, leaf_hash, verify_inclusion};
use crate::note::{MAX_NOTE_BYTES, VerifierKey};

/// Longest proof file.
pub const MAX_PROOF_FILE_BYTES: usize = MAX_NOTE_BYTES + 16_384;
/// Most bytes of extra data.
pub const MAX_EXTRA_BYTES: usize = 8_192;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofFileError {
    /// Over [`MAX_PROOF_FILE_BYTES`].
    #[error("a proof file of {0} bytes is over {MAX_PROOF_FILE_BYTES}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("a proof file is UTF-8 text")]
    NotUtf8,
    /// Another first line.
    #[error("a proof file begins with the line {HEADER}")]
    Header,
    /// No blank line before the checkpoint.
    #[error("a proof file has a blank line before its checkpoint")]
    Shape,
    /// Extra data that is not canonical base64, or over [`MAX_EXTRA_BYTES`].
    #[error("the extra line is 'extra <base64>' of at most {MAX_EXTRA_BYTES} bytes")]
    Extra,
    /// No `index <n>` line, or a number with another spelling.
    #[error("the index line is 'index <decimal number>'")]
    IndexLine,
    /// A line that is not the base64 of 32 bytes.
    #[error("proof line {0} is not a hash in base64")]
    HashLine(usize),
    /// More than [`MAX_PROOF_HASHES`] hashes.
    #[error("a proof file has at most {MAX_PROOF_HASHES} hashes")]
    TooManyHashes,
    /// The checkpoint in it is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not at the index of the checkpoint's tree.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A proof file that has not been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Extra data, where the file has any; nobody signed it.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry in the log, from 0.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub hashes: Vec<Hash>,
    /// The checkpoint file, verbatim.
    pub checkpoint: Vec<u8>,
}

impl TlogProof {
    /// A proof without extra data.
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: Vec<u8>) -> Self {
        Self { extra: None, index, hashes, checkpoint }
    }

    /// Reads a proof file; the checkpoint is left as it is until [`Self::verify`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > MAX_PROOF_FILE_BYTES {
            return Err(ProofFileError::TooLong(bytes.len()));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ProofFileError::NotUtf8)?;
        let rest = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(ProofFileError::Header)?;
        let (head, checkpoint) = rest.split_once("\n\n").ok_or(ProofFileError::Shape)?;
        let mut lines = head.split('\n').peekable();
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(parse_extra(line)?),
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(ProofFileError::IndexLine)?;
        let mut hashes = Vec::new();
        for (number, line) in lines.enumerate() {
            if number == MAX_PROOF_HASHES {
                return Err(ProofFileError::TooManyHashes);
            }
            let hash = base64_bytes(line).and_then(|bytes| bytes.try_into().ok());
            hashes.push(Hash(hash.ok_or(ProofFileError::HashLine(number + 1))?));
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let extra = self.extra.as_ref();
        let extra = extra.map(|bytes| format!("extra {}\n", base64_text(bytes)));
        let hashes = self.hashes.iter().map(|hash| base64_text(hash.0) + "\n");
        let text = format!(
            "{HEADER}\n{}index {}\n{}\n",
            extra.unwrap_or_default(),
            self.index,
            hashes.collect::<String>()
        );
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint);
        bytes
    }

    /// Checks that exactly this entry is in the log with this key; gives the log's checkpoint.
    pub fn verify(&self, entry: &[u8], log: &VerifierKey) -> Result<Checkpoint, ProofFileError> {
        Ok(self.verify_cosigned(entry, log, &[])?.checkpoint)
    }

    /// Like [`Self::verify`], and gathers the cosignatures of these witnesses.
    pub fn verify_cosigned(
        &self,
        entry: &[u8],
        log: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<CosignedCheckpoint, ProofFileError> {
        let opened = Checkpoint::open_cosigned(&self.checkpoint, log, witnesses)?;
        let Checkpoint { size, root, .. } = opened.checkpoint;
        verify_inclusion(leaf_hash(entry), self.index, size, &self.hashes, root)?;
        Ok(opened)
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, ProofFileError> {
    line.strip_prefix("extra ")
        .and_then(base64_bytes)
        .filter(|bytes| bytes.len() <= MAX_EXTRA_BYTES)
        .ok_or(ProofFileError::Extra)
}

#[cfg(test)]
mod tests;
