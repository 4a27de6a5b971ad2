//! The file in which audits remember the checkpoints that they saw.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use audit::{Known, Memory};
use disclosure::note::VerifierKey;

/// The file's name in the program's part of the state folder.
const FILE_NAME: &str = "seen-logs.json";

/// `$XDG_STATE_HOME/mingqu/seen-logs.json`, or below `~/.local/state`; none where the environment names neither folder.
pub fn default_path() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local").join("state")))?;
    Some(state.join("mingqu").join(FILE_NAME))
}

/// What the file holds; nothing where there is none yet.
pub fn load(path: &Path) -> anyhow::Result<Memory> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Memory::default()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    Memory::parse(&bytes).with_context(|| format!("the state file {}", path.display()))
}

/// Puts a later checkpoint of a log into the file, unless another audit was quicker. Returns whether it did.
///
/// Whoever writes holds a lock beside the file, and the file is replaced as a whole: two audits at once lose nothing,
/// and one that is killed leaves the old file or the new one.
pub fn keep(
    path: &Path,
    key: &VerifierKey,
    compared: Option<&Known>,
    new: Known,
) -> anyhow::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = lock(path)?;
    let mut memory = load(path)?;
    if !memory.keep(key, compared, new) {
        return Ok(false);
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    file.write_all(&memory.to_json()?)?;
    file.as_file().sync_all()?;
    file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// A lock that lasts until it is dropped.
fn lock(path: &Path) -> anyhow::Result<File> {
    let mut name = path.file_name().ok_or_else(|| anyhow!("--state names no file"))?.to_owned();
    name.push(".lock");
    let beside = path.with_file_name(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside)
        .with_context(|| format!("cannot write {}", beside.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", beside.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use disclosure::checkpoint::Checkpoint;
    use disclosure::key::{PublicKey, SigningKey};
    use disclosure::merkle::Hash;
    use disclosure::note::{KeyName, SignatureType};

    use super::*;

    fn log(number: u8) -> (VerifierKey, impl Fn(u64) -> Known) {
        let key = SigningKey::from_bytes(&[number; 32]);
        let name = format!("log-{number}.example");
        let verifier = VerifierKey::new(
            KeyName::new(name.clone()).unwrap(),
            SignatureType::Ed25519,
            PublicKey::of(&key),
        );
        let own = verifier.clone();
        let known = move |size| {
            let note = Checkpoint::new(name.clone(), size, Hash([1; 32])).sign(&key).unwrap();
            Known::read(&String::from_utf8(note).unwrap(), &own).unwrap()
        };
        (verifier, known)
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("state.json");
        std::thread::scope(|scope| {
            for number in 1..=8 {
                let path = &path;
                scope.spawn(move || {
                    let (key, known) = log(number);
                    let mut before = None;
                    for size in 1..=5 {
                        assert!(keep(path, &key, before.as_ref(), known(size)).unwrap());
                        before = Some(known(size));
                    }
                });
            }
        });
        let memory = load(&path).unwrap();
        for number in 1..=8 {
            let (key, known) = log(number);
            assert_eq!(memory.of(&key), Some(&known(5)));
        }
    }

    #[test]
    fn who_was_quicker_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let (key, known) = log(1);
        assert!(keep(&path, &key, None, known(5)).unwrap());
        assert!(!keep(&path, &key, None, known(9)).unwrap());
        assert!(!keep(&path, &key, Some(&known(5)), known(3)).unwrap());
        assert_eq!(load(&path).unwrap().of(&key), Some(&known(5)));
    }

    #[test]
    fn rejects_a_file_that_is_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        std::fs::write(&path, "{}").unwrap();
        let (key, known) = log(1);
        let error = keep(&path, &key, None, known(5)).unwrap_err();
        assert!(format!("{error:#}").contains("state.json"), "{error:#}");
        assert_eq!(std::fs::read(&path).unwrap(), b"{}");
    }
}
