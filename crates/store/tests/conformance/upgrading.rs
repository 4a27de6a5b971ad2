//! A database of the first schema, brought up to date with all that is in it.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Month, NewReport, Store};

use crate::ground::{Ground, at, meter};

/// Reports 1 to 3, 5 and 6, of which 5 comes first and 6 years later; bytes that no text could hold.
fn before() -> Vec<(NewReport, i64)> {
    [(5, 1500, 9), (1, 300, 7), (2, 600, -60), (3, 900, 0), (6, 100_000_000, 100_000)]
        .into_iter()
        .map(|(seq, start, travelled)| {
            let last_at = at(start + 240);
            let report = NewReport {
                meter: meter("m1"),
                seq,
                first_at: at(start),
                last_at,
                bytes: vec![0, 0xff, 0x80, 0, u8::try_from(seq).unwrap()],
            };
            (report, last_at.millis() + travelled * 1000)
        })
        .collect()
}

/// The statements that fill a database of the first schema, which knows them by these columns.
fn filling(hex: fn(&[u8]) -> String) -> String {
    let mut text = "INSERT INTO district (code) VALUES ('suite');
        INSERT INTO meter (district, code, stored_seq, highest_seq, highest_first_at, disordered,
                           catching_up, reports, last_at, last_received_at)
        SELECT id, 'm1', 2, 6, 1, 0, 1, 5, 2, 3 FROM district;"
        .to_owned();
    for (report, received_at) in before() {
        let insert = format!(
            "INSERT INTO report (district, meter, seq, first_at, last_at, received_at, bytes)
             SELECT district, id, {}, {}, {}, {received_at}, {} FROM meter;",
            report.seq,
            report.first_at.millis(),
            report.last_at.millis(),
            hex(&report.bytes),
        );
        text.push_str(&insert);
    }
    text
}

/// The first migration alone.
async fn first_schema(engine: &str) -> (tempfile::TempDir, Migrator) {
    let file = "0001_first_schema.sql";
    let folder = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(engine);
    std::fs::copy(all.join(file), folder.path().join(file)).unwrap();
    let migrator = Migrator::new(folder.path()).await.unwrap();
    (folder, migrator)
}

async fn everything_is_there(store: &Store) {
    let all: Vec<(u64, Vec<u8>)> = {
        let mut all: Vec<_> = before().into_iter().map(|(r, _)| (r.seq, r.bytes)).collect();
        all.sort();
        all
    };
    let read = store.reports(&meter("m1"), 1, 9).await.unwrap();
    assert_eq!(read.into_iter().map(|r| (r.seq, r.bytes)).collect::<Vec<_>>(), all);
    for (report, received_at) in before() {
        let month = Month::of(report.first_at);
        let found = store.reports_of_month(meter("m1"), month, report.seq - 1, report.seq + 1);
        let found = found.await.unwrap();
        assert_eq!(
            (found[0].first_at, found[0].last_at, found[0].received_at.millis()),
            (report.first_at, report.last_at, received_at)
        );
    }
    assert_eq!(store.missing_reports(&meter("m1")).await.unwrap(), [(4, 4)]);
    // The watch begins here, and looks at what is missing.
    let watched = store.watch(&meter("m1")).await.unwrap().unwrap();
    assert_eq!(watched.state, r#"{"seq":6,"gaps":[[4,4]]}"#);
    assert_eq!(store.meters_to_watch(at(0), None, 9).await.unwrap().len(), 1);
    let span = store.evidence_span(&meter("m1"), at(400), at(900)).await.unwrap();
    assert_eq!(span, Some((1, 3)));

    // Life goes on: what is there is known, what is missing is taken.
    let mut again: Vec<NewReport> = before().into_iter().map(|(report, _)| report).collect();
    again.push(NewReport { seq: 4, bytes: vec![4; 4], ..again[0].clone() });
    again.push(NewReport { seq: 7, bytes: vec![0, 0xff, 7], ..again[0].clone() });
    let stored = store.store_reports(at(100_000_500), &again, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.duplicates, stored.conflicts), (2, 5, 0));
    assert_eq!(stored.receipts, [(meter("m1"), 7)]);
    assert_eq!(store.reports(&meter("m1"), 7, 7).await.unwrap()[0].bytes, [0, 0xff, 7]);
}

#[tokio::test]
async fn sqlite_keeps_everything_over_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(format!("sqlite:{}", folder.path().join("old.db").display()));
    let (_files, migrator) = first_schema("sqlite").await;
    let mut old = SqliteConnection::connect(&format!("{}?mode=rwc", ground.url)).await.unwrap();
    migrator.run(&mut old).await.unwrap();
    let hex = |bytes: &[u8]| format!("X'{}'", in_hex(bytes));
    sqlx::raw_sql(AssertSqlSafe(filling(hex))).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    everything_is_there(&ground.store().await).await;
}

pub async fn postgres_keeps_everything_over_an_upgrade(url: &str) {
    let (_files, migrator) = first_schema("postgres").await;
    let mut old = PgConnection::connect(url).await.unwrap();
    migrator.run(&mut old).await.unwrap();
    let hex = |bytes: &[u8]| format!("'\\x{}'", in_hex(bytes));
    sqlx::raw_sql(AssertSqlSafe(filling(hex))).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    everything_is_there(&Ground::new(url.into()).store().await).await;
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
