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
