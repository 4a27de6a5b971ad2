//! From stored to published: the checkpoint is signed, cosigned where a policy asks for it, and kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use disclosure::note::{NoteSignature, SignedNote, VerifierKey};
use domain::progress::Progress;
use store::Head;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::witnesses::{Contradiction, Outcome, Witnesses};
use crate::{Service, ServiceError};

/// What late witnesses have once enough have cosigned: their signatures make the checkpoint worth
/// more, and one that is slow must not hold up a posting.
const LATE_WITNESS_MILLIS: u64 = 300;
/// The longest that witnesses are waited for where not enough have cosigned, whatever whoever reaches them promises: a
/// little more than what a witness may take to answer, to be told its size, and to answer again.
const MAX_GATHERING_SECONDS: u64 = 12;
/// How often a head is taken anew because another server's posting moved it on meanwhile.
const MAX_PUBLISHING_TRIES: usize = 5;

/// How far a statement has come, as those who wait for it are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// How far it has come.
    pub progress: Progress,
    /// Whether a posted one is in the published log: its witnesses have seen it.
    pub published: bool,
}

impl Reached {
    /// The progress's code; `unwitnessed` where it is posted and waits for witnesses before it is
    /// published.
    pub const fn code(self) -> &'static str {
        match self.progress {
            Progress::Posted if !self.published => "unwitnessed",
            progress => progress.code(),
        }
    }
}

/// What witnesses answered about one head.
#[derive(Debug, Default)]
struct Gathered {
    /// By the witness's place in the policy: whoever answers first, the note is the same.
    signatures: BTreeMap<usize, (VerifierKey, NoteSignature)>,
    contradiction: Option<Contradiction>,
}

impl Service {
    /// Signs and publishes a checkpoint for the stored head, if it is not published yet. With
    /// witnesses it is published once enough have cosigned it, and until then nothing changes for
    /// readers; fails when one of them holds another history.
    pub(crate) async fn publish_head(&self) -> Result<(), ServiceError> {
        let _one_at_a_time = self.publishing.lock().await;
        self.check_log_key()?;
        for _ in 0..MAX_PUBLISHING_TRIES {
            let head = self.store.head().await?;
            let published = self.store.checkpoint().await?;
            let (size, note) = published.map_or((0, None), |(size, note)| (size, Some(note)));
            if size > head.size {
                return Err(ServiceError::DamagedLog(format!(
                    "a checkpoint of {size} entries was published and only {} are stored: an old backup was restored",
                    head.size
                )));
            }
            let Some(witnesses) = &self.witnesses else {
                if size < head.size {
                    let note = self.log_key.checkpoint(head)?;
                    self.store.publish_checkpoint(head.size, &note).await?;
                }
                return Ok(());
            };
            let key = self.log_key.verifier_key();
            let cosigned = note.is_some_and(|note| witnesses.policy().check(&note, &key).is_ok());
            let missing = head.size > 0 && (size < head.size || !cosigned);
            if self.have_cosigned(witnesses, head, size, missing).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Has a head cosigned and publishes it if it is `missing`; false when another posting moved the
    /// head on meanwhile.
    async fn have_cosigned(
        &self,
        witnesses: &Arc<Witnesses>,
        head: Head,
        published: u64,
        missing: bool,
    ) -> Result<bool, ServiceError> {
        if !missing && witnesses.agree() {
            return Ok(true);
        }
        if !witnesses.is_due(head.size, self.now()) {
            return witnesses.contradiction().map_or(Ok(true), |why| Err(why.into()));
        }
        let signed = self.log_key.checkpoint(head)?;
        let mut note = SignedNote::parse(&signed)
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
        let Gathered { signatures, contradiction } =
            self.gather(witnesses, &note, head.size, published).await;
        if let Some(why) = contradiction {
            if let Contradiction::Ahead { cosigned, .. } = &why
                && self.store.head().await?.size >= *cosigned
            {
                return Ok(false);
            }
            witnesses.fail(head.size, self.now(), Some(why.clone()));
            return Err(why.into());
        }
        let (keys, signatures): (Vec<_>, Vec<_>) = signatures.into_values().unzip();
        if !witnesses.policy().is_met(&keys) {
            witnesses.fail(head.size, self.now(), None);
            for status in witnesses.status() {
                if let Some(why) = status.failure {
                    tracing::warn!(witness = status.name, why, "a witness did not cosign");
                }
            }
            return Ok(true);
        }
        if missing {
            note.signatures.extend(signatures);
            self.store.publish_checkpoint(head.size, &note.to_bytes()).await?;
        }
        witnesses.agreed();
        Ok(true)
    }

    /// Asks all witnesses at once; returns when all have answered, when one contradicts, a moment
    /// after enough have cosigned, or after [`MAX_GATHERING_SECONDS`]. Whoever is later is noted when the answer comes.
    async fn gather(
        &self,
        witnesses: &Arc<Witnesses>,
        note: &SignedNote,
        size: u64,
        published: u64,
    ) -> Gathered {
        let mut asked = JoinSet::new();
        for place in 0..witnesses.policy().witnesses().len() {
            let Some(claim) = witnesses.claim(place) else { continue };
            let from = witnesses.cosigned(place).unwrap_or(published);
            let (note, log, clock) = (note.clone(), self.log.clone(), Arc::clone(&self.clock));
            asked.spawn(async move {
                let outcome = claim.ask(&note, size, from, &log).await;
                claim.note(&outcome, size, clock.now());
                (place, claim.key(), outcome)
            });
        }
        let mut gathered = Gathered::default();
        let mut end = Instant::now() + Duration::from_secs(MAX_GATHERING_SECONDS);
        let mut enough = false;
        loop {
            match timeout_at(end, asked.join_next()).await.unwrap_or_default() {
                None => break,
                Some(Ok((place, Some(key), Outcome::Cosigned(signature)))) => {
                    gathered.signatures.insert(place, (key, signature));
                }
                Some(Ok((_, _, Outcome::Contradicts(why)))) => {
                    gathered.contradiction = Some(why);
                    break;
                }
                Some(_) => {}
            }
            let keys: Vec<VerifierKey> =
                gathered.signatures.values().map(|(key, _)| key.clone()).collect();
            if !enough && witnesses.policy().is_met(&keys) {
                enough = true;
                end = end.min(Instant::now() + Duration::from_millis(LATE_WITNESS_MILLIS));
            }
        }
        asked.detach_all();
        gathered
    }

    /// Whether statements may be posted: always without witnesses; else once enough of them have
    /// cosigned the present head since this server started, so that nothing is added to an old
    /// backup. Fails when a witness holds another history.
    pub(crate) async fn may_post(&self) -> Result<bool, ServiceError> {
        let Some(witnesses) = &self.witnesses else {
            return Ok(true);
        };
        if !witnesses.agree() {
            self.publish_head().await?;
        }
        Ok(witnesses.agree())
    }

    /// How far a statement has come, with whether its entry is published.
    pub(crate) async fn reached(
        &self,
        progress: Progress,
        posted_index: Option<u64>,
    ) -> Result<Reached, ServiceError> {
        let published = match posted_index {
            Some(index) => index < self.log.size().await?,
            None => false,
        };
        Ok(Reached { progress, published })
    }

    /// The witnesses whose cosignatures a checkpoint needs; none where it needs none.
    pub fn witnesses(&self) -> Option<&Witnesses> {
        self.witnesses.as_deref()
    }

    /// When a head that waits for witnesses is worth another attempt; none while nothing waits.
    pub fn retry_in(&self) -> Option<Duration> {
        let witnesses = self.witnesses.as_ref()?;
        witnesses.retry_in_millis(self.now()).map(Duration::from_millis)
    }
}
