//! The last checkpoint that was seen of each log, from one audit to the next.
//!
//! ```json
//! {"version":1,"logs":[{"key":"<verifier key>","checkpoint":"<signed note>"}]}
//! ```
//!
//! A log is known by its verifier key, which begins with its origin. A checkpoint that its key did not sign does not
//! stand here.

use std::collections::BTreeMap;

use disclosure::checkpoint::{Checkpoint, CheckpointError};
use disclosure::note::VerifierKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest memory.
pub const MAX_MEMORY_BYTES: usize = 4 * 1024 * 1024;
/// The most logs of one memory.
const MAX_LOGS: usize = 1_000;
const VERSION: u32 = 1;

/// Why bytes are not a memory.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// Over [`MAX_MEMORY_BYTES`].
    #[error("it has {0} bytes, {MAX_MEMORY_BYTES} at most are read: move it away")]
    TooLong(usize),
    /// Not the JSON of a memory.
    #[error("it cannot be read: {0}; move it away, what it held is then forgotten")]
    Malformed(#[from] serde_json::Error),
    /// Of a version that is not known.
    #[error("it is of version {0}, and this program reads version {VERSION}: use a newer program")]
    Version(u32),
    /// Over `MAX_LOGS`.
    #[error("it holds {0} logs, {MAX_LOGS} at most: name another file")]
    TooManyLogs(usize),
    /// A key that cannot be read.
    #[error("it names the log key {0:?}, which cannot be read")]
    Key(String),
    /// One log twice.
    #[error("it holds the log {0} twice")]
    Twice(String),
    /// A checkpoint that is not the log's.
    #[error("its checkpoint of {key} does not hold: {source}")]
    Checkpoint {
        /// The log's key.
        key: String,
        /// What is wrong.
        source: CheckpointError,
    },
}

/// What is known of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The latest checkpoint.
    pub checkpoint: Checkpoint,
    /// Its file.
    pub note: String,
}

/// What is known of all logs, by their verifier keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory(BTreeMap<String, Known>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    logs: Vec<WireLog>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLog {
    key: String,
    checkpoint: String,
}

impl Known {
    /// Reads a checkpoint file that the log with this key signed.
    pub fn read(note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::open(note.as_bytes(), key)?;
        Ok(Self { checkpoint, note: note.to_owned() })
    }
}

impl Memory {
    /// Reads a memory; checks every checkpoint's signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, MemoryError> {
        if bytes.len() > MAX_MEMORY_BYTES {
            return Err(MemoryError::TooLong(bytes.len()));
        }
        let wire: Wire = serde_json::from_slice(bytes)?;
        if wire.version != VERSION {
            return Err(MemoryError::Version(wire.version));
        }
        if wire.logs.len() > MAX_LOGS {
            return Err(MemoryError::TooManyLogs(wire.logs.len()));
        }
        let mut memory = Self::default();
        for WireLog { key, checkpoint } in wire.logs {
            let read = VerifierKey::parse(&key).ok().filter(|read| read.to_string() == key);
            let read = read.ok_or_else(|| MemoryError::Key(key.chars().take(200).collect()))?;
            let known = Known::read(&checkpoint, &read)
                .map_err(|source| MemoryError::Checkpoint { key: key.clone(), source })?;
            if memory.0.insert(key.clone(), known).is_some() {
                return Err(MemoryError::Twice(key));
            }
        }
        Ok(memory)
    }

    /// The bytes of a memory.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let log = |(key, known): (&String, &Known)| WireLog {
            key: key.clone(),
            checkpoint: known.note.clone(),
        };
        let wire = Wire { version: VERSION, logs: self.0.iter().map(log).collect() };
        let mut bytes = serde_json::to_vec_pretty(&wire)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// What is known of the log with this key.
    pub fn of(&self, key: &VerifierKey) -> Option<&Known> {
        self.0.get(&key.to_string())
    }

    /// Other keys under which a log of the same name was seen.
    pub fn other_keys(&self, key: &VerifierKey) -> Vec<&str> {
        let own = key.to_string();
        let of_name = |known: &Known| known.checkpoint.origin == key.name().as_str();
        let others = self.0.iter().filter(|(other, known)| **other != own && of_name(known));
        others.map(|(other, _)| other.as_str()).collect()
    }

    /// Keeps a later checkpoint of a log; returns whether there is anything new to keep. What stands here now must be
    /// what the caller has compared the new one with, for another audit may have ended in the meantime.
    pub fn keep(&mut self, key: &VerifierKey, compared: Option<&Known>, new: Known) -> bool {
        let key = key.to_string();
        let now = self.0.get(&key);
        let later = now.is_none_or(|now| now.checkpoint.size < new.checkpoint.size);
        if now != compared || !later || self.0.len() >= MAX_LOGS && now.is_none() {
            return false;
        }
        self.0.insert(key, new);
        true
    }
}

#[cfg(test)]
mod tests {
    use disclosure::key::SigningKey;
    use disclosure::merkle::Hash;

    use super::*;
    use crate::testing::{ORIGIN, TestLog};

    fn log() -> TestLog {
        TestLog::founded()
    }

    fn known(log: &TestLog, size: u64) -> Known {
        let note = Checkpoint::new(ORIGIN, size, Hash([7; 32])).sign(&log.key).unwrap();
        Known::read(&String::from_utf8(note).unwrap(), &log.verifier_key()).unwrap()
    }

    fn kept(log: &TestLog, size: u64) -> Memory {
        let mut memory = Memory::default();
        assert!(memory.keep(&log.verifier_key(), None, known(log, size)));
        memory
    }

    #[test]
    fn round_trips() {
        let memory = kept(&log(), 5);
        assert_eq!(Memory::parse(&memory.to_json().unwrap()).unwrap(), memory);
        let empty = Memory::default();
        assert_eq!(Memory::parse(&empty.to_json().unwrap()).unwrap(), empty);
    }

    #[test]
    fn keeps_only_what_is_later_and_was_compared_with_what_it_knows() {
        let log = log();
        let key = log.verifier_key();
        let mut memory = kept(&log, 5);
        let five = known(&log, 5);
        assert!(!memory.keep(&key, None, known(&log, 9)), "somebody else kept one meanwhile");
        assert!(!memory.keep(&key, Some(&five), known(&log, 4)));
        assert!(!memory.keep(&key, Some(&five), known(&log, 5)));
        assert!(memory.keep(&key, Some(&five), known(&log, 6)));
        assert_eq!(memory.of(&key), Some(&known(&log, 6)));
    }

    #[test]
    fn knows_a_name_under_another_key() {
        let log = log();
        let memory = kept(&log, 5);
        let mut other = log.clone();
        other.key = SigningKey::from_bytes(&[98; 32]);
        assert_eq!(memory.of(&other.verifier_key()), None);
        assert_eq!(memory.other_keys(&other.verifier_key()), [log.verifier_key().to_string()]);
        assert!(memory.other_keys(&log.verifier_key()).is_empty());
    }

    fn refused(bend: impl Fn(&mut serde_json::Value)) -> MemoryError {
        let mut json: serde_json::Value =
            serde_json::from_slice(&kept(&log(), 5).to_json().unwrap()).unwrap();
        bend(&mut json);
        Memory::parse(json.to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn rejects_what_is_too_long() {
        let error = Memory::parse(&vec![b' '; MAX_MEMORY_BYTES + 1]).unwrap_err();
        assert!(matches!(error, MemoryError::TooLong(_)));
    }

    #[test]
    fn rejects_what_is_no_memory() {
        assert!(matches!(Memory::parse(b"{}").unwrap_err(), MemoryError::Malformed(_)));
        let error = refused(|json| json["more"] = 1.into());
        assert!(matches!(error, MemoryError::Malformed(_)));
    }

    #[test]
    fn rejects_another_version() {
        let error = refused(|json| json["version"] = 2.into());
        assert!(matches!(error, MemoryError::Version(2)));
    }

    #[test]
    fn rejects_too_many_logs() {
        let error = refused(|json| json["logs"] = vec![json["logs"][0].clone(); 1_001].into());
        assert!(matches!(error, MemoryError::TooManyLogs(1_001)));
    }

    #[test]
    fn rejects_a_key_that_cannot_be_read() {
        let error = refused(|json| json["logs"][0]["key"] = "key".into());
        assert!(matches!(error, MemoryError::Key(_)));
    }

    #[test]
    fn rejects_one_log_twice() {
        let error = refused(|json| json["logs"] = vec![json["logs"][0].clone(); 2].into());
        assert!(matches!(error, MemoryError::Twice(_)));
    }

    #[test]
    fn rejects_a_checkpoint_that_the_log_did_not_sign() {
        let error = refused(|json| {
            let note = json["logs"][0]["checkpoint"].as_str().unwrap().replace("\n5\n", "\n6\n");
            json["logs"][0]["checkpoint"] = note.into();
        });
        assert!(matches!(error, MemoryError::Checkpoint { .. }));
    }
}
