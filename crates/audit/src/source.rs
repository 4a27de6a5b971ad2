//! Where a copy of the log is read from.

use std::collections::BTreeMap;

use disclosure::attachment::MAX_ATTACHMENT_BYTES;
use thiserror::Error;

/// The longest file of a log copy: its longest attachment. A source need not read further.
pub const MAX_FILE_BYTES: u64 = MAX_ATTACHMENT_BYTES;

/// Why a file could not be read, although it may be there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot be read: {reason}")]
pub struct SourceError {
    /// What went wrong, as the disk or the network says it.
    pub reason: String,
}

/// A copy of a log: a folder, a web server, a map in memory.
///
/// Paths are those of an exported log, with `/` between their parts: `checkpoint`, `log.vkey`,
/// `tile/…`, `tile/entries/…`, `attachments/<sha256>`.
pub trait Source {
    /// The whole file at `path`; `None` where there is none.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// The paths of all files of the copy; `None` where the source cannot tell, as a web server
    /// cannot.
    fn list(&self) -> Result<Option<Vec<String>>, SourceError>;
}

impl Source for BTreeMap<String, Vec<u8>> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.get(path).cloned())
    }

    fn list(&self) -> Result<Option<Vec<String>>, SourceError> {
        Ok(Some(self.keys().cloned().collect()))
    }
}
