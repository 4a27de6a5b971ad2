//! What is cosigned, and that it is stored before.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disclosure::checkpoint::Checkpoint;
use disclosure::cosignature::Cosigner;
use disclosure::merkle::Hash;
use disclosure::note::{NoteError, NoteSignature, SignatureType, SignedNote, VerifierKey};
use disclosure::witness::{AddCheckpoint, Refusal, Seen, judge};
use thiserror::Error;

use crate::folder::{Folder, StateError};

/// Most log keys of one witness.
pub const MAX_LOGS: usize = 1_024;

/// The present time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Why a witness cannot begin.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No logs.
    #[error("a witness needs at least one log: give its verifier key")]
    NoLogs,
    /// Over [`MAX_LOGS`].
    #[error("a witness watches at most {MAX_LOGS} logs")]
    TooManyLogs,
    /// The verifier key of something else.
    #[error("{0} is not a log's verifier key (signature type 0x01)")]
    NotALogKey(VerifierKey),
    /// What was cosigned is not what this witness signed.
    #[error(
        "{} is not a checkpoint that this witness cosigned ({reason}): restore the newest copy of the folder, and never delete the file", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Error)]
pub enum AddError {
    /// By the rules.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state cannot be read or stored; the cause is for the log, not for the asker.
    #[error("the witness cannot store what it would cosign: {0}")]
    Failed(#[from] OpenError),
}

/// How far a log has been cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    /// The log's origin.
    pub origin: String,
    /// Entries that were cosigned.
    pub size: u64,
    /// Root over them; none before the first checkpoint.
    pub root: Option<Hash>,
    /// When, in Unix seconds.
    pub cosigned_at: Option<u64>,
    /// Checkpoints that were refused since the start although the log signed them.
    pub refused: u64,
    /// Why the last of them was.
    pub last_refusal: Option<String>,
}

/// What was last cosigned of a log.
#[derive(Debug, Clone, Default)]
struct Latest {
    seen: Seen,
    /// The checkpoint as it is stored; none before the first.
    note: Option<Vec<u8>>,
    cosigned_at: Option<u64>,
}

#[derive(Debug, Default)]
struct LogState {
    /// None where the disk has to be asked: after a failed write nobody knows which one is there.
    latest: Option<Latest>,
    refused: u64,
    last_refusal: Option<String>,
}

struct Log {
    keys: Vec<VerifierKey>,
    state: Mutex<LogState>,
}

/// A witness with its key, its logs and its folder.
pub struct Witness {
    cosigner: Cosigner,
    logs: BTreeMap<String, Log>,
    folder: Folder,
    clock: Clock,
}

impl Witness {
    /// A witness of the logs with these keys. Reads back what it has cosigned of each.
    pub fn open(
        folder: Folder,
        cosigner: Cosigner,
        log_keys: &[VerifierKey],
        clock: Clock,
    ) -> Result<Self, OpenError> {
        match log_keys.len() {
            0 => return Err(OpenError::NoLogs),
            1..=MAX_LOGS => {}
            _ => return Err(OpenError::TooManyLogs),
        }
        let mut logs = BTreeMap::<String, Log>::new();
        for key in log_keys {
            if key.signature_type() != SignatureType::Ed25519 {
                return Err(OpenError::NotALogKey(key.clone()));
            }
            let origin = key.name().to_string();
            let log = logs
                .entry(origin)
                .or_insert_with(|| Log { keys: Vec::new(), state: Mutex::default() });
            if !log.keys.contains(key) {
                log.keys.push(key.clone());
            }
        }
        let witness = Self { cosigner, logs, folder, clock };
        for (origin, log) in &witness.logs {
            witness.latest(origin, &mut log.lock())?;
        }
        Ok(witness)
    }

    /// The key that checks its cosignatures.
    pub fn verifier_key(&self) -> VerifierKey {
        self.cosigner.verifier_key()
    }

    /// Cosigns a checkpoint that continues what was cosigned before, after storing it. Blocks on
    /// the disk.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<NoteSignature, AddError> {
        let request = AddCheckpoint::parse(body).map_err(Refusal::from)?;
        let origin = &request.checkpoint().origin;
        let Some(log) = self.logs.get(origin) else {
            return Err(Refusal::unknown_log(origin).into());
        };
        let mut state = log.lock();
        let latest = self.latest(origin, &mut state)?;
        let mut note = match judge(&request, &log.keys, latest.seen) {
            Ok(note) => note,
            Err(refusal) => {
                self.note_refusal(&request, &refusal, &latest, &mut state);
                return Err(refusal.into());
            }
        };
        let now = self.now();
        let cosignature = self.cosigner.cosign(&note.text, now);
        note.signatures.push(cosignature.clone());
        let bytes = note.to_bytes();
        state.latest = None;
        self.folder.write(origin, &bytes).map_err(OpenError::from)?;
        let seen = Seen::from(request.checkpoint());
        state.latest = Some(Latest { seen, note: Some(bytes), cosigned_at: Some(now) });
        tracing::info!(%origin, size = seen.size, "cosigned");
        Ok(cosignature)
    }

    /// The present time in Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// How far each log has been cosigned, by origin.
    pub fn status(&self) -> Vec<LogStatus> {
        let status = |(origin, log): (&String, &Log)| {
            let mut state = log.lock();
            let latest = self.latest(origin, &mut state).unwrap_or_default();
            LogStatus {
                origin: origin.clone(),
                size: latest.seen.size,
                root: latest.note.is_some().then_some(latest.seen.root),
                cosigned_at: latest.cosigned_at,
                refused: state.refused,
                last_refusal: state.last_refusal.clone(),
            }
        };
        self.logs.iter().map(status).collect()
    }

    /// The checkpoint last cosigned of the log whose origin has this hex SHA-256.
    pub(crate) fn latest_by_hash(&self, hash: &str) -> Option<Vec<u8>> {
        let (_, log) =
            self.logs.iter().find(|(origin, _)| crate::folder::file_name(origin) == hash)?;
        log.lock().latest.as_ref()?.note.clone()
    }

    fn latest(&self, origin: &str, state: &mut LogState) -> Result<Latest, OpenError> {
        if let Some(latest) = &state.latest {
            return Ok(latest.clone());
        }
        let latest = match self.folder.read(origin)? {
            None => Latest::default(),
            Some(bytes) => self.read_back(origin, bytes).map_err(|reason| OpenError::Damaged {
                path: self.folder.log_path(origin),
                reason,
            })?,
        };
        state.latest = Some(latest.clone());
        Ok(latest)
    }

    fn read_back(&self, origin: &str, bytes: Vec<u8>) -> Result<Latest, String> {
        let said = |error: NoteError| error.to_string();
        let note = SignedNote::parse(&bytes).map_err(said)?;
        let note = note.verify(&[self.verifier_key()]).map_err(said)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(|error| error.to_string())?;
        if checkpoint.origin != origin {
            return Err(format!("it is of the log {}", checkpoint.origin));
        }
        let cosigned_at = note.signatures.iter().find_map(|signature| signature.unix_seconds);
        Ok(Latest { seen: Seen::from(&checkpoint), note: Some(bytes), cosigned_at })
    }

    /// Notes what a log asked for and did not get; a stranger's request says nothing of the log.
    fn note_refusal(
        &self,
        request: &AddCheckpoint,
        refusal: &Refusal,
        latest: &Latest,
        state: &mut LogState,
    ) {
        let Checkpoint { origin, size, root, .. } = request.checkpoint();
        match refusal {
            // How a log asks how far this witness is.
            Refusal::OtherSize { seen, .. } if size >= seen => return,
            Refusal::OtherSize { .. } | Refusal::OldAboveNew { .. } | Refusal::Proof(_) => {
                tracing::warn!(%origin, size, %refusal, "not cosigned");
            }
            Refusal::OtherRoot(_) => {
                tracing::error!(%origin, size, %refusal, "not cosigned: keep the folder forks");
                let ours = latest.note.as_deref().unwrap_or_default();
                let kept =
                    self.folder.keep_fork(origin, *size, &latest.seen.root, ours).and_then(|()| {
                        self.folder.keep_fork(origin, *size, root, &request.note_bytes())
                    });
                if let Err(error) = kept {
                    tracing::error!(%error, "the fork's proof could not be kept");
                }
            }
            Refusal::Malformed(_) | Refusal::UnknownLog(_) | Refusal::NotSigned(_) => return,
        }
        state.refused += 1;
        state.last_refusal = Some(refusal.to_string());
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").field("key", &self.verifier_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
