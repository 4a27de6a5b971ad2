//! What a witness keeps on disk.
//!
//! ```text
//! lock                       held by the one process that may cosign
//! logs/<sha256 of origin>    the checkpoint last cosigned, with the log's signatures and ours
//! cosigned                   the names of the files in `logs`, so that one that goes missing is missed
//! forks/<sha256>-<size>-<root>   two checkpoints of one size that a log signed, each in a file
//! ```

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use disclosure::merkle::Hash;
use disclosure::note::MAX_NOTE_BYTES;
use thiserror::Error;

/// Checkpoints kept of logs that were forked.
pub const MAX_FORKS: usize = 64;

const LOCK: &str = "lock";
const LOGS: &str = "logs";
const FORKS: &str = "forks";
const COSIGNED: &str = "cosigned";

/// Why the folder cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// Another process has it.
    #[error("another witness is running on {}: stop it first, two would cosign two histories", .0.display())]
    Locked(PathBuf),
    /// What was cosigned is gone.
    #[error(
        "{} is missing, and with it what this witness has cosigned: restore the newest copy of the folder; never start afresh with the same key", .0.display()
    )]
    StateGone(PathBuf),
    /// What was cosigned is there, under a key that is gone.
    #[error(
        "{} holds what a witness has cosigned, and its key is gone: put the key back, or begin in an empty folder with a new key and a new name", .0.display()
    )]
    KeyGone(PathBuf),
    /// A file is larger than any checkpoint.
    #[error("{} is larger than any checkpoint: restore the newest copy of the folder", .0.display())]
    TooLarge(PathBuf),
    /// The disk.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A witness's folder, for this process alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// What `cosigned` says.
    cosigned: Mutex<BTreeSet<String>>,
    /// The lock goes with it.
    _lock: File,
}

impl Folder {
    /// Makes the folder of a new witness; refuses one in which something was cosigned.
    pub fn create(path: &Path) -> Result<Self, StateError> {
        let logs = path.join(LOGS);
        std::fs::create_dir_all(&logs).map_err(|source| io_error(&logs, source))?;
        let folder = Self::open(path)?;
        let mut there = std::fs::read_dir(&logs).map_err(|source| io_error(&logs, source))?;
        if there.next().is_some() {
            return Err(StateError::KeyGone(logs));
        }
        sync_folder(path)?;
        Ok(folder)
    }

    /// Takes the folder of a witness that was started before.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let logs = path.join(LOGS);
        if !logs.is_dir() {
            return Err(StateError::StateGone(logs));
        }
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|source| io_error(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => {
                let cosigned = Mutex::new(read_cosigned(path)?);
                Ok(Self { path: path.to_path_buf(), cosigned, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(StateError::Locked(path.to_path_buf())),
            Err(TryLockError::Error(source)) => Err(io_error(&lock_path, source)),
        }
    }

    /// The checkpoint last cosigned of a log; fails when there was one and its file is gone.
    pub(crate) fn read(&self, origin: &str) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.log_path(origin);
        let mut cosigned = self.cosigned.lock().unwrap_or_else(PoisonError::into_inner);
        let most = u64::try_from(MAX_NOTE_BYTES).unwrap_or(u64::MAX);
        match std::fs::metadata(&path) {
            Ok(meta) if meta.len() > most => return Err(StateError::TooLarge(path)),
            // Cut off between the two files, or kept by a witness that had no such list.
            Ok(_) => self.list(&mut cosigned, origin)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if cosigned.contains(&file_name(origin)) {
                    Err(StateError::StateGone(path))
                } else {
                    Ok(None)
                };
            }
            Err(source) => return Err(io_error(&path, source)),
        }
        std::fs::read(&path).map(Some).map_err(|source| io_error(&path, source))
    }

    /// Puts a checkpoint in the place of the last one: either is there whole, whenever the power
    /// fails, and when this returns it is the new one.
    pub(crate) fn write(&self, origin: &str, checkpoint: &[u8]) -> Result<(), StateError> {
        replace(&self.log_path(origin), checkpoint)?;
        self.list(&mut self.cosigned.lock().unwrap_or_else(PoisonError::into_inner), origin)
    }

    fn list(&self, cosigned: &mut BTreeSet<String>, origin: &str) -> Result<(), StateError> {
        let name = file_name(origin);
        if cosigned.contains(&name) {
            return Ok(());
        }
        let listed = cosigned.iter().chain([&name]);
        let lines: String = listed.flat_map(|name| [name.as_str(), "\n"]).collect();
        replace(&self.path.join(COSIGNED), lines.as_bytes())?;
        cosigned.insert(name);
        Ok(())
    }

    /// Keeps one of two checkpoints of the same size: the log signed both, and that proves it.
    pub(crate) fn keep_fork(
        &self,
        origin: &str,
        size: u64,
        root: &Hash,
        checkpoint: &[u8],
    ) -> Result<(), StateError> {
        let forks = self.path.join(FORKS);
        std::fs::create_dir_all(&forks).map_err(|source| io_error(&forks, source))?;
        let file = forks.join(format!("{}-{size}-{root}", file_name(origin)));
        let there = std::fs::read_dir(&forks).map_err(|source| io_error(&forks, source))?;
        if file.exists() || there.count() >= MAX_FORKS {
            return Ok(());
        }
        replace(&file, checkpoint)
    }

    pub(crate) fn log_path(&self, origin: &str) -> PathBuf {
        self.path.join(LOGS).join(file_name(origin))
    }
}

/// The origin's name among files and addresses: the hex SHA-256 of it.
pub(crate) fn file_name(origin: &str) -> String {
    Hash::of(origin.as_bytes()).to_hex()
}

fn read_cosigned(folder: &Path) -> Result<BTreeSet<String>, StateError> {
    let path = folder.join(COSIGNED);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(source) => Err(io_error(&path, source)),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let beside = path.with_extension("new");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| io_error(&beside, source))?;
    std::fs::rename(&beside, path).map_err(|source| io_error(path, source))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// So that a name just given outlives a power failure.
fn sync_folder(path: &Path) -> Result<(), StateError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: io::Error) -> StateError {
    StateError::Io { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_after_a_new_start() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        assert_eq!(folder.read("a").unwrap(), None);
        folder.write("a", b"one").unwrap();
        folder.write("a", b"two").unwrap();
        folder.write("b", b"other").unwrap();
        drop(folder);
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(folder.read("a").unwrap().unwrap(), b"two");
        assert_eq!(folder.read("b").unwrap().unwrap(), b"other");
    }

    #[test]
    fn a_file_that_was_being_written_is_not_taken_for_the_state() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        folder.write("a", b"one").unwrap();
        std::fs::write(folder.log_path("a").with_extension("new"), b"hal").unwrap();
        assert_eq!(folder.read("a").unwrap().unwrap(), b"one");
        folder.write("a", b"two").unwrap();
        assert_eq!(folder.read("a").unwrap().unwrap(), b"two");
    }

    #[test]
    fn rejects_a_second_process() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::create(place.path()).unwrap();
        assert!(matches!(Folder::open(place.path()), Err(StateError::Locked(_))));
        drop(first);
        Folder::open(place.path()).unwrap();
    }

    #[test]
    fn rejects_a_folder_whose_state_or_key_is_gone() {
        let place = tempfile::tempdir().unwrap();
        assert!(matches!(Folder::open(place.path()), Err(StateError::StateGone(_))));
        let folder = Folder::create(place.path()).unwrap();
        drop(folder);
        // Cut off before the key was made: nothing was cosigned yet.
        let folder = Folder::create(place.path()).unwrap();
        folder.write("a", b"one").unwrap();
        drop(folder);
        assert!(matches!(Folder::create(place.path()), Err(StateError::KeyGone(_))));
    }

    #[test]
    fn rejects_to_begin_a_log_anew_whose_file_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        folder.write("a", b"one").unwrap();
        let gone = folder.log_path("a");
        std::fs::remove_file(&gone).unwrap();
        assert!(matches!(folder.read("a"), Err(StateError::StateGone(path)) if path == gone));
        drop(folder);
        let folder = Folder::open(place.path()).unwrap();
        assert!(matches!(folder.read("a"), Err(StateError::StateGone(path)) if path == gone));
        assert_eq!(folder.read("b").unwrap(), None);
    }

    #[test]
    fn what_was_cosigned_before_there_was_a_list_is_listed_when_it_is_read() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        folder.write("a", b"one").unwrap();
        drop(folder);
        std::fs::remove_file(place.path().join(COSIGNED)).unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(folder.read("a").unwrap().unwrap(), b"one");
        std::fs::remove_file(folder.log_path("a")).unwrap();
        assert!(matches!(folder.read("a"), Err(StateError::StateGone(_))));
    }

    #[test]
    fn rejects_a_file_larger_than_any_checkpoint() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        folder.write("a", &vec![b'a'; MAX_NOTE_BYTES + 1]).unwrap();
        assert!(matches!(folder.read("a"), Err(StateError::TooLarge(_))));
    }

    #[test]
    fn forks_are_kept_once_and_not_without_bound() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        let root = Hash::of(b"");
        for size in 0..100 {
            folder.keep_fork("a", size, &root, b"first").unwrap();
            folder.keep_fork("a", size, &root, b"again").unwrap();
        }
        let forks: Vec<_> = std::fs::read_dir(place.path().join(FORKS)).unwrap().collect();
        assert_eq!(forks.len(), MAX_FORKS);
        let first = place.path().join(FORKS).join(format!("{}-0-{root}", file_name("a")));
        assert_eq!(std::fs::read(first).unwrap(), b"first");
    }
}
