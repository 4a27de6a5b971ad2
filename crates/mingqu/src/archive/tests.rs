//! Archiving as stories over a database of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::{DistrictId, MeterCode};
use store::NewReport;
use tempfile::TempDir;

use super::file::{Reader, beside};
use super::*;

const DAY: i64 = 24 * 3600 * 1000;

/// Reports of two meters, one a day from January to April 2026, and two entries by hand.
struct Station {
    folder: TempDir,
    store: Store,
}

/// Every report that there ever was, by stream and number.
type Reports = BTreeMap<(StreamId, u64), Vec<u8>>;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-10-01T00:00:00Z")
}

fn meter(code: &str) -> MeterCode {
    MeterCode::new(code).unwrap()
}

fn days(code: &str) -> Vec<NewReport> {
    (1..=120)
        .map(|seq| {
            let noon =
                at("2026-01-01T04:00:00Z").plus_millis(DAY * (i64::try_from(seq).unwrap() - 1));
            let bytes = format!("report {seq} of {code}").into_bytes();
            NewReport { meter: meter(code), seq, first_at: noon, last_at: noon, bytes }
        })
        .collect()
}

impl Station {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("station.db").display());
        let store = Store::open(&url, &DistrictId::new("minghe").unwrap()).await.unwrap();
        let m2: Vec<NewReport> = days("m2").into_iter().filter(|r| r.seq != 40).collect();
        for reports in [days("m1"), m2] {
            store.store_reports(now(), &reports, &[]).await.unwrap();
        }
        for text in ["{\"by\":\"hand\"}", "{\"by\":\"another\"}"] {
            let day = at("2026-02-02T00:00:00Z");
            store.append_manual(now(), &meter("m2"), day, day, text.as_bytes()).await.unwrap();
        }
        Self { folder, store }
    }

    fn archive_folder(&self) -> PathBuf {
        self.folder.path().join(FOLDER)
    }

    fn task(&self) -> Task<'_> {
        Task {
            store: &self.store,
            folder: self.archive_folder(),
            before: Month::of(at("2026-04-15T00:00:00Z")),
            needs: Needs::default(),
            now: now(),
            dry_run: false,
        }
    }

    async fn archive(&self) -> Vec<Archived> {
        let mut told = Vec::new();
        archive(&self.task(), |archived| told.push(archived.clone())).await.unwrap();
        told
    }

    async fn in_database(&self) -> Reports {
        let mut found = Reports::new();
        for one in self.store.meter_activity().await.unwrap() {
            let stream = StreamId { meter: one.meter, stream: one.stream };
            for report in self.store.reports(&stream, 0, u64::MAX).await.unwrap() {
                found.insert((stream.clone(), report.seq), report.bytes);
            }
        }
        found
    }

    fn manifests(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for month in std::fs::read_dir(self.archive_folder()).unwrap() {
            let month = month.unwrap().path();
            if month.is_dir() {
                found.extend(std::fs::read_dir(month).unwrap().map(|file| file.unwrap().path()));
            }
        }
        found.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        found.sort();
        found
    }

    /// What lies in files that count.
    fn in_files(&self) -> Reports {
        let mut found = Reports::new();
        for manifest in self.manifests() {
            found.extend(reports_of(&manifest));
        }
        found
    }
}

fn reports_of(manifest: &Path) -> Reports {
    let (described, data) = Manifest::open(manifest).unwrap();
    let mut reader = Reader::new(File::open(data).unwrap());
    let mut found = Reports::new();
    let mut runs = Vec::new();
    while let Some((stream, report)) = reader.next().unwrap() {
        add(&mut runs, &stream, report.seq);
        found.insert((stream, report.seq), report.bytes);
    }
    assert_eq!(described.runs, runs.iter().map(Run::from).collect::<Vec<_>>());
    assert_eq!(described.reports, numbers(&runs));
    found
}

#[tokio::test]
async fn months_leave_for_files_and_come_back() {
    let station = Station::new().await;
    let all = station.in_database().await;
    let told = station.archive().await;
    let months: Vec<_> = told.iter().map(|one| (one.month.as_str(), one.reports)).collect();
    // January's 31 days twice; February's, without the one that never came, and the first entry by
    // hand, for the last of a stream stays; March's.
    assert_eq!(months, [("2026-01", 62), ("2026-02", 56), ("2026-03", 62)]);
    let (left, archived) = (station.in_database().await, station.in_files());
    assert_eq!(left.len() + archived.len(), all.len());
    let both: Reports = left.clone().into_iter().chain(archived).collect();
    assert_eq!(both, all);
    assert_eq!(station.archive().await, []);

    let february = station.archive_folder().join("2026-02/0001.json");
    let (described, _) = Manifest::open(&february).unwrap();
    let runs: Vec<_> = described
        .runs
        .iter()
        .map(|run| (run.meter.as_str(), run.stream.as_str(), run.first, run.last, run.reports))
        .collect();
    assert_eq!(
        runs,
        [
            ("m1", "primary", 32, 59, 28),
            ("m2", "primary", 32, 39, 8),
            ("m2", "primary", 41, 59, 19),
            ("m2", "manual", 1, 1, 1),
        ]
    );
    for manifest in station.manifests() {
        let back = restore(&station.store, &manifest, now()).await.unwrap();
        assert_eq!((back.present, back.contradicted), (0, 0));
    }
    assert_eq!(station.in_database().await, all);
    let again = restore(&station.store, &february, now()).await.unwrap();
    assert_eq!((again.restored, again.present), (0, 56));
}

#[tokio::test]
async fn a_dry_run_tells_and_touches_nothing() {
    let station = Station::new().await;
    let all = station.in_database().await;
    let mut told = Vec::new();
    let task = Task { dry_run: true, ..station.task() };
    archive(&task, |archived| told.push(archived.clone())).await.unwrap();
    assert_eq!(station.in_database().await, all);
    assert!(!station.archive_folder().exists());
    let done = station.archive().await;
    for (would, did) in told.iter().zip(&done) {
        assert_eq!((&would.file, &would.sha256), (&None, &did.sha256));
        assert_eq!((would.reports, would.bytes), (did.reports, did.bytes));
    }
    assert_eq!(told.len(), done.len());
}

/// What a run leaves that ends between two of its steps.
async fn cut_off(station: &Station, step: u32) {
    let january = Month::of(at("2026-01-15T00:00:00Z"));
    let task = station.task();
    let place = || {
        std::fs::create_dir_all(station.archive_folder()).unwrap();
        Place::next(&task.folder, january).unwrap()
    };
    match step {
        0 => std::fs::write(beside(&place().data()), b"half a file").unwrap(),
        1 => std::fs::write(place().data(), b"a file without a manifest").unwrap(),
        2 => {
            std::fs::write(place().data(), b"a file without a manifest").unwrap();
            std::fs::write(beside(&place().manifest()), b"{\"half\":").unwrap();
        }
        _ => {
            place();
            let old = old_streams(&task).await.unwrap();
            let (_, runs) = write(&task, january, &old).await.unwrap().unwrap();
            if step == 4 {
                let half = ArchivedRun { last_seq: 15, ..runs[0].clone() };
                station.store.remove_archived(january, &[half]).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn whatever_step_the_power_fails_at_nothing_is_lost() {
    for step in 0..5 {
        let station = Station::new().await;
        let all = station.in_database().await;
        cut_off(&station, step).await;
        let mut held = station.in_database().await;
        held.extend(station.in_files());
        assert_eq!(held, all, "after step {step}");

        station.archive().await;
        let (left, archived) = (station.in_database().await, station.in_files());
        let ours: BTreeSet<_> = left.keys().collect();
        assert!(!archived.keys().any(|key| ours.contains(key)), "step {step}: removed for good");
        let both: Reports = left.into_iter().chain(archived).collect();
        assert_eq!(both, all, "after step {step} and another run");
    }
}

#[tokio::test]
async fn rejects_a_second_run_beside_the_first() {
    let station = Station::new().await;
    let _first = lock(&station.archive_folder()).unwrap();
    let error = archive(&station.task(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("another run"), "{error}");
}

#[tokio::test]
async fn rejects_a_damaged_or_strange_file() {
    let station = Station::new().await;
    station.archive().await;
    let manifest = station.archive_folder().join("2026-01/0001.json");
    let restored = async || restore(&station.store, &manifest, now()).await.unwrap_err();
    let (whole, data) = Manifest::open(&manifest).unwrap();

    let strange = Manifest { district: DistrictId::new("other").unwrap(), ..whole.clone() };
    strange.write(&manifest).unwrap();
    assert!(restored().await.to_string().contains("district other"));
    Manifest { format: "mingqu-archive-v9".to_owned(), ..whole.clone() }.write(&manifest).unwrap();
    assert!(restored().await.to_string().contains("this program reads mingqu-archive-v1"));
    std::fs::write(&manifest, b"{}").unwrap();
    assert!(restored().await.to_string().contains("not a manifest"));
    whole.write(&manifest).unwrap();

    let mut bytes = std::fs::read(&data).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    assert!(restored().await.to_string().contains("damaged"));
    assert_eq!(station.store.meter_activity().await.unwrap()[0].archived, 90);
}

#[test]
fn an_item_has_the_layout_that_is_documented() {
    let stream = StreamId::manual(&meter("m1"));
    let report = ArchivedReport {
        seq: 500,
        first_at: at("2026-01-01T00:00:00Z"),
        last_at: at("2026-01-01T00:00:01Z"),
        received_at: at("2026-01-01T00:00:02Z"),
        bytes: b"{}".to_vec(),
    };
    let mut writer = Writer::new(Vec::new());
    writer.push(&stream, &report).unwrap();
    writer.push(&stream, &ArchivedReport { seq: 501, ..report.clone() }).unwrap();
    let (bytes, sealed) = writer.finish().unwrap();
    assert_eq!(sealed.bytes, bytes.len() as u64);

    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut plain)
        .unwrap();
    let item = b"\x87\x62m1\x66manual\x19\x01\xf4\
        \x1b\0\0\x01\x9b\x76\xda\xa8\0\x1b\0\0\x01\x9b\x76\xda\xab\xe8\x1b\0\0\x01\x9b\x76\xda\xaf\xd0\
        \x42{}";
    assert_eq!(plain[..item.len()], item[..]);
    assert_eq!(plain.len(), 2 * item.len());

    let mut reader = Reader::new(bytes.as_slice());
    assert_eq!(reader.next().unwrap(), Some((stream, report)));
    assert_eq!(reader.next().unwrap().map(|(_, report)| report.seq), Some(501));
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn rejects_what_is_no_archive() {
    let zipped = |plain: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, plain).unwrap();
        gz.finish().unwrap()
    };
    for plain in [
        &b"not cbor"[..],
        b"\x86\x62m1",
        b"\x87\x62m1\x66manual\x19\x01",
        b"\x87\x62M!\x66manual\x01\x01\x01\x01\x40",
        b"\x87\x62m1\x65other\x01\x01\x01\x01\x40",
        b"\x87\x62m1\x66manual\x01\x01\x01\x01\x40",
    ] {
        assert!(Reader::new(zipped(plain).as_slice()).next().is_err(), "{plain:?}");
    }
    assert!(Reader::new(&b"no gzip"[..]).next().is_err());
    let endless = [&b"\x87\x7a\x7f\xff\xff\xff"[..], &vec![b'm'; 3 << 20]].concat();
    let error = Reader::new(zipped(&endless).as_slice()).next().unwrap_err();
    assert!(error.to_string().contains("an item has more than"), "{error}");
}

#[test]
fn removals_are_cut_into_pieces_that_lose_no_number() {
    let run = |first_seq, last_seq| ArchivedRun {
        stream: StreamId::from(meter("m1")),
        first_seq,
        last_seq,
    };
    let most = MAX_REPORTS_PER_REMOVAL;
    for runs in [
        vec![run(1, 1)],
        vec![run(1, most)],
        vec![run(1, most + 1), run(most + 5, 3 * most)],
        vec![run(1, most - 1), run(most + 1, most + 1), run(most + 3, most + 3)],
    ] {
        let pieces = pieces(&runs);
        assert!(pieces.iter().all(|piece| (1..=most).contains(&numbers(piece))), "{runs:?}");
        let told: Vec<u64> =
            pieces.iter().flatten().flat_map(|run| run.first_seq..=run.last_seq).collect();
        let expected: Vec<u64> = runs.iter().flat_map(|run| run.first_seq..=run.last_seq).collect();
        assert_eq!(told, expected);
    }
}
