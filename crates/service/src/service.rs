//! One district: its store, its public record, its log key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use disclosure::dsse::Envelope;
use disclosure::merkle::Hash;
use disclosure::record::{Candidate, Record};
use disclosure::statement::{Kind, Statement};
use domain::{DistrictId, MeterCode, Timestamp};
use ed25519_dalek::SigningKey;
use store::{EntryRow, Store};
use tokio::sync::Notify;

use crate::door::Door;
use crate::foreign::ForeignTotals;
use crate::log::{LogKey, LogReader};
use crate::watch::Watching;
use crate::witnesses::Witnesses;
use crate::{Clock, Randomness, ServiceError, Statuses, Undrafted, randomness};

/// Entries read at once while the record is folded.
const CATCH_UP_ENTRIES: u64 = 256;

/// One district's verbs and readings.
pub struct Service {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log_key: LogKey,
    pub(crate) log: LogReader,
    record: Arc<RwLock<Record>>,
    pub(crate) door: Arc<Door>,
    /// Held while the log grows, so that this process never races itself; other processes are
    /// kept out by the compare-and-swap on the log's head.
    pub(crate) posting: tokio::sync::Mutex<()>,
    /// Held while a head is cosigned and published; postings need not wait for it.
    pub(crate) publishing: tokio::sync::Mutex<()>,
    /// Whose cosignatures a checkpoint needs before it is published; none where it needs none.
    pub(crate) witnesses: Option<Arc<Witnesses>>,
    /// Held while a signature is added or drafts are drawn up anew, so that nobody signs bytes that
    /// are just being replaced and no two signatures each believe to be the last but one.
    pub(crate) signing: tokio::sync::Mutex<()>,
    /// Whether every draft must be looked at again: after a start, and when the record changed
    /// under them.
    stale: AtomicBool,
    /// Meters that sent something since drafts were last looked at.
    fresh: Mutex<BTreeSet<MeterCode>>,
    /// Closed turns that could not be drafted when they were last looked at.
    undrafted: Mutex<Vec<Undrafted>>,
    news: Notify,
    /// Held while the log says something by itself.
    pub(crate) speaking: tokio::sync::Mutex<()>,
    /// When what waits was last looked through for a deadline that has passed.
    pub(crate) looked_for_overdue: Mutex<Option<Timestamp>>,
    pub(crate) statuses: Arc<Statuses>,
    pub(crate) watching: Watching,
    pub(crate) started_at: Timestamp,
    /// SHA-256 of the only payload that may found the log; any that names its key when there is none.
    pub(crate) genesis: Option<Hash>,
    /// What vouches for meters that sign nothing; without it none is taken in.
    pub(crate) gateway: Option<SigningKey>,
    pub(crate) foreign: ForeignTotals,
    /// What nonces and tokens are drawn from; without it no session begins.
    pub(crate) randomness: Arc<dyn Randomness>,
}

impl Service {
    /// Opens a district: folds its log into the record and finishes a posting that was cut off
    /// before its checkpoint was published.
    pub async fn open(
        store: Store,
        log_key: LogKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServiceError> {
        Self::open_witnessed(store, log_key, clock, None).await
    }

    /// Opens a district whose checkpoints are published once these witnesses have cosigned them;
    /// fails when one of them holds another history than the database.
    pub async fn open_witnessed(
        store: Store,
        log_key: LogKey,
        clock: Arc<dyn Clock>,
        witnesses: Option<Witnesses>,
    ) -> Result<Self, ServiceError> {
        let started_at = clock.now();
        let record = Arc::<RwLock<Record>>::default();
        let service = Self {
            door: Arc::new(Door::new(store.district().clone(), Arc::clone(&record))),
            record,
            log: LogReader::new(store.clone()),
            store,
            statuses: Arc::new(Statuses::new(Arc::clone(&clock))),
            clock,
            log_key,
            posting: tokio::sync::Mutex::new(()),
            publishing: tokio::sync::Mutex::new(()),
            witnesses: witnesses.map(Arc::new),
            signing: tokio::sync::Mutex::new(()),
            stale: AtomicBool::new(true),
            fresh: Mutex::default(),
            undrafted: Mutex::default(),
            news: Notify::new(),
            speaking: tokio::sync::Mutex::new(()),
            looked_for_overdue: Mutex::default(),
            watching: Watching::default(),
            started_at,
            genesis: None,
            gateway: None,
            foreign: ForeignTotals::default(),
            randomness: Arc::new(randomness::Nothing),
        };
        service.store.make_months(service.now()).await?;
        service.catch_up().await?;
        service.check_log_key()?;
        service.check_leaves().await?;
        service.publish_head().await?;
        service.post_ready().await?;
        Ok(service)
    }

    /// Binds an empty log to one genesis: the statement with this SHA-256 and no other may found it.
    #[must_use]
    pub fn founded_by(mut self, genesis: Hash) -> Self {
        self.genesis = Some(genesis);
        self
    }

    /// Draws nonces and tokens from this source, so that people can begin sessions.
    #[must_use]
    pub fn drawing_from(mut self, randomness: Arc<dyn Randomness>) -> Self {
        self.randomness = randomness;
        self
    }

    /// The district.
    pub fn district(&self) -> &DistrictId {
        self.store.district()
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the public log says so far. Short looks only: never hold it across an await.
    pub fn record(&self) -> RwLockReadGuard<'_, Record> {
        self.record.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record_mut(&self) -> RwLockWriteGuard<'_, Record> {
        self.record.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is done without being asked, again and again: makes room for the months to come, reads what
    /// other servers posted, drafts the turns that can be drafted, posts what is co-signed, and says what the log says by itself.
    pub async fn tend(&self) -> Result<(), ServiceError> {
        self.store.make_months(self.now()).await?;
        self.catch_up().await?;
        self.draft_due().await?;
        self.post_ready().await?;
        self.speak_by_itself().await
    }

    /// Waits until something came in that may let a turn be drafted.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Closed turns that could not be drafted when they were last looked at, and why: water that
    /// was delivered and is not on the board yet.
    pub fn undrafted(&self) -> Vec<Undrafted> {
        self.undrafted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_undrafted(&self, turns: Vec<Undrafted>) {
        *self.undrafted.lock().unwrap_or_else(PoisonError::into_inner) = turns;
    }

    pub(crate) fn tell_news(&self, meters: impl IntoIterator<Item = MeterCode>) {
        self.fresh().extend(meters);
        self.news.notify_one();
    }

    pub(crate) fn take_fresh(&self) -> BTreeSet<MeterCode> {
        std::mem::take(&mut self.fresh())
    }

    fn fresh(&self) -> MutexGuard<'_, BTreeSet<MeterCode>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds entries into the record that are stored and not yet read, ours or another server's.
    pub(crate) async fn catch_up(&self) -> Result<(), ServiceError> {
        let known = self.record().size();
        let size = self.store.head().await?.size;
        if size < known {
            return Err(ServiceError::DamagedLog(format!(
                "it had {known} entries and has {size}: an old backup was restored under this server"
            )));
        }
        loop {
            let from = self.record().size();
            if from >= size {
                return Ok(());
            }
            let entries = self.store.entries(from, size.min(from + CATCH_UP_ENTRIES)).await?;
            if entries.first().is_none_or(|entry| entry.index != from) {
                return Err(ServiceError::DamagedLog(format!("entry {from} is missing")));
            }
            for entry in entries {
                self.take_in(&entry).await?;
            }
        }
    }

    async fn take_in(&self, entry: &EntryRow) -> Result<(), ServiceError> {
        let index = entry.index;
        let invalid = |source| ServiceError::StoredLog { index, source };
        let envelope = Envelope::parse(&entry.envelope).map_err(|error| {
            ServiceError::DamagedLog(format!("entry {index} is not an envelope: {error}"))
        })?;
        let candidate = Candidate::read(&envelope).map_err(invalid)?;
        let attachments = self.attachments_of(candidate.statement()).await?;
        let mut record = self.record_mut();
        if record.size() != entry.index {
            // Another task of this process took it in meanwhile.
            return Ok(());
        }
        let kind = candidate.statement().kind();
        let admitted = record.admit_read(candidate, &attachments).map_err(invalid)?;
        record.apply(admitted);
        self.note(kind);
        Ok(())
    }

    /// Notes that the record took a statement in: what people, places or shares rest on makes drafts stale.
    pub(crate) fn note(&self, kind: Kind) {
        if matches!(kind, Kind::District | Kind::Key | Kind::Registry | Kind::Roster) {
            self.stale.store(true, Ordering::Release);
            self.news.notify_one();
        }
    }

    pub(crate) fn take_stale(&self) -> bool {
        self.stale.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn mark_stale(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// The attachments that the record reads: rosters and bills. Evidence is only checked by its readers.
    pub(crate) async fn attachments_of(
        &self,
        statement: &Statement,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, ServiceError> {
        let mut found = BTreeMap::new();
        let read = matches!(
            statement.kind(),
            Kind::Roster | Kind::BillRun | Kind::Overdue | Kind::Balance
        );
        if read {
            for named in statement.attachments() {
                if let Some(stored) = self.store.attachment(named.sha256.as_bytes()).await? {
                    found.insert(named.sha256, stored.bytes);
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn check_log_key(&self) -> Result<(), ServiceError> {
        match self.record().district() {
            Some(district) if district.log_key != self.log_vkey() => Err(ServiceError::WrongLogKey),
            _ => Ok(()),
        }
    }
}
