//! The witnesses of the log: who they are, how they are reached, what they said last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disclosure::merkle::Hash;
use disclosure::note::{NoteSignature, SignedNote, VerifierKey};
use disclosure::witness::{AddCheckpoint, Answer, read_answer};
use disclosure::witness_policy::{PolicyWitness, WitnessPolicy};
use domain::Timestamp;
use thiserror::Error;

use crate::LogReader;

/// How often a witness is asked anew from the size that it names.
const MAX_ASKING_TRIES: usize = 3;
/// After the first failed attempt; each further one waits twice as long.
const FIRST_RETRY_MILLIS: i64 = 1_000;
/// The longest wait between two attempts.
const MAX_RETRY_MILLIS: i64 = 60_000;

/// What came back from a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessReply {
    /// The HTTP status.
    pub status: u16,
    /// The media type, as it stands in the answer.
    pub media_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Reaches witnesses (C2SP tlog-witness).
pub trait WitnessClient: Send + Sync + 'static {
    /// Sends a request to the witness with this URL prefix. It may block and ends within seconds;
    /// an error says why the witness was not reached.
    fn add_checkpoint(&self, prefix: &str, request: &[u8]) -> Result<WitnessReply, String>;
}

/// Why the witnesses of a policy cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WitnessesError {
    /// Without an address nobody is asked.
    #[error("witness {0} has no URL: append it to its line, the server must reach it")]
    NoUrl(String),
}

/// A witness holds a history of this log that its database does not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Contradiction {
    /// More entries than are stored.
    #[error(
        "witness {witness} has cosigned {cosigned} entries of this log and the database has {stored}: an old backup was restored; stop, restore the newest backup, and never delete the witness's state"
    )]
    Ahead {
        /// Who.
        witness: String,
        /// The entries that it has cosigned.
        cosigned: u64,
        /// The entries that are stored.
        stored: u64,
    },
    /// Other entries than those that are stored.
    #[error(
        "witness {witness} has cosigned another history of this log ({words}): the database is not the one that was published, or two servers post under one log key; stop, restore the published one, and never delete the witness's state"
    )]
    OtherHistory {
        /// Who.
        witness: String,
        /// Its words.
        words: String,
    },
}

/// What is known of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessStatus {
    /// What the policy calls it.
    pub name: String,
    /// Entries that it has cosigned, as far as this server knows.
    pub cosigned: Option<u64>,
    /// When it last answered or failed to.
    pub asked_at: Option<Timestamp>,
    /// Why it did not cosign when it was last asked; none where it did.
    pub failure: Option<String>,
}

/// What asking one witness came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Cosigned(NoteSignature),
    Contradicts(Contradiction),
    Failed(String),
}

#[derive(Debug)]
struct Known {
    status: WitnessStatus,
    /// A request is under way; another would only queue up behind it.
    busy: bool,
}

/// An attempt to have a head cosigned that did not succeed.
#[derive(Debug, Clone)]
struct Attempt {
    size: u64,
    at: Timestamp,
    times: u32,
    contradiction: Option<Contradiction>,
}

#[derive(Debug)]
struct State {
    known: Vec<Known>,
    /// Enough witnesses cosigned a head of this database since this server started.
    confirmed: bool,
    failed: Option<Attempt>,
}

/// The witnesses whose cosignatures a checkpoint needs before it is published.
pub struct Witnesses {
    policy: WitnessPolicy,
    client: Arc<dyn WitnessClient>,
    state: Mutex<State>,
}

impl Witnesses {
    /// The witnesses of a policy, each of which must have a URL.
    pub fn new(
        policy: WitnessPolicy,
        client: Arc<dyn WitnessClient>,
    ) -> Result<Self, WitnessesError> {
        let mut known = Vec::new();
        for witness in policy.witnesses() {
            if witness.url.is_none() {
                return Err(WitnessesError::NoUrl(witness.name.to_string()));
            }
            let name = witness.name.to_string();
            let status = WitnessStatus { name, cosigned: None, asked_at: None, failure: None };
            known.push(Known { status, busy: false });
        }
        let state = Mutex::new(State { known, confirmed: false, failed: None });
        Ok(Self { policy, client, state })
    }

    /// Whose cosignatures are needed.
    pub fn policy(&self) -> &WitnessPolicy {
        &self.policy
    }

    /// What is known of each, in the policy's order.
    pub fn status(&self) -> Vec<WitnessStatus> {
        self.state().known.iter().map(|known| known.status.clone()).collect()
    }

    /// The history that a witness holds against this database; nothing may be posted then.
    pub fn contradiction(&self) -> Option<Contradiction> {
        self.state().failed.as_ref().and_then(|attempt| attempt.contradiction.clone())
    }

    /// Whether enough of them cosigned a head of this database, and none contradicts it.
    pub(crate) fn agree(&self) -> bool {
        let state = self.state();
        let contradicted = |attempt: &Attempt| attempt.contradiction.is_some();
        state.confirmed && !state.failed.as_ref().is_some_and(contradicted)
    }

    pub(crate) fn agreed(&self) {
        let mut state = self.state();
        state.confirmed = true;
        state.failed = None;
    }

    pub(crate) fn fail(&self, size: u64, at: Timestamp, contradiction: Option<Contradiction>) {
        let mut state = self.state();
        let times = state.failed.as_ref().map_or(1, |attempt| attempt.times.saturating_add(1));
        state.failed = Some(Attempt { size, at, times, contradiction });
    }

    /// Whether a head of this size is worth asking about: a larger one than last time, or the wait
    /// is over.
    pub(crate) fn is_due(&self, size: u64, now: Timestamp) -> bool {
        self.state().failed.as_ref().is_none_or(|attempt| {
            let waited = now.millis() - attempt.at.millis();
            // A clock that was set back must not make it wait.
            size > attempt.size || waited < 0 || waited >= attempt.wait_millis()
        })
    }

    /// Milliseconds until the next attempt; none where nothing was in attempt.
    pub(crate) fn retry_in_millis(&self, now: Timestamp) -> Option<u64> {
        let state = self.state();
        let attempt = state.failed.as_ref()?;
        let left = attempt.at.millis() + attempt.wait_millis() - now.millis();
        u64::try_from(left.clamp(0, MAX_RETRY_MILLIS)).ok()
    }

    /// What a witness is thought to have cosigned.
    pub(crate) fn cosigned(&self, place: usize) -> Option<u64> {
        self.state().known.get(place)?.status.cosigned
    }

    /// A claim to ask this witness; none while it is being asked.
    pub(crate) fn claim(self: &Arc<Self>, place: usize) -> Option<Claim> {
        let mut state = self.state();
        let known = state.known.get_mut(place)?;
        if known.busy {
            return None;
        }
        known.busy = true;
        Some(Claim { witnesses: Arc::clone(self), place })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    fn wait_millis(&self) -> i64 {
        let doublings = self.times.saturating_sub(1).min(16);
        (FIRST_RETRY_MILLIS << doublings).min(MAX_RETRY_MILLIS)
    }
}

impl std::fmt::Debug for Witnesses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witnesses").field("state", &self.state).finish_non_exhaustive()
    }
}

/// One witness while it is being asked.
pub(crate) struct Claim {
    witnesses: Arc<Witnesses>,
    place: usize,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(known) = self.witnesses.state().known.get_mut(self.place) {
            known.busy = false;
        }
    }
}

impl Claim {
    /// Asks for a cosignature of this checkpoint of `size` entries, from where the witness stands.
    pub(crate) async fn ask(
        &self,
        note: &SignedNote,
        size: u64,
        from: u64,
        log: &LogReader,
    ) -> Outcome {
        let mut old = from.min(size);
        for _ in 0..MAX_ASKING_TRIES {
            let answer = match log.consistency(old, size).await {
                Ok(proof) => self.send(note, old, proof).await,
                Err(error) => Err(error.to_string()),
            };
            match answer {
                Ok(Answer::Cosigned(signature)) => return Outcome::Cosigned(signature),
                Ok(Answer::Size(cosigned)) if cosigned > size => {
                    let witness = self.name();
                    let ahead = Contradiction::Ahead { witness, cosigned, stored: size };
                    return Outcome::Contradicts(ahead);
                }
                Ok(Answer::Size(cosigned)) => old = cosigned,
                Ok(Answer::OtherHistory(words)) => {
                    let witness = self.name();
                    return Outcome::Contradicts(Contradiction::OtherHistory { witness, words });
                }
                Ok(Answer::Refused { status, words }) => {
                    return Outcome::Failed(format!("it refused ({status}): {words}"));
                }
                Err(why) => return Outcome::Failed(why),
            }
        }
        Outcome::Failed(format!("it names another size each time, last {old}"))
    }

    /// Notes what came of it.
    pub(crate) fn note(&self, outcome: &Outcome, size: u64, at: Timestamp) {
        if let Some(known) = self.witnesses.state().known.get_mut(self.place) {
            known.status.asked_at = Some(at);
            known.status.failure = match outcome {
                Outcome::Cosigned(_) => {
                    known.status.cosigned = Some(size);
                    None
                }
                Outcome::Contradicts(Contradiction::Ahead { cosigned, .. }) => {
                    known.status.cosigned = Some(*cosigned);
                    Some(format!("it has cosigned {cosigned} entries, more than are stored"))
                }
                Outcome::Contradicts(why) => Some(why.to_string()),
                Outcome::Failed(why) => Some(why.clone()),
            };
        }
    }

    pub(crate) fn key(&self) -> Option<VerifierKey> {
        self.witness().map(|witness| witness.key.clone())
    }

    fn name(&self) -> String {
        self.witness().map_or_else(String::new, |witness| witness.name.to_string())
    }

    fn witness(&self) -> Option<&PolicyWitness> {
        self.witnesses.policy.witnesses().get(self.place)
    }

    async fn send(&self, note: &SignedNote, old: u64, proof: Vec<Hash>) -> Result<Answer, String> {
        let Some(PolicyWitness { key, url: Some(url), .. }) = self.witness() else {
            return Err("it has no address".to_owned());
        };
        let request = AddCheckpoint::new(old, proof, note.clone()).map_err(|e| e.to_string())?;
        let (client, url) = (Arc::clone(&self.witnesses.client), url.clone());
        let sent = move || client.add_checkpoint(&url, &request.to_bytes());
        let reply =
            tokio::task::spawn_blocking(sent).await.map_err(|error| error.to_string())??;
        let WitnessReply { status, media_type, body } = reply;
        read_answer(status, &media_type, &body, &note.text, key).map_err(|error| error.to_string())
    }
}
