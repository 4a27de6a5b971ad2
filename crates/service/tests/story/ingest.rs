//! Reports come in.

use audit::testing::TestMeter;
use service::{Arrival, QuarantineReason};
use telemetry::Kind;

use crate::town::arrival;
use crate::{Town, id};

/// The reason under which a message alone is kept apart.
async fn reason_of(town: &Town, arrival: Arrival) -> String {
    let receipts = town.service.ingest(vec![arrival]).await.unwrap();
    assert!(receipts.iter().all(|receipt| receipt.stored == 0), "{receipts:?}");
    town.service.store().quarantine(None, 1).await.unwrap().remove(0).reason
}

#[tokio::test]
async fn each_reason_keeps_a_message_apart() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(1);
    let good = arrival(&meter, 1);

    let oversize = Arrival { payload: vec![0; telemetry::MAX_REPORT_BYTES + 1], ..good.clone() };
    assert_eq!(reason_of(&town, oversize).await, QuarantineReason::Oversize.code());
    let malformed = Arrival { payload: b"not cbor".to_vec(), ..good.clone() };
    assert_eq!(reason_of(&town, malformed).await, QuarantineReason::Malformed.code());
    let others = Arrival { meter: "mw1".to_owned(), ..good.clone() };
    assert_eq!(reason_of(&town, others).await, QuarantineReason::OtherMetersTopic.code());
    let topic = "mingqu/v1/elsewhere/me1/report".to_owned();
    let elsewhere = Arrival { topic, ..good.clone() };
    assert_eq!(reason_of(&town, elsewhere).await, QuarantineReason::OtherDistrict.code());

    let mut stranger = TestMeter::new("mx9", 77);
    stranger.run_for(1);
    let reason = reason_of(&town, arrival(&stranger, 1)).await;
    assert_eq!(reason, QuarantineReason::UnknownMeter.code());
    let mut forger = TestMeter::new("me1", 77);
    forger.run_for(1);
    let reason = reason_of(&town, arrival(&forger, 1)).await;
    assert_eq!(reason, QuarantineReason::BadSignature.code());

    let mut stage = TestMeter::east();
    let mut report = stage.next_report();
    report.kind = Kind::Stage;
    stage.keep(&report);
    assert_eq!(reason_of(&town, arrival(&stage, 1)).await, QuarantineReason::OtherKind.code());
}

#[tokio::test]
async fn readings_from_before_the_installation_are_kept_and_do_not_count() {
    // Refused, they would leave a hole in the meter's sequence for good.
    let town = Town::founded().await;
    let mut early = TestMeter::east();
    let mut report = early.next_report();
    report.readings[0].at_ms = id::<domain::Timestamp>("2016-03-31T23:50:00Z").millis();
    early.keep(&report);
    assert_eq!(town.send(&early, [1]).await, 1);
}

#[tokio::test]
async fn a_report_may_run_ahead_of_the_clock_by_ten_minutes_and_no_more() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(1);
    // The last reading is of 00:20.
    town.set_clock(id("2016-05-01T00:09:59.999Z"));
    let reason = reason_of(&town, arrival(&meter, 1)).await;
    assert_eq!(reason, QuarantineReason::TimeAhead.code());
    town.set_clock(id("2016-05-01T00:10:00Z"));
    assert_eq!(town.send(&meter, [1]).await, 1);
}

#[tokio::test]
async fn a_clock_that_was_never_set_and_an_impossible_number_are_kept_apart() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    let mut report = meter.next_report();
    report.readings.truncate(1);
    report.readings[0].at_ms = 12;
    meter.keep(&report);
    let reason = reason_of(&town, arrival(&meter, 1)).await;
    assert_eq!(reason, QuarantineReason::Malformed.code());

    let mut meter = TestMeter::east();
    let mut report = meter.next_report();
    report.seq = u64::MAX;
    meter.keep(&report);
    assert_eq!(reason_of(&town, arrival(&meter, 1)).await, store::SEQUENCE_IMPOSSIBLE);
}

#[tokio::test]
async fn the_same_report_twice_is_stored_once_and_another_under_its_number_is_kept_apart() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(2);
    assert_eq!(town.send(&meter, [1, 1, 2]).await, 2);
    assert_eq!(town.send(&meter, [2, 1]).await, 2);
    assert_eq!(town.service.store().report_count().await.unwrap(), 2);

    let mut other = TestMeter::east();
    let mut report = other.next_report();
    report.readings[0].value += 1;
    other.keep(&report);
    assert_eq!(town.send(&other, [1]).await, 2);
    let refused = town.service.store().quarantine(None, 10).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].reason, store::SEQUENCE_REUSED);
}

#[tokio::test]
async fn a_receipt_stops_at_a_gap_and_jumps_when_it_is_filled() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(6);
    assert_eq!(town.send(&meter, [2, 3]).await, 0);
    assert_eq!(town.send(&meter, [1]).await, 3);
    assert_eq!(town.send(&meter, [6, 5]).await, 3);
    assert_eq!(town.send(&meter, [4]).await, 6);
}

#[tokio::test]
async fn a_batch_of_good_and_bad_stores_the_good_and_keeps_the_bad() {
    let town = Town::founded().await;
    let (mut east, mut west) = (TestMeter::east(), TestMeter::west());
    east.run_for(2);
    west.run_for(1);
    let bad = Arrival { payload: vec![0xff], ..arrival(&east, 1) };
    let batch = vec![arrival(&east, 1), bad, arrival(&west, 1), arrival(&east, 2)];
    let receipts = town.service.ingest(batch).await.unwrap();
    let receipts: Vec<(&str, u64)> =
        receipts.iter().map(|receipt| (receipt.meter.as_str(), receipt.stored)).collect();
    assert_eq!(receipts, [("me1", 2), ("mw1", 1)]);
    assert_eq!(town.service.store().quarantine(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_a_large_batch_only_the_forged_report_is_kept_apart() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(600);
    town.set_clock(id("2017-01-01T00:00:00Z"));
    let mut batch: Vec<_> = (1..=600).map(|seq| arrival(&meter, seq)).collect();
    let signature = batch[299].payload.len() - 1;
    batch[299].payload[signature] ^= 1;
    let receipts = town.service.ingest(batch).await.unwrap();
    assert_eq!(receipts[0].stored, 299);
    let refused = town.service.store().quarantine(None, 10).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].reason, QuarantineReason::BadSignature.code());
    assert_eq!(town.send(&meter, [300]).await, 600);
}

#[tokio::test]
async fn joined_batches_are_stored_in_the_order_of_their_arrival() {
    let town = Town::founded().await;
    let (mut first, mut second) = (TestMeter::east(), TestMeter::east());
    first.run_for(1);
    let mut report = second.next_report();
    report.readings[0].value += 1;
    second.keep(&report);
    let mut checked = town.service.check(vec![arrival(&first, 1)]).await;
    checked.join(town.service.check(vec![arrival(&second, 1)]).await);
    assert_eq!(town.service.store_checked(&checked).await.unwrap()[0].stored, 1);
    let kept = town.service.store().reports(&first.code, 1, 1).await.unwrap();
    assert_eq!(kept[0].bytes, first.reports[0]);
    let refused = town.service.store().quarantine(None, 10).await.unwrap();
    assert_eq!(refused[0].payload, second.reports[0]);
}

#[tokio::test]
async fn a_meter_that_is_registered_while_its_report_waits_is_taken() {
    let town = Town::empty().await;
    let mut meter = TestMeter::east();
    meter.run_for(2);
    let stranger = Arrival { meter: "mx9".to_owned(), ..arrival(&meter, 1) };
    let checked = town.service.check(vec![arrival(&meter, 1), stranger, arrival(&meter, 2)]).await;
    for entry in town.log.entries.clone() {
        town.propose(&disclosure::dsse::Envelope::parse(&entry).unwrap()).await.unwrap();
    }
    // Twice, as after a failure of the store: what is checked is still there.
    for _ in 0..2 {
        assert_eq!(town.service.store_checked(&checked).await.unwrap()[0].stored, 2);
    }
    let refused = town.service.store().quarantine(None, 10).await.unwrap();
    assert!(refused.iter().all(|row| row.reason == QuarantineReason::OtherMetersTopic.code()));
}

#[tokio::test]
async fn a_store_that_fails_leaves_nothing_to_acknowledge() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(1);
    town.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON report BEGIN SELECT RAISE(FAIL, 'full'); END",
    )
    .await;
    let bad = Arrival { payload: vec![0xff], ..arrival(&meter, 1) };
    assert!(town.service.ingest(vec![bad, arrival(&meter, 1)]).await.is_err());
    assert!(town.service.store().quarantine(None, 10).await.unwrap().is_empty());
    town.tamper("DROP TRIGGER full").await;
    assert_eq!(town.send(&meter, [1]).await, 1);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_the_genesis_but_all_is_kept_apart() {
    let town = Town::empty().await;
    let mut meter = TestMeter::east();
    meter.run_for(1);
    let reason = reason_of(&town, arrival(&meter, 1)).await;
    assert_eq!(reason, QuarantineReason::UnknownMeter.code());
}
