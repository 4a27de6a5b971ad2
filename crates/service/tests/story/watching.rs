//! Alarms: raised from what meters report and do not report, cleared when it is over.

use std::collections::BTreeMap;

use audit::testing::TestMeter;
use disclosure::dsse::Envelope;
use domain::Litres;
use domain::progress::Progress;
use domain::refusal::RefusalReason;
use domain::watch::{AlarmKind, Cause};
use service::board::{self, AlarmFilter, AlarmLine};
use service::request::Ask;
use service::{Answer, PendingStatement, ServiceError};
use telemetry::{ChainHash, Flags};

use crate::drafting::{by_hand, facts, reregister};
use crate::{Town, at, id, round};

const MINUTE: i64 = 60_000;

impl Town {
    /// The town's clock, moved on.
    pub fn wait_minutes(&self, minutes: i64) {
        self.set_clock(self.service.now().plus_millis(minutes * MINUTE));
    }

    /// Looks until nothing is left.
    pub async fn watch(&self) {
        while self.service.watch().await.unwrap() {}
    }

    pub async fn alarms(&self) -> Vec<AlarmLine> {
        board::alarms(&self.service, AlarmFilter::default()).await.unwrap().open
    }

    async fn kinds(&self) -> Vec<AlarmKind> {
        self.alarms().await.iter().map(|alarm| alarm.kind).collect()
    }

    async fn cleared(&self) -> Vec<AlarmKind> {
        let filter = AlarmFilter { cleared: true, ..AlarmFilter::default() };
        let view = board::alarms(&self.service, filter).await.unwrap();
        view.cleared.iter().map(|alarm| alarm.kind).collect()
    }
}

/// A meter that reports half-hours without water, each after the flags were set.
fn still(meter: &mut TestMeter, flags: &[Flags]) {
    for &flags in flags {
        meter.flags = flags;
        let mut report = meter.next_report();
        for reading in &mut report.readings {
            reading.value = 5_000;
        }
        meter.keep(&report);
    }
}

#[tokio::test]
async fn what_a_meter_says_of_itself_is_an_alarm_until_it_says_so_no_more() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::NONE, Flags::LOW_BATTERY, Flags::LOW_BATTERY, Flags::NONE]);
    town.send(&meter, 1..=3).await;
    town.watch().await;
    let alarms = town.alarms().await;
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    let alarm = &alarms[0];
    assert_eq!((alarm.kind, alarm.times), (AlarmKind::LowBattery, 2));
    assert_eq!((alarm.since, alarm.last_at), (at("00:30"), at("01:20")));
    assert_eq!(alarm.outlet.as_ref().unwrap().id, id("e1"));
    assert_eq!(alarm.village.as_ref().unwrap().id, id("east"));
    // The same reports again, and another look, change nothing.
    town.send(&meter, 1..=3).await;
    town.watch().await;
    assert_eq!(town.alarms().await, alarms);
    town.send(&meter, [4]).await;
    town.watch().await;
    assert_eq!(town.kinds().await, []);
    assert_eq!(town.cleared().await, [AlarmKind::LowBattery]);
}

#[tokio::test]
async fn two_servers_and_a_restart_count_once() {
    let town = Town::founded().await;
    let other = town.another_server().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::TAMPER, Flags::TAMPER, Flags::TAMPER]);
    town.send(&meter, 1..=2).await;
    let (one, two) = tokio::join!(town.service.watch(), other.watch());
    assert_eq!((one.unwrap(), two.unwrap()), (false, false));
    town.send(&meter, [3]).await;
    let restarted = town.another_server().await;
    restarted.watch().await.unwrap();
    town.watch().await;
    let alarms = town.alarms().await;
    assert_eq!((alarms.len(), alarms[0].times), (1, 3));
}

#[tokio::test]
async fn a_missing_report_is_waited_for_then_told_and_cleared_when_it_comes() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::NONE; 6]);
    town.send(&meter, [1, 2, 4]).await;
    town.watch().await;
    assert_eq!(town.kinds().await, []);
    town.wait_minutes(61);
    town.watch().await;
    let alarms = town.alarms().await;
    assert_eq!(alarms[0].cause, Cause::MissingReports { first: 3, last: 3 });
    let page = board::meter(&town.service, &id("me1")).await.unwrap().unwrap();
    assert_eq!(page.missing, [(3, 3)]);
    assert_eq!(page.alarms.len(), 1);
    town.send(&meter, [3, 5]).await;
    town.watch().await;
    assert_eq!(town.kinds().await, []);
    let page = board::meter(&town.service, &id("me1")).await.unwrap().unwrap();
    assert_eq!((page.missing, page.breaks), (vec![], vec![]));
    assert_eq!(page.reports[0].seq, 5);
}

#[tokio::test]
async fn a_gap_that_closes_in_time_raises_nothing() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::NONE; 4]);
    town.send(&meter, [4, 1]).await;
    town.watch().await;
    town.send(&meter, [3, 2]).await;
    town.watch().await;
    town.wait_minutes(500);
    town.watch().await;
    assert_eq!((town.kinds().await, town.cleared().await), (vec![], vec![]));
}

#[tokio::test]
async fn a_broken_chain_stays_until_somebody_takes_note() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::NONE]);
    let mut forged = meter.next_report();
    forged.previous = ChainHash([7; ChainHash::LEN_BYTES]);
    meter.keep(&forged);
    still(&mut meter, &[Flags::NONE]);
    town.send(&meter, 1..=3).await;
    town.watch().await;
    let alarm = town.alarms().await.remove(0);
    assert_eq!(alarm.cause, Cause::ChainBroken { report: 2 });
    let page = board::meter(&town.service, &id("me1")).await.unwrap().unwrap();
    assert_eq!(page.breaks, [2]);
    town.service.watch_time().await.unwrap();

    let people = &town.log.people;
    let note = |words: &str| Ask::AcknowledgeAlarm { alarm: alarm.id, note: words.into() };
    let error = town.ask(&people.east, note("看过")).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
    for bad in ["", "a\nb", &"长".repeat(201)] {
        let error = town.ask(&people.station, note(bad)).await.unwrap_err();
        assert!(error.to_string().contains("a note of 1 to 200"), "{error}");
    }
    let done = town.ask(&people.station, note("换过电子部件")).await.unwrap();
    assert_eq!(done, Answer::Done);
    assert_eq!(town.ask(&people.station, note("换过电子部件")).await.unwrap(), Answer::Done);
    let error = town.ask(&people.station, note("又一次")).await.unwrap_err();
    assert!(matches!(error, ServiceError::AlarmCleared(_)), "{error}");
    assert_eq!(town.cleared().await, [AlarmKind::ChainBroken]);
    let unknown = Ask::AcknowledgeAlarm { alarm: 999, note: "看过".into() };
    let error = town.ask(&people.station, unknown).await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownAlarm(999)), "{error}");
}

#[tokio::test]
async fn noting_a_state_does_not_end_it() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::LOW_BATTERY, Flags::NONE]);
    town.send(&meter, [1]).await;
    town.watch().await;
    let alarm = town.alarms().await[0].id;
    let note = Ask::AcknowledgeAlarm { alarm, note: "明天换电池".into() };
    town.ask(&town.log.people.station, note).await.unwrap();
    let noted = town.alarms().await.remove(0).noted.unwrap();
    assert_eq!((noted.0, noted.2.as_str()), (id("station-1"), "明天换电池"));
    let counts = board::alarm_counts(&town.service).await.unwrap();
    assert_eq!((counts[0].open, counts[0].unacknowledged), (1, 0));
    town.send(&meter, [2]).await;
    town.watch().await;
    assert_eq!(town.kinds().await, []);
}

#[tokio::test]
async fn the_states_of_a_meter_end_when_it_is_taken_down() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::LOW_BATTERY, Flags::TAMPER, Flags::LOW_BATTERY]);
    town.send(&meter, [1, 3]).await;
    town.wait_minutes(61);
    town.watch().await;
    assert_eq!(town.kinds().await, [AlarmKind::MissingReports, AlarmKind::LowBattery]);
    town.send(&meter, [2]).await;
    town.watch().await;
    assert_eq!(town.kinds().await, [AlarmKind::Tamper, AlarmKind::LowBattery]);
    reregister(&town, |entry| entry.meter.removed_at = Some(at("03:00"))).await;
    town.service.watch_time().await.unwrap();
    // What happened waits for somebody to take note.
    assert_eq!(town.kinds().await, [AlarmKind::Tamper]);
}

#[tokio::test]
async fn a_silent_meter_is_told_until_it_speaks() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    still(&mut meter, &[Flags::NONE, Flags::NONE]);
    town.send(&meter, [1]).await;
    town.service.watch_time().await.unwrap();
    // A server that has just started has heard nothing of anybody.
    assert_eq!(town.kinds().await, []);
    town.wait_minutes(120);
    town.service.watch_time().await.unwrap();
    // The other village's meter never reported since it was installed.
    let silent: BTreeMap<_, _> =
        town.alarms().await.into_iter().map(|a| (a.meter.unwrap(), a.since)).collect();
    assert_eq!(silent.keys().map(ToString::to_string).collect::<Vec<_>>(), ["mw1"]);
    let heard = town.service.now().plus_millis(-120 * MINUTE);
    town.wait_minutes(22 * 60 + 1);
    for _ in 0..2 {
        town.service.watch_time().await.unwrap();
    }
    let alarms = town.alarms().await;
    assert_eq!((alarms.len(), alarms[0].times), (2, 1));
    let of_east = alarms.iter().find(|alarm| alarm.meter == Some(id("me1"))).unwrap();
    assert_eq!(of_east.since, heard);
    town.send(&meter, [2]).await;
    town.service.watch_time().await.unwrap();
    assert_eq!(town.cleared().await, [AlarmKind::Silent]);
    assert_eq!(town.alarms().await.len(), 1);
}

#[tokio::test]
async fn water_outside_any_round_is_told_until_the_round_is_entered() {
    let town = Town::empty().await;
    for entry in town.log.entries.clone() {
        town.propose(&Envelope::parse(&entry).unwrap()).await.unwrap();
    }
    let mut meter = TestMeter::east();
    meter.run_for(4);
    town.send(&meter, 1..=2).await;
    town.watch().await;
    town.send(&meter, 3..=4).await;
    town.watch().await;
    let alarm = town.alarms().await.remove(0);
    // 3.7 m³ every ten minutes for an hour and fifty minutes, one alarm for all of it.
    assert_eq!(alarm.cause, Cause::UseOutsideRound { litres: Litres(40_700) });
    assert_eq!((alarm.since, alarm.last_at, alarm.times), (at("00:00"), at("01:50"), 1));
    town.service.watch_time().await.unwrap();
    assert_eq!(town.kinds().await, [AlarmKind::UseOutsideRound]);
    town.ask(&town.log.people.station, Ask::OpenRound(round())).await.unwrap();
    town.service.watch_time().await.unwrap();
    assert_eq!(town.cleared().await, [AlarmKind::UseOutsideRound]);
}

/// A turn from 01:00 to 03:30 whose meter fell silent after 01:50, drafted by a reading by hand.
async fn drafted_by_hand() -> (Town, TestMeter, PendingStatement) {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=4).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    let entry = by_hand(&town.log.people.station, &[("03:30", 5_800)]);
    town.service.enter_readings(&entry).await.unwrap();
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    (town, meter, draft)
}

#[tokio::test]
async fn reports_that_come_after_the_posting_raise_an_alarm_and_change_nothing() {
    let (town, meter, draft) = drafted_by_hand().await;
    town.sign_all().await;
    town.watch().await;
    assert_eq!(town.kinds().await, []);
    town.send(&meter, 5..=12).await;
    for _ in 0..2 {
        town.service.draft_due().await.unwrap();
        town.watch().await;
        town.service.watch_time().await.unwrap();
    }
    let alarm = town.alarms().await.remove(0);
    let cause = Cause::LateData {
        turn: id("t1"),
        statement: draft.id,
        // From 5,222 units at 01:00 to the 5,800 read by hand, and to 5,777 by the meter.
        signed: Litres(57_800),
        measured: Some(Litres(55_500)),
    };
    assert_eq!((alarm.cause, alarm.times), (cause, 1));
    assert_eq!(alarm.outlet.unwrap().id, id("e1"));
    assert_eq!(town.pending(draft.id).await.payload, draft.payload);
    assert_eq!(town.pending(draft.id).await.progress, Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn a_late_reading_changes_a_draft_and_an_alarm_ends_with_its_statement() {
    let (town, meter, draft) = drafted_by_hand().await;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    town.send(&meter, 5..=12).await;
    town.service.draft_due().await.unwrap();
    town.watch().await;
    assert_eq!(town.kinds().await, [AlarmKind::LateData]);
    assert_eq!(town.pending(draft.id).await.payload, draft.payload);

    let (statement, reason) = (draft.id, RefusalReason::MeterFault);
    let refuse = Ask::Refuse { statement, reason, note: Some("水表补报了".into()) };
    town.ask(&town.log.people.east, refuse).await.unwrap();
    town.service.watch_time().await.unwrap();
    assert_eq!(town.cleared().await, [AlarmKind::LateData]);
    // The turn is drawn up anew, by the meter's own reports; nobody has signed it, so nothing is late.
    town.service.draft_due().await.unwrap();
    let anew = town.only(Progress::Draft).await;
    assert_eq!(facts(&anew).volume_litres, Litres(55_500));
    town.send(&meter, [1]).await;
    town.watch().await;
    assert_eq!(town.kinds().await, []);
}

#[tokio::test]
async fn a_damaged_memory_of_one_meter_holds_up_no_other() {
    let town = Town::founded().await;
    let (mut east, mut west) = (TestMeter::east(), TestMeter::west());
    still(&mut east, &[Flags::NONE, Flags::TAMPER]);
    still(&mut west, &[Flags::TAMPER]);
    town.send(&east, [1]).await;
    town.watch().await;
    town.tamper("UPDATE meter_watch SET state = 'x'").await;
    town.send(&east, [2]).await;
    town.send(&west, [1]).await;
    town.watch().await;
    let alarms = town.alarms().await;
    assert_eq!((alarms.len(), alarms[0].meter.clone()), (1, Some(id("mw1"))));
}
