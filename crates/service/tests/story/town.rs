//! The small district of the stories; its people, meters and founding statements are the auditor's sample.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use audit::testing::{ORIGIN, Person, TestLog, TestMeter};
use disclosure::dsse::{Envelope, pae};
use disclosure::key::{PublicKey, SigningKey, sign};
use disclosure::merkle::Hash;
use disclosure::note::KeyName;
use disclosure::statement::Statement;
use disclosure::tile::TileId;
use domain::Timestamp;
use domain::progress::Progress;
use domain::round::{Round, Turn};
use domain::share::ShareMethod;
use service::request::{Ask, REQUEST_PAYLOAD_TYPE, Request};
use service::{
    Answer, Arrival, Clock, LogKey, NewAttachment, NoRandomness, PendingStatement, Randomness,
    Service, ServiceError, Witnesses,
};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use store::Store;
use tempfile::TempDir;

pub use audit::testing::id;

/// A clock that moves when it is told to.
pub struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Draws a byte after the other, 32 times each.
#[derive(Default)]
struct Counted(AtomicU8);

impl Randomness for Counted {
    fn draw(&self) -> Result<[u8; 32], NoRandomness> {
        Ok([self.0.fetch_add(1, Ordering::Relaxed); 32])
    }
}

/// The district `sample` on a database of its own.
pub struct Town {
    pub service: Arc<Service>,
    pub clock: Arc<TestClock>,
    /// The people, and what was founded.
    pub log: TestLog,
    folder: TempDir,
}

/// An instant of 2016-05-01, like `at("01:00")`.
pub fn at(time: &str) -> Timestamp {
    id(&format!("2016-05-01T{time}:00Z"))
}

pub fn key_of(person: &Person) -> String {
    PublicKey::of(&person.key).fingerprint().to_hex()
}

/// The log key that the sample's genesis names.
pub fn log_key() -> LogKey {
    LogKey::new(KeyName::new(ORIGIN).unwrap(), SigningKey::from_bytes(&[99; 32]))
}

/// A request of one person.
pub fn asks(person: &Person, ask: Ask) -> Envelope {
    let asked_at = at("00:00");
    let request = Request { district: id("sample"), asked_at, ask };
    let mut envelope =
        Envelope::unsigned(REQUEST_PAYLOAD_TYPE, serde_json::to_vec(&request).unwrap());
    envelope.sign_with(&person.key).unwrap();
    envelope
}

/// Round 2016-1, the first days of May.
pub fn round() -> Round {
    Round {
        id: id("2016-1"),
        name: "第一轮".to_owned(),
        opens_at: id("2016-04-25T00:00:00Z"),
        closes_at: id("2016-05-08T00:00:00Z"),
    }
}

/// A turn of group g1 at e1 (east) or w1 (west).
pub fn turn(code: &str, outlet: &str, opened: &str) -> Turn {
    Turn {
        id: id(code),
        round: id("2016-1"),
        outlet: id(outlet),
        village: id(if outlet == "w1" { "west" } else { "east" }),
        group: id("g1"),
        method: ShareMethod::Area,
        members: Vec::new(),
        opened_at: at(opened),
    }
}

impl Town {
    /// A district in which nothing was posted.
    pub async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A little before the log balances its first day.
        let clock = Arc::new(TestClock(Mutex::new(id("2016-05-01T20:00:00Z"))));
        let service = Arc::new(open(&folder, &clock, log_key(), None).await.unwrap());
        Self { service, clock, log: TestLog::founded(), folder }
    }

    /// The district with genesis (0), people (1, 3, 4, 5), registry (2), rosters (6, 7), tariff (8),
    /// and round 2016-1.
    pub async fn founded() -> Self {
        let town = Self::empty().await;
        for entry in town.log.entries.clone() {
            town.propose(&Envelope::parse(&entry).unwrap()).await.unwrap();
        }
        assert_eq!(town.size(), 9);
        town.ask(&town.log.people.station, Ask::OpenRound(round())).await.unwrap();
        town
    }

    /// Another server on the same database.
    pub async fn another_server(&self) -> Arc<Service> {
        Arc::new(self.reopen(log_key()).await.unwrap())
    }

    /// Another server on the same database, which can begin sessions and give out codes.
    pub async fn drawing(&self) -> Service {
        self.reopen(log_key()).await.unwrap().drawing_from(Arc::new(Counted::default()))
    }

    pub async fn reopen(&self, key: LogKey) -> Result<Service, ServiceError> {
        open(&self.folder, &self.clock, key, None).await
    }

    /// Another server on the same database, with witnesses.
    pub async fn reopen_witnessed(&self, witnesses: Witnesses) -> Result<Service, ServiceError> {
        open(&self.folder, &self.clock, log_key(), Some(witnesses)).await
    }

    pub fn set_clock(&self, now: Timestamp) {
        *self.clock.0.lock().unwrap() = now;
    }

    /// Runs SQL behind the service's back.
    pub async fn tamper(&self, text: &str) {
        let mut connection = SqliteConnection::connect(&url(&self.folder)).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    pub fn size(&self) -> u64 {
        self.service.record().size()
    }

    pub async fn ask(&self, person: &Person, ask: Ask) -> Result<Answer, ServiceError> {
        self.service.request(&asks(person, ask).to_json()).await
    }

    /// Hands a statement in with the attachments it names.
    pub async fn propose(&self, envelope: &Envelope) -> Result<i64, ServiceError> {
        self.service.propose(&envelope.to_json(), self.attachments(envelope)).await
    }

    pub fn attachments(&self, envelope: &Envelope) -> Vec<NewAttachment> {
        let statement = Statement::parse(&envelope.payload_type, &envelope.payload).unwrap();
        let named = statement.attachments();
        named
            .into_iter()
            .map(|named| NewAttachment {
                media_type: named.media_type.clone(),
                bytes: self.log.attachments[&named.sha256].clone(),
            })
            .collect()
    }

    /// Sends a meter's reports with these numbers.
    pub async fn send(&self, meter: &TestMeter, seqs: impl IntoIterator<Item = usize>) -> u64 {
        let batch = seqs.into_iter().map(|seq| arrival(meter, seq)).collect();
        self.service.ingest(batch).await.unwrap().first().map_or(0, |receipt| receipt.stored)
    }

    pub async fn open_turn(&self, turn: Turn) -> Result<Answer, ServiceError> {
        self.ask(&self.log.people.station, Ask::OpenTurn(turn)).await
    }

    pub async fn close_turn(&self, code: &str, closed: &str) -> Result<Answer, ServiceError> {
        let ask = Ask::CloseTurn { turn: id(code), closed_at: at(closed) };
        self.ask(&self.log.people.station, ask).await
    }

    /// Opens and closes a turn.
    pub async fn turn(&self, code: &str, outlet: &str, opened: &str, closed: &str) {
        self.open_turn(turn(code, outlet, opened)).await.unwrap();
        self.close_turn(code, closed).await.unwrap();
    }

    /// Twelve reports of the east meter and a drafted turn from 01:00 to 03:30. Returns the draft.
    pub async fn drafted(&self) -> PendingStatement {
        let mut meter = TestMeter::east();
        meter.run_for(12);
        self.send(&meter, 1..=12).await;
        self.turn("t1", "e1", "01:00", "03:30").await;
        self.service.draft_due().await.unwrap();
        self.only(Progress::Draft).await
    }

    /// The one statement in a state.
    pub async fn only(&self, state: Progress) -> PendingStatement {
        let mut found = self.in_state(state).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    pub async fn in_state(&self, state: Progress) -> Vec<PendingStatement> {
        self.service.pending(Some(state), None, None, 100).await.unwrap()
    }

    pub async fn pending(&self, id: i64) -> PendingStatement {
        self.service.pending_statement(id).await.unwrap().unwrap()
    }

    /// The person signs what stands there now.
    pub async fn sign(&self, id: i64, person: &Person) -> Result<Progress, ServiceError> {
        sign_at(&self.service, id, person).await
    }

    /// Station and cadre sign every draft.
    pub async fn sign_all(&self) {
        let people = &self.log.people;
        for draft in self.in_state(Progress::Draft).await {
            let facts = Statement::parse(&draft.payload_type, &draft.payload).unwrap();
            self.sign(draft.id, &people.station).await.unwrap();
            self.sign(draft.id, people.cadre_of(facts.village().unwrap())).await.unwrap();
        }
    }

    /// Why each turn that could not be drafted waits.
    pub fn waiting(&self) -> BTreeMap<String, String> {
        let turns = self.service.undrafted();
        turns.into_iter().map(|one| (one.turn.to_string(), one.why)).collect()
    }

    /// Audits what was posted, and checks that checkpoint and tiles are those of a recomputation.
    pub async fn audit(&self) {
        let store = self.service.store();
        let mut log = self.log.clone();
        let entries = store.entries(0, u64::MAX).await.unwrap();
        assert!(entries.iter().map(|entry| entry.index).eq(0..self.size()), "indices have gaps");
        log.entries = entries.into_iter().map(|entry| entry.envelope).collect();
        let attachments = store.attachments_of_log(None, 100).await.unwrap();
        log.attachments = attachments.into_iter().map(|a| (Hash(a.sha256), a.bytes)).collect();
        let files = log.export();
        let checkpoint = self.service.log().checkpoint().await.unwrap().unwrap();
        // Witnesses' signatures may follow.
        assert!(checkpoint.starts_with(&files["checkpoint"]), "another root");
        for (path, bytes) in &files {
            if let Ok(tile) = TileId::from_path(path) {
                let (level, index, width) = (tile.level(), tile.index(), tile.width());
                let stored = self.service.log().tile(level, index, width).await.unwrap();
                assert_eq!(stored.as_ref(), Some(bytes), "{path}");
            }
        }
        let report = audit::audit(&files, None);
        assert!(report.holds(), "{:?}", report.findings);
    }
}

pub fn arrival(meter: &TestMeter, seq: usize) -> Arrival {
    Arrival {
        topic: format!("mingqu/v1/sample/{}/report", meter.code),
        meter: meter.code.to_string(),
        payload: meter.reports[seq - 1].clone(),
        refused: None,
        foreign: None,
    }
}

pub async fn sign_at(
    service: &Service,
    id: i64,
    person: &Person,
) -> Result<Progress, ServiceError> {
    let pending = service.pending_statement(id).await.unwrap().unwrap();
    let signature = sign(&person.key, &pae(&pending.payload_type, &pending.payload));
    service.sign(id, &key_of(person), signature).await.map(|reached| reached.progress)
}

async fn open(
    folder: &TempDir,
    clock: &Arc<TestClock>,
    key: LogKey,
    witnesses: Option<Witnesses>,
) -> Result<Service, ServiceError> {
    let store = Store::open(&url(folder), &id("sample")).await.unwrap();
    Service::open_witnessed(store, key, clock.clone(), witnesses).await
}

fn url(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("town.db").display())
}
