//! Turns become drafts.

use audit::testing::{TestLog, TestMeter};
use disclosure::dsse::Envelope;
use disclosure::hand_readings::{HAND_READINGS_PAYLOAD_TYPE, HandReading, HandReadings};
use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{MeterKey, Origin, Statement, WateringFacts};
use domain::Litres;
use domain::progress::Progress;
use service::PendingStatement;
use telemetry::{Flags, Report};

use crate::{Town, at, id, turn};

pub fn facts(draft: &PendingStatement) -> WateringFacts {
    let statement = Statement::parse(&draft.payload_type, &draft.payload).unwrap();
    statement.watering_facts().unwrap().clone()
}

#[tokio::test]
async fn readings_may_come_before_while_and_after_the_turn() {
    let mut volumes = Vec::new();
    for sent_before in [0, 4, 12] {
        let town = Town::founded().await;
        let mut meter = TestMeter::east();
        meter.run_for(12);
        town.send(&meter, 1..=sent_before).await;
        town.open_turn(turn("t1", "e1", "01:00")).await.unwrap();
        town.send(&meter, sent_before + 1..=(sent_before + 3).min(12)).await;
        town.service.draft_due().await.unwrap();
        town.close_turn("t1", "03:30").await.unwrap();
        town.send(&meter, 1..=12).await;
        town.service.draft_due().await.unwrap();
        let draft = town.only(Progress::Draft).await;
        volumes.push((facts(&draft).volume_litres, facts(&draft).evidence));
        town.sign_all().await;
        town.audit().await;
    }
    // 15 readings of 37 units of 100 litres.
    assert!(volumes.iter().all(|one| *one == volumes[0]), "{volumes:?}");
    assert_eq!(volumes[0].0, Litres(15 * 3700));
}

#[tokio::test]
async fn a_turn_waits_until_its_readings_bracket_it() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    assert!(town.waiting()["t1"].contains("wait for its reports"), "{:?}", town.waiting());
    // Report 7 ends at 03:20, report 8 begins at 03:30.
    town.send(&meter, 1..=7).await;
    town.service.draft_due().await.unwrap();
    assert_eq!(town.waiting().len(), 1);
    town.send(&meter, [8]).await;
    town.service.draft_due().await.unwrap();
    assert!(town.waiting().is_empty());
    assert_eq!(facts(&town.only(Progress::Draft).await).evidence[0].last_report, 8);
}

#[tokio::test]
async fn a_report_missing_in_the_middle_is_waited_for() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, (1..=12).filter(|seq| *seq != 5)).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    assert!(town.waiting()["t1"].contains("report 5"), "{:?}", town.waiting());
    town.send(&meter, [5]).await;
    town.service.draft_due().await.unwrap();
    town.only(Progress::Draft).await;
}

#[tokio::test]
async fn a_register_that_fell_is_not_drafted_and_says_why() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(4);
    let mut report = meter.next_report();
    report.readings[1].value = 3;
    meter.keep(&report);
    meter.run_for(6);
    town.send(&meter, 1..=11).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    assert!(town.waiting()["t1"].contains("the register fell"), "{:?}", town.waiting());
    assert!(town.in_state(Progress::Draft).await.is_empty());
}

#[tokio::test]
async fn a_broken_chain_is_not_drafted_and_says_why() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(4);
    let mut report = meter.next_report();
    report.previous.0[0] ^= 1;
    meter.keep(&report);
    meter.run_for(6);
    town.send(&meter, 1..=11).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    assert!(town.waiting()["t1"].contains("its chain is broken"), "{:?}", town.waiting());
}

/// A meter at rest, and a report 7 whose clock was set back to just before the turn's end.
fn resting_meter() -> TestMeter {
    let mut meter = TestMeter::east();
    let rest = |mut report: Report| {
        report.readings.iter_mut().for_each(|reading| reading.value = 5_000);
        report
    };
    for _ in 0..6 {
        let report = rest(meter.next_report());
        meter.keep(&report);
    }
    let mut late = rest(meter.next_report());
    for (reading, minutes) in late.readings.iter_mut().zip([123, 133, 143]) {
        reading.at_ms = at("00:00").millis() + minutes * 60_000;
    }
    late.flags = Flags::CLOCK_NOT_SYNCHRONISED;
    meter.keep(&late);
    meter
}

#[tokio::test]
async fn a_late_reading_changes_an_unsigned_draft() {
    let town = Town::founded().await;
    let meter = resting_meter();
    town.send(&meter, 1..=6).await;
    town.turn("t1", "e1", "01:10", "02:05").await;
    town.service.draft_due().await.unwrap();
    let before = town.only(Progress::Draft).await;
    town.send(&meter, [7]).await;
    town.service.draft_due().await.unwrap();
    let after = town.only(Progress::Draft).await;
    assert_eq!((before.id, facts(&before).doubts.len()), (after.id, 0));
    assert_ne!(before.payload, after.payload);
}

#[tokio::test]
async fn a_late_reading_does_not_change_a_signed_draft() {
    let town = Town::founded().await;
    let meter = resting_meter();
    town.send(&meter, 1..=6).await;
    town.turn("t1", "e1", "01:10", "02:05").await;
    town.service.draft_due().await.unwrap();
    let before = town.only(Progress::Draft).await;
    town.sign(before.id, &town.log.people.station).await.unwrap();
    town.send(&meter, [7]).await;
    town.service.draft_due().await.unwrap();
    assert_eq!(town.pending(before.id).await.payload, before.payload);
    town.sign(before.id, &town.log.people.east).await.unwrap();
    town.audit().await;
}

#[tokio::test]
async fn a_reading_that_came_while_no_server_ran_changes_the_draft_too() {
    let town = Town::founded().await;
    let meter = resting_meter();
    town.send(&meter, 1..=6).await;
    town.turn("t1", "e1", "01:10", "02:05").await;
    town.service.draft_due().await.unwrap();
    let before = town.only(Progress::Draft).await;
    // Stored by a server that went down before it looked at its drafts.
    town.another_server().await.ingest(vec![crate::town::arrival(&meter, 7)]).await.unwrap();
    town.another_server().await.draft_due().await.unwrap();
    assert_ne!(before.payload, town.only(Progress::Draft).await.payload);
}

#[tokio::test]
async fn a_late_reading_that_contradicts_a_draft_takes_it_back() {
    let town = Town::founded().await;
    let mut meter = resting_meter();
    let mut fallen = meter.next_report();
    for (reading, minutes) in fallen.readings.iter_mut().zip([124, 134, 144]) {
        reading.at_ms = at("00:00").millis() + minutes * 60_000;
        reading.value = 4_000;
    }
    meter.keep(&fallen);
    town.send(&meter, 1..=6).await;
    town.turn("t1", "e1", "01:10", "02:05").await;
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    town.send(&meter, [7, 8]).await;
    town.service.draft_due().await.unwrap();
    assert_eq!(town.pending(draft.id).await.progress, Progress::Refused);
    assert!(town.waiting()["t1"].contains("the register fell"), "{:?}", town.waiting());
}

/// Posts the registry with another device key, scale or installation for the east meter.
pub async fn reregister(town: &Town, change: impl Fn(&mut disclosure::statement::RegistryMeter)) {
    let mut registry = town.log.registry();
    change(&mut registry.meters[0]);
    registry.villages.clear();
    registry.outlets.clear();
    let signers = [&town.log.people.roots[0], &town.log.people.station];
    town.propose(&TestLog::seal(&Statement::Registry(registry), &signers)).await.unwrap();
}

#[tokio::test]
async fn reports_under_a_key_that_was_replaced_are_no_evidence() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    reregister(&town, |entry| {
        entry.keys[0].key = PublicKey::of(&SigningKey::from_bytes(&[43; 32]));
    })
    .await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    let why = &town.waiting()["t1"];
    assert!(why.contains("not by the registry's device key"), "{why}");
}

#[tokio::test]
async fn a_registry_that_changes_under_a_draft_changes_the_draft() {
    let town = Town::founded().await;
    let before = town.drafted().await;
    reregister(&town, |entry| {
        entry.meter.scale = domain::scale::Scale::register(10_000);
    })
    .await;
    town.service.draft_due().await.unwrap();
    let after = town.only(Progress::Draft).await;
    assert_eq!(facts(&after).volume_litres, Litres(facts(&before).volume_litres.get() / 10));
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn a_new_cadre_may_sign_what_was_drafted_before() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = &town.log.people;
    let roots = [&people.roots[0], &people.roots[1]];
    let successor =
        audit::testing::Person::new("east-3", disclosure::statement::Role::Cadre, Some("east"), 23);
    let enrolment = Statement::Key(successor.enrolment(&roots));
    town.propose(&TestLog::seal(&enrolment, &roots)).await.unwrap();
    town.service.draft_due().await.unwrap();
    town.sign(draft.id, &people.station).await.unwrap();
    assert_eq!(town.sign(draft.id, &successor).await.unwrap(), Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn a_report_of_an_earlier_time_under_a_later_number_hides_no_water() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    // What the meter measured, in order of time; the first came last but one, as from a gateway that held it back.
    let by_time: Vec<Report> = (0..6).map(|_| meter.next_report()).collect();
    for (seq, position) in (1..).zip([1, 2, 3, 0, 4, 5]) {
        let previous = meter
            .reports
            .last()
            .map_or(telemetry::ChainHash::FIRST, |bytes| telemetry::ChainHash::of(bytes));
        meter.keep(&Report { seq, previous, ..by_time[position].clone() });
    }
    town.send(&meter, 1..=6).await;
    town.turn("t1", "e1", "00:10", "01:20").await;
    town.turn("t2", "e1", "01:20", "02:20").await;
    town.service.draft_due().await.unwrap();
    let litres = |opened: &str, closed: &str| {
        Litres((value_at(&meter, at(closed)) - value_at(&meter, at(opened))) * 100)
    };
    let drafts = town.in_state(Progress::Draft).await;
    let mut volumes: Vec<_> =
        drafts.iter().map(|draft| (facts(draft).start, facts(draft).volume_litres)).collect();
    volumes.sort_unstable();
    let expected = [("00:10", "01:20"), ("01:20", "02:20")];
    assert_eq!(volumes, expected.map(|(opened, closed)| (at(opened), litres(opened, closed))));
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn a_turn_over_a_swap_is_measured_by_both_meters() {
    let town = Town::founded().await;
    let mut old = TestMeter::east();
    old.run_for(7);
    let mut new = TestMeter::new("me2", 44);
    new.run_for(12);
    let mut registry = town.log.registry();
    registry.villages.clear();
    registry.outlets.clear();
    registry.meters.truncate(1);
    let swapped: domain::Timestamp = at("02:00");
    let mut successor = registry.meters[0].clone();
    successor.meter.code = id("me2");
    successor.meter.installed_at = swapped;
    successor.meter.initial_value = Some(value_at(&new, swapped));
    successor.keys[0].key = PublicKey::of(&SigningKey::from_bytes(&[44; 32]));
    registry.meters[0].meter.removed_at = Some(swapped);
    registry.meters[0].meter.final_value = Some(value_at(&old, swapped));
    registry.meters.push(successor);
    let signers = [&town.log.people.roots[0], &town.log.people.station];
    town.propose(&TestLog::seal(&Statement::Registry(registry), &signers)).await.unwrap();
    town.send(&old, 1..=7).await;
    town.send(&new, 1..=12).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let meters: Vec<_> = facts(&draft).meters().map(ToString::to_string).collect();
    assert_eq!(meters, ["me1", "me2"]);
    let units = value_at(&old, swapped) - value_at(&old, at("01:00")) + value_at(&new, at("03:30"))
        - value_at(&new, swapped);
    assert_eq!(facts(&draft).volume_litres, Litres(units * 100));
    assert!(facts(&draft).doubts.is_empty());
    town.sign_all().await;
    town.audit().await;
}

/// What a meter's register shows at an instant at which it was read.
fn value_at(meter: &TestMeter, at: domain::Timestamp) -> i64 {
    let readings = meter
        .reports
        .iter()
        .flat_map(|bytes| telemetry::decode(bytes).unwrap().into_report().readings);
    readings.into_iter().find(|reading| reading.at_ms == at.millis()).unwrap().value
}

#[tokio::test]
async fn a_key_that_was_rotated_signs_from_its_report_on() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(5);
    let old = registered_key(&town);
    meter.key = SigningKey::from_bytes(&[43; 32]);
    meter.run_for(7);
    town.send(&meter, 1..=5).await;
    reregister(&town, |entry| {
        entry.keys[0].key = old;
        entry.keys.push(MeterKey { key: PublicKey::of(&meter.key), from_report: 6 });
    })
    .await;
    town.send(&meter, 6..=12).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let piece = &facts(&draft).evidence[0];
    assert!(piece.first_report <= 5 && piece.last_report >= 6);
    town.sign_all().await;
    town.audit().await;
}

fn registered_key(town: &Town) -> PublicKey {
    *town.service.record().meters()[&id::<domain::MeterCode>("me1")].key_for(1).unwrap()
}

/// An entry by hand of east's meter, by whoever signs it.
pub fn by_hand(person: &audit::testing::Person, readings: &[(&str, i64)]) -> Vec<u8> {
    let reading = |&(time, value): &(&str, i64)| HandReading { at: at(time), value };
    let entry = HandReadings {
        district: id("sample"),
        meter: id("me1"),
        entered_at: at("05:00"),
        readings: readings.iter().map(reading).collect(),
        note: None,
    };
    let payload = serde_json::to_vec(&entry).unwrap();
    let mut envelope = Envelope::unsigned(HAND_READINGS_PAYLOAD_TYPE, payload);
    envelope.sign_with(&person.key).unwrap();
    envelope.to_json()
}

#[tokio::test]
async fn readings_by_hand_stand_in_where_the_meter_fell_silent() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(4);
    town.send(&meter, 1..=4).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    assert!(town.waiting()["t1"].contains("enter readings by hand"), "{:?}", town.waiting());

    let last = value_at(&meter, at("01:50"));
    let entry = by_hand(&town.log.people.station, &[("03:30", last + 350)]);
    assert_eq!(town.service.enter_readings(&entry).await.unwrap().entry, 1);
    assert_eq!(town.service.enter_readings(&entry).await.unwrap().entry, 1);
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let facts = facts(&draft);
    let origins: Vec<Origin> = facts.evidence.iter().map(|piece| piece.origin).collect();
    assert_eq!(origins, [Origin::MeterSigned, Origin::Manual]);
    assert_eq!(facts.origin, Origin::Manual);
    let units = last + 350 - value_at(&meter, at("01:00"));
    assert_eq!(facts.volume_litres, Litres(units * 100));
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn a_meters_own_reports_go_before_readings_by_hand() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    let entry = by_hand(&town.log.people.station, &[("00:30", 1), ("04:00", 2)]);
    town.service.enter_readings(&entry).await.unwrap();
    town.send(&meter, 1..=12).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    let facts = facts(&town.only(Progress::Draft).await);
    assert_eq!((facts.origin, facts.evidence.len()), (Origin::MeterSigned, 1));
    assert_eq!(facts.volume_litres, Litres(15 * 3700));
}

#[tokio::test]
async fn rejects_readings_by_hand_of_strangers_and_of_tomorrow() {
    let town = Town::founded().await;
    let entry = by_hand(&town.log.people.east, &[("01:00", 1)]);
    let error = town.service.enter_readings(&entry).await.unwrap_err();
    assert!(error.to_string().contains("only the station"), "{error}");
    town.set_clock(at("01:00"));
    let entry = by_hand(&town.log.people.station, &[("02:00", 1)]);
    let error = town.service.enter_readings(&entry).await.unwrap_err();
    let future = service::hand_readings::DraftError::Future(at("02:00"));
    assert!(matches!(error, service::ServiceError::HandReading(e) if e == future));
}
