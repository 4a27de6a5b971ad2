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

/// A copy of a log: a folder, a web server, a map in memory. Several threads read from it at once.
///
/// Paths are those of an exported log, with `/` between their parts: `checkpoint`, `log.vkey`,
/// `tile/…`, `tile/entries/…`, `attachments/<sha256>`.
pub trait Source: Sync {
    /// The whole file at `path`; `None` where there is none.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// Shows the paths of all files of the copy, one by one, for there may be millions; shows none where the source
    /// cannot tell, as a web server cannot.
    fn each(&self, show: &mut dyn FnMut(&str)) -> Result<(), SourceError>;
}

impl Source for BTreeMap<String, Vec<u8>> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.get(path).cloned())
    }

    fn each(&self, show: &mut dyn FnMut(&str)) -> Result<(), SourceError> {
        for path in self.keys() {
            show(path);
        }
        Ok(())
    }
}
