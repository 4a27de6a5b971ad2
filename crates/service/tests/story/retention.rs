//! Old reports leave the database: nothing that is posted or under way suffers.

use audit::testing::TestMeter;
use domain::Timestamp;
use domain::progress::Progress;
use service::Need;
use store::{ArchivedRun, Month};

use crate::{Town, at, id};

/// Archives what starts in May 2016 as the program does; returns how many reports went.
async fn archive(town: &Town) -> usize {
    let (store, may) = (town.service.store(), Month::of(at("12:00")));
    let needs = town.service.needs(end_of(may)).await.unwrap();
    let mut gone = 0;
    for old in store.streams_with_reports_before(end_of(may)).await.unwrap() {
        let from = needs.of(&old.stream.meter);
        let needed_from = store.needed_from(&old.stream, from).await.unwrap();
        let reports = store.reports_of_month(&old.stream, may, 0, needed_from).await.unwrap();
        if let Some((first, last)) = reports.first().zip(reports.last()) {
            let (first_seq, last_seq) = (first.seq, last.seq);
            let run = ArchivedRun { stream: old.stream, first_seq, last_seq };
            store.remove_archived(may, &[run]).await.unwrap();
            gone += reports.len();
        }
    }
    gone
}

fn end_of(month: Month) -> Timestamp {
    Timestamp::from_millis(month.end_millis()).unwrap()
}

/// Two drafted turns from 01:00 to 03:30, one in the east and one in the west; the round closed on 8 May.
async fn two_turns() -> (Town, TestMeter, TestMeter) {
    let town = Town::founded().await;
    let (mut east, mut west) = (TestMeter::east(), TestMeter::west());
    for meter in [&mut east, &mut west] {
        meter.run_for(12);
        town.send(meter, 1..=12).await;
    }
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.turn("t2", "w1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    (town, east, west)
}

#[tokio::test]
async fn what_is_posted_holds_without_the_reports_in_the_database() {
    let (town, east, _west) = two_turns().await;
    town.sign_all().await;
    assert_eq!(town.in_state(Progress::Posted).await.len(), 11);
    // All but the last of each meter.
    assert_eq!(archive(&town).await, 22);
    town.audit().await;
    town.another_server().await.tend().await.unwrap();
    // A meter that missed its receipt sends everything again.
    assert_eq!(town.send(&east, 1..=12).await, 12);
    assert_eq!(town.service.store().reports(&east.code, 1, 99).await.unwrap().len(), 1);
    town.audit().await;
}

#[tokio::test]
async fn a_turn_under_way_keeps_what_it_needs() {
    let (town, _east, _west) = two_turns().await;
    let needs = town.service.needs(id("2016-06-01T00:00:00Z")).await.unwrap();
    let turns = |outlet| (Need::Turns(id(outlet)), at("01:00"));
    assert_eq!(needs.reasons, [turns("e1"), turns("w1")]);
    // Each report is of half an hour: the first two go.
    assert_eq!(archive(&town).await, 4);

    let people = &town.log.people;
    for draft in town.in_state(Progress::Draft).await {
        // The drafts are drawn up anew from what is left, and come out the same.
        town.sign(draft.id, &people.station).await.unwrap();
    }
    let another = town.another_server().await;
    another.draft_due().await.unwrap();
    assert_eq!(town.in_state(Progress::Awaiting).await.len(), 2);
    for waiting in town.in_state(Progress::Awaiting).await {
        let village = crate::drafting::facts(&waiting).village;
        town.sign(waiting.id, people.cadre_of(&village)).await.unwrap();
    }
    assert_eq!(town.size(), 11);
    town.audit().await;
    assert_eq!(archive(&town).await, 18);
    town.audit().await;
}

#[tokio::test]
async fn a_round_that_is_not_long_closed_keeps_everything_since_it_opened() {
    let (town, _east, _west) = two_turns().await;
    town.sign_all().await;
    let before = id("2016-05-08T00:00:00Z");
    let needs = town.service.needs(before).await.unwrap();
    let opened = id("2016-04-25T00:00:00Z");
    assert_eq!(needs.reasons, [(Need::Round(id("2016-1")), opened)]);
    assert_eq!(needs.of(&id("me1")), Some(opened));
    assert_eq!(town.service.needs(id("2016-05-08T00:00:01Z")).await.unwrap().reasons, []);
    assert_eq!(town.service.needs(opened).await.unwrap().reasons, []);
}

#[tokio::test]
async fn a_turn_entered_after_its_reports_were_archived_says_where_they_are() {
    let (town, east, _west) = two_turns().await;
    town.sign_all().await;
    archive(&town).await;
    town.turn("t3", "e1", "04:00", "05:00").await;
    town.service.draft_due().await.unwrap();
    let why = &town.waiting()["t3"];
    assert!(why.contains("archive files") && why.contains("--restore"), "{why}");

    // They come back, and the turn is drafted.
    let store = town.service.store();
    let reports: Vec<store::ArchivedReport> = (1..=11)
        .map(|seq| {
            let report = telemetry::decode(&east.reports[seq - 1]).unwrap().into_report();
            let time = |at_ms| Timestamp::from_millis(at_ms).unwrap();
            store::ArchivedReport {
                seq: report.seq,
                first_at: time(report.readings[0].at_ms),
                last_at: time(report.readings[report.readings.len() - 1].at_ms),
                received_at: town.service.now(),
                bytes: east.reports[seq - 1].clone(),
            }
        })
        .collect();
    let back = store.restore_reports(town.service.now(), &east.code, &reports).await.unwrap();
    assert_eq!(back.restored, 11);
    town.service.draft_due().await.unwrap();
    assert_eq!(town.waiting().len(), 0, "{:?}", town.waiting());
    town.sign_all().await;
    town.audit().await;
}
