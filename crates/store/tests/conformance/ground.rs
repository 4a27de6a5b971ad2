//! What cases stand on: a store of their own, and short ways to say what they are about.

use std::future::Future;
use std::pin::Pin;

use domain::progress::Progress;
use domain::round::Round;
use domain::{
    DistrictId, HouseholdNo, MeterCode, OutletId, PersonId, RoundId, Timestamp, TurnId, VillageId,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Head, NewEntry, NewReport, NewStatement, NewTurn, Posting, Projection, Store};

/// One case, on either engine.
pub type Case = fn(Ground) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A database and a district in it.
#[derive(Debug, Clone)]
pub struct Ground {
    pub url: String,
    pub district: DistrictId,
}

impl Ground {
    pub fn new(url: String) -> Self {
        Self { url, district: DistrictId::new("suite").unwrap() }
    }

    /// The store of this ground's district.
    pub async fn store(&self) -> Store {
        Store::open(&self.url, &self.district).await.unwrap()
    }

    /// The same database, another district.
    pub fn of_district(&self, code: &str) -> Self {
        Self { url: self.url.clone(), district: DistrictId::new(code).unwrap() }
    }

    /// Runs SQL behind the store's back.
    pub async fn tamper(&self, text: &str) {
        let text = AssertSqlSafe(text.to_owned());
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// Runs every case in its own district and names all that failed.
pub async fn run(ground: &Ground, cases: Vec<(&'static str, Case)>) {
    let mut failed = Vec::new();
    for (number, (name, case)) in cases.into_iter().enumerate() {
        let own = ground.of_district(&format!("case-{number}"));
        if tokio::spawn(case(own)).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// So many seconds after the season's first gate was opened.
pub fn at(seconds: i64) -> Timestamp {
    const SEASON: i64 = 1_462_082_400_000;
    Timestamp::from_millis(SEASON + seconds * 1000).unwrap()
}

pub fn meter(code: &str) -> MeterCode {
    MeterCode::new(code).unwrap()
}

pub fn outlet(code: &str) -> OutletId {
    OutletId::new(code).unwrap()
}

pub fn village(code: &str) -> VillageId {
    VillageId::new(code).unwrap()
}

pub fn round(code: &str) -> RoundId {
    RoundId::new(code).unwrap()
}

pub fn turn(code: &str) -> TurnId {
    TurnId::new(code).unwrap()
}

pub fn household(code: &str) -> HouseholdNo {
    HouseholdNo::new(code).unwrap()
}

pub fn person(code: &str) -> PersonId {
    PersonId::new(code).unwrap()
}

/// A report of five minutes; its bytes name its meter and number.
pub fn report(code: &str, seq: u64) -> NewReport {
    let first = i64::try_from(seq).unwrap_or(0).min(1_000_000) * 300;
    NewReport {
        meter: meter(code),
        seq,
        first_at: at(first),
        last_at: at(first + 240),
        bytes: format!("report {seq} of {code}").into_bytes(),
    }
}

/// A round that the cases' turns belong to.
pub fn spring() -> Round {
    Round { id: round("2016-1"), name: "春灌".into(), opens_at: at(0), closes_at: at(1_000_000) }
}

/// A turn at an outlet in the spring round.
pub fn new_turn(code: &str, at_outlet: &str) -> NewTurn {
    NewTurn {
        code: turn(code),
        round: round("2016-1"),
        outlet: outlet(at_outlet),
        village: village("shang"),
        plan: "{\"method\":\"area\"}".into(),
        opened_at: at(10),
    }
}

/// A statement in a state; payload and digest follow from `mark`.
pub fn statement(mark: u8, state: Progress) -> NewStatement {
    NewStatement {
        kind: "watering".into(),
        village: Some(village("shang")),
        state,
        payload_type: "application/vnd.mingqu.watering.v1+json".into(),
        payload: vec![mark; 100],
        payload_sha256: [mark; 32],
        created_at: at(20),
    }
}

/// An entry of no further meaning.
pub fn entry(index: u64) -> NewEntry {
    NewEntry {
        index,
        kind: "matter".into(),
        village: None,
        round: None,
        outlet: None,
        statement: None,
        envelope: format!("entry {index}").into_bytes(),
        projection: Projection::None,
    }
}

/// A posting of entries on top of a head; the new root is made up from `mark`.
pub fn posting(expected: Head, entries: Vec<NewEntry>, mark: u8) -> Posting {
    let size = expected.size + entries.len() as u64;
    Posting {
        expected,
        new: Head { size, root: [mark; 32] },
        posted_at: at(1000),
        entries,
        tiles: Vec::new(),
    }
}
