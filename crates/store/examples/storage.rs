//! What reports cost: how fast they are stored, and how many bytes on disk a reading takes.
//!
//! `cargo run -p store --example storage -- sqlite|postgres [METERS] [HOURS]`: each meter sends a report of twelve
//! readings an hour; within an hour they arrive in any order, in batches of a thousand. A PostgreSQL server is
//! started for the occasion, with its writes not forced to disk, so its rate is comparable only with itself.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for those who measure")]

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;
use std::time::{Duration, Instant};

use domain::{DistrictId, MeterCode, Timestamp};
use firmware_sim::{Faults, Fleet};
use sqlx::{Connection, PgConnection};
use store::testing::PostgresServer;
use store::{NewReport, Store};

const READINGS_PER_REPORT: u64 = 12;
const BATCH: usize = 1000;
const START_MS: i64 = 1_775_001_600_000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |position: usize, otherwise: u32| {
        arguments.get(position).map_or(otherwise, |text| text.parse().unwrap())
    };
    let (meters, hours) = (number(1, 10_000), number(2, 100));
    let folder = tempfile::tempdir().unwrap();
    match arguments.first().map(String::as_str) {
        Some("sqlite") => {
            let file = folder.path().join("storage.db");
            let store = open(&format!("sqlite:{}", file.display())).await;
            let filled = fill(&store, meters, hours).await;
            store.close().await;
            tell("SQLite", filled, size(&file));
        }
        Some("postgres") => {
            let server = PostgresServer::start().await.unwrap();
            let url = server.create_database("storage").await.unwrap();
            let empty = database_bytes(&url).await;
            let store = open(&url).await;
            let filled = fill(&store, meters, hours).await;
            store.close().await;
            tell("PostgreSQL", filled, database_bytes(&url).await - empty);
        }
        _ => println!("usage: storage sqlite|postgres [METERS] [HOURS]"),
    }
}

async fn open(url: &str) -> Store {
    Store::open(url, &DistrictId::new("measured").unwrap()).await.unwrap()
}

/// What was stored: how many reports, their bytes as they were sent, and the time spent in the store alone.
struct Filled {
    reports: u64,
    sent_bytes: u64,
    took: Duration,
}

/// Stores every report.
async fn fill(store: &Store, meters: u32, hours: u32) -> Filled {
    let mut fleet = Fleet::synthetic(7, meters, START_MS, Faults::NONE).unwrap();
    let any_order = BuildHasherDefault::<DefaultHasher>::default();
    let (mut took, mut sent_bytes) = (Duration::ZERO, 0);
    for hour in 0..hours {
        let first_at = fleet.now_ms();
        let mut reports: Vec<NewReport> = fleet
            .hour()
            .unwrap()
            .into_iter()
            .map(|report| NewReport {
                meter: MeterCode::new(report.meter.as_str()).unwrap(),
                seq: report.seq,
                first_at: Timestamp::from_millis(first_at).unwrap(),
                last_at: Timestamp::from_millis(first_at + 3_300_000).unwrap(),
                bytes: report.bytes.to_vec(),
            })
            .collect();
        sent_bytes += reports.iter().map(|report| report.bytes.len() as u64).sum::<u64>();
        reports.sort_by_cached_key(|report| any_order.hash_one((report.meter.as_str(), hour)));
        let received_at = Timestamp::from_millis(first_at + 3_400_000).unwrap();
        for batch in reports.chunks(BATCH) {
            let started = Instant::now();
            let stored = store.store_reports(received_at, batch, &[]).await.unwrap();
            took += started.elapsed();
            assert_eq!(stored.stored, batch.len() as u64);
        }
    }
    Filled { reports: u64::from(meters) * u64::from(hours), sent_bytes, took }
}

fn tell(engine: &str, Filled { reports, sent_bytes, took }: Filled, bytes: u64) {
    let tenths = |value: u64, of: u64| format!("{}.{}", value / of, value % of * 10 / of);
    println!(
        "{engine}: {reports} reports in {} ms, {} reports/s; {} bytes a report as sent; {bytes} bytes on disk, {} a report, {} a reading",
        took.as_millis(),
        u128::from(reports) * 1000 / took.as_millis().max(1),
        tenths(sent_bytes, reports),
        tenths(bytes, reports),
        tenths(bytes, reports * READINGS_PER_REPORT),
    );
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap().len()
}

async fn database_bytes(url: &str) -> u64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    bytes.try_into().unwrap()
}
