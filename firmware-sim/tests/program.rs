//! The program as it is run by hand and by the end-to-end tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the publisher's tests look closer at the broker")]
mod broker;

use std::collections::BTreeMap;
use std::process::{Command, Output};

use broker::{Mood, TestBroker};
use firmware_sim::{Ledger, device_key, synthetic_meter};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

const WELL: Mood = Mood { acknowledges: true, receipts: true, hang_up_after: None };

async fn run(arguments: &str) -> Output {
    let arguments: Vec<String> = arguments.split_whitespace().map(Into::into).collect();
    run_words(&arguments).await
}

async fn run_words(arguments: &[String]) -> Output {
    let arguments = arguments.to_vec();
    let program =
        move || Command::new(env!("CARGO_BIN_EXE_firmware-sim")).args(arguments).output().unwrap();
    spawn_blocking(program).await.unwrap()
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test]
async fn a_fleet_ends_well_once_all_is_receipted() {
    let broker = TestBroker::start(WELL).await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let line = format!(
        "fleet --meters 3 --reports 4 --seed 7 --broker {} --district d1 --give-up-after 20 \
         --ledger {} --drop-permille 200 --reboot-permille 300 --resend-ms 50",
        broker.addr,
        ledger.display()
    );
    let output = run(&line).await;
    let expected = json!({
        "published": 12, "outstanding": 0, "meters": 3, "acknowledged": 12, "receipted": 12
    });
    assert_eq!(summary(&output), expected);
    assert!(output.status.success());
    assert_eq!(Ledger::load(&ledger).unwrap().summary().receipted, 12);

    let again = run(&line).await;
    assert_eq!(summary(&again), expected, "nothing is left to do");
    assert!(again.status.success());
}

#[tokio::test]
async fn a_fleet_without_receipts_fails() {
    let broker = TestBroker::start(Mood { receipts: false, ..WELL }).await;
    let line = format!(
        "fleet --meters 1 --reports 1 --broker {} --district d1 --give-up-after 1",
        broker.addr
    );
    let output = run(&line).await;
    assert_eq!(summary(&output)["outstanding"], 1);
    assert!(!output.status.success());
}

#[tokio::test]
async fn a_replay_sends_every_reading() {
    let broker = TestBroker::start(WELL).await;
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("registers.csv");
    let mut rows = vec!["user key;datetime;meter reading".to_owned()];
    rows.extend((0..30).map(|i| format!("0a1b;01/03/2016 {:02}:{:02}:00;{i}", i / 2, i % 2)));
    std::fs::write(&csv, rows.join("\n")).unwrap();
    let line = format!(
        "replay --csv {} --broker {} --district d1 --give-up-after 20 --rate 100",
        csv.display(),
        broker.addr
    );
    let output = run(&line).await;
    assert_eq!(summary(&output)["receipted"], 3);
    assert!(output.status.success());
    let readings: usize = broker.look(|seen| {
        let reports = seen.stored.values().flat_map(BTreeMap::values);
        reports.map(|bytes| telemetry::decode(bytes).unwrap().report().readings.len()).sum()
    });
    assert_eq!(readings, 30);
}

#[tokio::test]
async fn keys_are_those_of_the_devices() {
    let output = run("keys --meters 2 --seed 7").await;
    let keys: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(keys.len(), 2);
    for number in 1..=2 {
        let id = synthetic_meter(number).unwrap();
        let public = device_key(7, id.as_str()).verifying_key();
        assert_eq!(keys[id.as_str()], hex::encode(public.as_bytes()));
    }
}

const EVERY_FAULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/every-fault.toml");
const TEN_THOUSAND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/ten-thousand.toml");

#[tokio::test]
async fn a_scenario_ends_well_and_its_ledger_tells_all() {
    let broker = TestBroker::start(WELL).await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.json");
    let line = format!(
        "run {EVERY_FAULT} --broker {} --district d1 --connections 1 --give-up-after 60 \
         --drop-permille 20 --duplicate-permille 20 --resend-ms 50 --ledger {}",
        broker.addr,
        ledger.display()
    );
    let output = run(&line).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "the ledger is in its file");
    let books: Value = serde_json::from_slice(&std::fs::read(&ledger).unwrap()).unwrap();
    let totals = &books["totals"];
    assert_eq!(totals["meters"], 7);
    assert_eq!(totals["faults"].as_object().unwrap().len(), 12);
    assert_eq!(totals["reports_receipted"], totals["reports_made"]);
    assert_eq!(totals["reports_acknowledged"], totals["reports_made"]);
    assert!(books["on_the_way"]["dropped"].as_u64().unwrap() > 0);
    let made = totals["reports_made"].as_u64().unwrap();
    assert_eq!(broker.look(broker::Seen::reports) as u64, made);
    let outlets = books["outlets"].as_array().unwrap();
    let waterings = outlets.iter().flat_map(|o| o["waterings"].as_array().unwrap());
    assert!(waterings.into_iter().all(|w| w["true_millilitres"].as_i64().unwrap() > 0));
}

#[tokio::test]
async fn a_scenario_without_receipts_fails_and_still_tells_the_truth() {
    let broker = TestBroker::start(Mood { receipts: false, ..WELL }).await;
    let line = format!(
        "run {EVERY_FAULT} --broker {} --district d1 --connections 1 --give-up-after 3",
        broker.addr
    );
    let output = run(&line).await;
    assert!(!output.status.success());
    let books = summary(&output);
    assert!(books["outstanding"].as_u64().unwrap() > 0);
    assert_eq!(books["totals"]["reports_receipted"], 0);
    assert!(books["totals"]["true_millilitres"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_needs_nobody() {
    let output = run(&format!("run {EVERY_FAULT} --dry-run")).await;
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    for line in [
        "4 day(s) from 2026-04-01T00:00:00+08:00, seed 1",
        "gate: 2 register meters, a reading every 300 s, 12 in a report",
        "day 1 07:00, outage: flume-00001",
        "day 2 03:00, swap: gate-00001",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    let moved =
        run(&format!("run {EVERY_FAULT} --dry-run --start 2027-01-01T00:00:00+08:00 --seed 5"))
            .await;
    let told = String::from_utf8(moved.stdout).unwrap();
    assert!(told.starts_with("4 day(s) from 2027-01-01T00:00:00+08:00, seed 5\n"), "{told}");
}

#[tokio::test]
async fn a_registry_is_told_whole_or_in_parts_or_as_of_some_hour() {
    let meters = |registry: &Value| registry["meters"].as_array().unwrap().len();
    let whole = summary(&run(&format!("registry {EVERY_FAULT}")).await);
    assert_eq!((meters(&whole), whole["outlets"].as_array().unwrap().len()), (7, 6));
    let early = ["registry", EVERY_FAULT, "--by", "day 2 02:59"].map(String::from);
    let early = run_words(&early).await;
    assert_eq!(meters(&summary(&early)), 6, "nobody was swapped yet");
    let parts = ["registry", TEN_THOUSAND, "--by", "day 1 00:00", "--split-bytes", "45000"];
    let parts = run_words(&parts.map(String::from)).await;
    let parts = String::from_utf8(parts.stdout).unwrap();
    assert!(parts.lines().all(|part| part.len() <= 45_000));
    let all: usize = parts.lines().map(|part| meters(&serde_json::from_str(part).unwrap())).sum();
    assert_eq!(all, 10_000);
}

#[tokio::test]
async fn a_scenario_that_cannot_be_is_refused_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.toml");
    let text = std::fs::read_to_string(EVERY_FAULT).unwrap().replace("days = 4", "days = 0");
    std::fs::write(&path, text).unwrap();
    let output = run(&format!("run {} --dry-run", path.display())).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("days = 0 is refused: give 1 to 400"), "{said}");
}
