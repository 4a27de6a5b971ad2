//! Single files of the copy: the log's key, its checkpoint, attachments, and whatever else the log calls for.

use disclosure::attachment::AttachmentRef;
use disclosure::checkpoint::Checkpoint;
use disclosure::note::{SignedNote, VerifierKey};

use crate::finding::{Findings, Place, Rule};
use crate::source::{MAX_FILE_BYTES, Source};

/// The longest log that an audit reads: a district's postings of a thousand years.
pub const MAX_LOG_ENTRIES: u64 = 1 << 24;

/// Path of the checkpoint.
pub(crate) const CHECKPOINT_PATH: &str = "checkpoint";
/// Path of the log's verifier key.
pub(crate) const KEY_PATH: &str = "log.vkey";

/// What stands at the head of a copy.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) key: Option<VerifierKey>,
    /// What the checkpoint says, even if its signature was refused: to go on with, not to trust.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The checkpoint's file, if the log's key signed it.
    pub(crate) signed: Option<String>,
}

impl Head {
    pub(crate) fn read(
        source: &impl Source,
        trusted: Option<&VerifierKey>,
        findings: &mut Findings,
    ) -> Self {
        let key = read_key(source, trusted, findings);
        let mut head = Self { key, ..Self::default() };
        head.read_checkpoint(source, findings);
        if let Some(size) = head.checkpoint.as_ref().map(|checkpoint| checkpoint.size)
            && size > MAX_LOG_ENTRIES
        {
            let says = format_args!(
                "the checkpoint claims {size} entries, {MAX_LOG_ENTRIES} at most are read"
            );
            findings.add(Place::Checkpoint, Rule::LogTooLong, says);
        }
        head
    }

    /// The size up to which entries are read.
    pub(crate) fn size(&self) -> u64 {
        let size = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
        if size > MAX_LOG_ENTRIES { 0 } else { size }
    }

    fn read_checkpoint(&mut self, source: &impl Source, findings: &mut Findings) {
        let Some(bytes) = read_file(source, CHECKPOINT_PATH, findings) else { return };
        let opened = match &self.key {
            Some(key) => Checkpoint::open(&bytes, key).map_err(|error| error.to_string()),
            None => Err("its signature cannot be checked without the log's key".to_owned()),
        };
        match opened {
            Ok(checkpoint) => {
                self.checkpoint = Some(checkpoint);
                self.signed = String::from_utf8(bytes).ok();
            }
            Err(says) => {
                findings.add(Place::Checkpoint, Rule::Checkpoint, says);
                let note = SignedNote::parse(&bytes).ok();
                self.checkpoint = note.and_then(|note| Checkpoint::parse(&note.text).ok());
            }
        }
    }
}

/// A file that must be there, or a finding that says why it is not.
pub(crate) fn read_file(
    source: &impl Source,
    path: &str,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    let bytes = read_if_there(source, path, findings);
    match bytes {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => {
            findings.add(Place::File(path.to_owned()), Rule::FileMissing, "the file is missing");
            None
        }
        Err(Found) => None,
    }
}

/// The attachment that entry `index` names, or a finding that says why it is not at hand.
pub(crate) fn read_attachment(
    source: &impl Source,
    index: u64,
    named: &AttachmentRef,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    let sha256 = named.sha256;
    match read_if_there(source, &named.path(), findings).ok()? {
        Some(bytes) if named.matches(&bytes).is_ok() => Some(bytes),
        Some(_) => {
            let says = format_args!(
                "attachment {sha256} is altered: it does not have the hash and length that the statement names"
            );
            findings.add(Place::Entry(index), Rule::AttachmentAltered, says);
            None
        }
        None => {
            let says = format_args!("attachment {sha256} is missing from this copy of the log");
            findings.add(Place::Entry(index), Rule::AttachmentMissing, says);
            None
        }
    }
}

/// A finding was added.
struct Found;

/// A file that may be there.
fn read_if_there(
    source: &impl Source,
    path: &str,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>, Found> {
    let place = || Place::File(path.to_owned());
    match source.read(path) {
        Ok(Some(bytes)) if u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_FILE_BYTES) => {
            Ok(Some(bytes))
        }
        Ok(Some(_)) => {
            let says = format_args!("the file is longer than {MAX_FILE_BYTES} bytes");
            findings.add(place(), Rule::FileTooLong, says);
            Err(Found)
        }
        Ok(None) => Ok(None),
        Err(error) => {
            findings.add(place(), Rule::Unreadable, error);
            Err(Found)
        }
    }
}

/// The trusted key, or that of the copy.
fn read_key(
    source: &impl Source,
    trusted: Option<&VerifierKey>,
    findings: &mut Findings,
) -> Option<VerifierKey> {
    let Some(bytes) = read_file(source, KEY_PATH, findings) else {
        return trusted.cloned();
    };
    let place = || Place::File(KEY_PATH.to_owned());
    let text = String::from_utf8_lossy(&bytes);
    let stated = match VerifierKey::parse(text.strip_suffix('\n').unwrap_or(&text)) {
        Ok(key) => key,
        Err(error) => {
            findings.add(place(), Rule::LogKey, error);
            return trusted.cloned();
        }
    };
    match trusted {
        Some(trusted) if *trusted != stated => {
            let says = format_args!("the copy's key {stated} is not the trusted {trusted}");
            findings.add(place(), Rule::LogKey, says);
            Some(trusted.clone())
        }
        _ => Some(stated),
    }
}
