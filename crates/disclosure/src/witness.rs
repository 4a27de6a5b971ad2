//! What a log and its witnesses say to each other (C2SP tlog-witness, `add-checkpoint`).
//!
//! ```text
//! POST <prefix>/add-checkpoint
//!
//! old <size, decimal>\n
//! [<base64 of a proof hash>\n …, at most 63]
//! \n
//! <the checkpoint file>
//! ```
//!
//! The proof is a consistency proof (RFC 6962 §2.1.2) from the old size to the checkpoint's. The
//! answer to a checkpoint that only adds to what the witness saw is its cosignature, as signature
//! lines of a note ([`crate::cosignature`]). An old size that is not the witness's is answered
//! with `<the witness's size>\n` as [`SIZE_MEDIA_TYPE`].
//!
//! Another root at the witness's own size is answered with 409 and no size, as the specification
//! wants it; a log takes 422 for the same. The newest draft has the monitoring route
//! `<prefix>/<hex SHA-256 of the origin>/checkpoint`, which [`checkpoint_path`] spells.

use thiserror::Error;

use crate::canonical::{base64_bytes, base64_text, decimal};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::merkle::{Hash, ProofError, empty_root, verify_consistency};
use crate::note::{
    MAX_KEY_NAME_BYTES, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, NoteError, NoteSignature, SignedNote,
    VerifierKey,
};

/// Most proof lines of a request.
pub const MAX_PROOF_LINES: usize = 63;
/// Longest request: a checkpoint, and before it the old size and 63 hashes of 44 characters each.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + MAX_PROOF_LINES * 45 + 32;
/// Longest answer that is read.
pub const MAX_ANSWER_BYTES: usize = 65_536;
/// Where a request goes, below a witness's prefix.
pub const ADD_CHECKPOINT_PATH: &str = "/add-checkpoint";
/// The media type of a size.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// Why the bytes of a request are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Over [`MAX_REQUEST_BYTES`].
    #[error("a request of {0} bytes is over {MAX_REQUEST_BYTES}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("a request is UTF-8 text")]
    NotUtf8,
    /// No blank line between proof and checkpoint.
    #[error("a request is an old size, proof lines, a blank line and a checkpoint")]
    Shape,
    /// A first line that is not `old <size>`.
    #[error("a request's first line is 'old <size>' with a decimal size, not {0:?}")]
    OldSize(String),
    /// More than [`MAX_PROOF_LINES`].
    #[error("a request has at most {MAX_PROOF_LINES} proof lines")]
    TooManyProofLines,
    /// A line that is not the one base64 text of a hash.
    #[error("proof line {0} is not 32 bytes in base64 with padding")]
    ProofLine(usize),
    /// The note after the blank line is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A request to cosign a checkpoint. Its signatures have not been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    note: SignedNote,
    checkpoint: Checkpoint,
}

impl AddCheckpoint {
    /// A request for this signed checkpoint, which the proof shows to continue the old size.
    pub fn new(old_size: u64, proof: Vec<Hash>, note: SignedNote) -> Result<Self, RequestError> {
        if proof.len() > MAX_PROOF_LINES {
            return Err(RequestError::TooManyProofLines);
        }
        let checkpoint = Checkpoint::parse(&note.text)?;
        Ok(Self { old_size, proof, note, checkpoint })
    }

    /// Reads a request; checks its form, not its signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong(bytes.len()));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| RequestError::NotUtf8)?;
        let (head, note) = text.split_once("\n\n").ok_or(RequestError::Shape)?;
        let mut lines = head.split('\n');
        let first = lines.next().unwrap_or_default();
        let old_size = first
            .strip_prefix("old ")
            .and_then(decimal)
            .ok_or_else(|| RequestError::OldSize(first.chars().take(64).collect()))?;
        let mut proof = Vec::new();
        for (number, line) in lines.enumerate() {
            if number == MAX_PROOF_LINES {
                return Err(RequestError::TooManyProofLines);
            }
            let hash = base64_bytes(line).and_then(|bytes| bytes.try_into().ok());
            proof.push(Hash(hash.ok_or(RequestError::ProofLine(number + 1))?));
        }
        Self::new(old_size, proof, SignedNote::parse(note.as_bytes())?)
    }

    /// The bytes of the request.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            text.push_str(&base64_text(hash.0));
            text.push('\n');
        }
        text.push('\n');
        [text.into_bytes(), self.note.to_bytes()].concat()
    }

    /// The size that the proof starts from.
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The checkpoint file as it was handed in, with all its signatures.
    pub fn note_bytes(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    /// The checkpoint; trust it only after [`judge`].
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// How much of a log a witness has seen: nothing, unless it cosigned before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Default for Seen {
    fn default() -> Self {
        Self { size: 0, root: empty_root() }
    }
}

impl From<&Checkpoint> for Seen {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self { size: checkpoint.size, root: checkpoint.root }
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Bytes that are no request. 400.
    #[error(transparent)]
    Malformed(#[from] RequestError),
    /// A log that the witness was not told of. 404.
    #[error("this witness does not watch the log {0:?}: ask its operator to add the log's key")]
    UnknownLog(String),
    /// No signature by a key that is trusted for the origin, or one that does not hold. 403.
    #[error("the checkpoint is not signed by the log's key: {0}")]
    NotSigned(NoteError),
    /// An old size above the checkpoint's. 400.
    #[error("the old size {old} is above the checkpoint's {new}")]
    OldAboveNew {
        /// The old size.
        old: u64,
        /// The checkpoint's size.
        new: u64,
    },
    /// Another old size than the witness's. 409, with the witness's.
    #[error("this witness has cosigned {seen} entries, not {old}: prove from there")]
    OtherSize {
        /// The size that the witness has cosigned.
        seen: u64,
        /// The old size.
        old: u64,
    },
    /// The same size with another root: the log has two histories. 409.
    #[error("this witness has cosigned another root for {0} entries: the log was forked")]
    OtherRoot(u64),
    /// The proof does not lead from what the witness has seen to the checkpoint. 422.
    #[error("the checkpoint is not shown to continue what this witness cosigned: {0}")]
    Proof(ProofError),
}

impl Refusal {
    /// That a witness was not told of this log.
    pub fn unknown_log(origin: &str) -> Self {
        Self::UnknownLog(origin.chars().take(MAX_KEY_NAME_BYTES).collect())
    }

    /// The HTTP status that says so.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldAboveNew { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::OtherSize { .. } | Self::OtherRoot(_) => 409,
            Self::Proof(_) => 422,
        }
    }
}

/// Checks a request against the keys that are trusted for its origin and what the witness has seen
/// of that log. What is returned may be cosigned: the checkpoint's text and the log's signatures.
pub fn judge(
    request: &AddCheckpoint,
    log_keys: &[VerifierKey],
    seen: Seen,
) -> Result<SignedNote, Refusal> {
    let (old, new) = (request.old_size, &request.checkpoint);
    let trusted: Vec<VerifierKey> =
        log_keys.iter().filter(|key| key.name().as_str() == new.origin).cloned().collect();
    if trusted.is_empty() {
        return Err(Refusal::unknown_log(&new.origin));
    }
    let verified = request.note.clone().verify(&trusted).map_err(Refusal::NotSigned)?;
    if old > new.size {
        return Err(Refusal::OldAboveNew { old, new: new.size });
    }
    if old != seen.size {
        return Err(Refusal::OtherSize { seen: seen.size, old });
    }
    if old == new.size && seen.root != new.root {
        return Err(Refusal::OtherRoot(old));
    }
    verify_consistency(old, new.size, &request.proof, seen.root, new.root)
        .map_err(Refusal::Proof)?;
    let by_log = |line: &&NoteSignature| {
        verified
            .signatures
            .iter()
            .any(|known| *known.key.name() == line.name && known.key.key_id() == line.key_id)
    };
    let signatures = request.note.signatures.iter().filter(by_log).cloned().collect();
    Ok(SignedNote { text: verified.text, signatures })
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned.
    Cosigned(NoteSignature),
    /// It has cosigned this many entries: prove from there.
    Size(u64),
    /// What it has cosigned is another history of the log, in its own words.
    OtherHistory(String),
    /// It does not cosign, for another reason, in its own words.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its words.
        words: String,
    },
}

/// Longest text of a refusal that is kept, in characters.
const MAX_WORDS_CHARS: usize = 200;

/// Reads a witness's answer to a request with this checkpoint text. A cosignature is checked.
pub fn read_answer(
    status: u16,
    media_type: &str,
    body: &[u8],
    text: &str,
    witness: &VerifierKey,
) -> Result<Answer, AnswerError> {
    let words = || {
        let words = String::from_utf8_lossy(body);
        let words = words.chars().map(|c| if c.is_control() { ' ' } else { c });
        words.take(MAX_WORDS_CHARS).collect::<String>().trim().to_owned()
    };
    match status {
        200 => read_cosignature(body, text, witness).map(Answer::Cosigned),
        409 if media_type == SIZE_MEDIA_TYPE => read_size(body).map(Answer::Size),
        409 | 422 => Ok(Answer::OtherHistory(words())),
        _ => Ok(Answer::Refused { status, words: words() }),
    }
}

/// Why a witness's answer is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// Over [`MAX_ANSWER_BYTES`] or [`MAX_NOTE_SIGNATURES`], or not signature lines.
    #[error("the witness's answer is not made of signature lines")]
    Shape,
    /// No line of the witness's key.
    #[error("the witness's answer has no cosignature of {0}: compare its verifier key")]
    NotIts(String),
    /// The cosignature does not hold.
    #[error("the witness's cosignature does not hold: {0}")]
    Bad(NoteError),
    /// Not a size and a newline.
    #[error("the witness's answer is not a size and a newline")]
    Size,
}

/// The cosignature of this witness over a checkpoint's text, out of its answer. Lines of other
/// keys are ignored.
pub fn read_cosignature(
    answer: &[u8],
    text: &str,
    witness: &VerifierKey,
) -> Result<NoteSignature, AnswerError> {
    let lines = core::str::from_utf8(answer).ok().and_then(|text| text.strip_suffix('\n'));
    let lines: Vec<&str> = lines.ok_or(AnswerError::Shape)?.split('\n').collect();
    if answer.len() > MAX_ANSWER_BYTES || lines.len() > MAX_NOTE_SIGNATURES {
        return Err(AnswerError::Shape);
    }
    let signatures: Option<Vec<NoteSignature>> =
        lines.into_iter().map(NoteSignature::from_line).collect();
    let of_witness = |signature: &NoteSignature| {
        signature.name == *witness.name() && signature.key_id == witness.key_id()
    };
    let its = signatures.ok_or(AnswerError::Shape)?.into_iter().find(of_witness);
    let its = its.ok_or_else(|| AnswerError::NotIts(witness.to_string()))?;
    SignedNote { text: text.to_owned(), signatures: vec![its.clone()] }
        .verify(core::slice::from_ref(witness))
        .map_err(AnswerError::Bad)?;
    Ok(its)
}

/// The text of a size.
pub fn size_text(size: u64) -> String {
    format!("{size}\n")
}

/// Reads a size.
pub fn read_size(answer: &[u8]) -> Result<u64, AnswerError> {
    let text = core::str::from_utf8(answer).ok().and_then(|text| text.strip_suffix('\n'));
    text.and_then(decimal).ok_or(AnswerError::Size)
}

/// Where a witness shows what it last cosigned of a log, below its prefix.
pub fn checkpoint_path(origin: &str) -> String {
    format!("/{}/checkpoint", Hash::of(origin.as_bytes()))
}

#[cfg(test)]
mod tests;
