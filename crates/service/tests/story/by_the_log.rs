//! What the log says by itself.

use audit::testing::TestMeter;
use disclosure::dsse::Envelope;
use disclosure::statement::{
    Balance, LastReport, Overdue, Role, Statement, Waiting, balances_from_lines,
};
use domain::Litres;
use domain::progress::Progress;
use domain::refusal::RefusalReason;
use service::request::Ask;

use crate::drafting::facts;
use crate::{Town, id, key_of};

/// Seventy-two hours after the drafted turn's end at 03:30.
const DUE: &str = "2016-05-04T03:30:00Z";

/// The statements posted after the founding, with the days' balances left out.
async fn posted(town: &Town) -> Vec<Statement> {
    let entries = town.service.store().entries(9, u64::MAX).await.unwrap();
    let statements = entries.into_iter().map(|entry| {
        let envelope = Envelope::parse(&entry.envelope).unwrap();
        Statement::parse(&envelope.payload_type, &envelope.payload).unwrap()
    });
    statements.filter(|statement| !matches!(statement, Statement::Balance(_))).collect()
}

async fn balances(town: &Town) -> Vec<Balance> {
    let entries = town.service.store().entries(9, u64::MAX).await.unwrap();
    let balances = entries.into_iter().filter_map(|entry| {
        let envelope = Envelope::parse(&entry.envelope).unwrap();
        match Statement::parse(&envelope.payload_type, &envelope.payload).unwrap() {
            Statement::Balance(balance) => Some(balance),
            _ => None,
        }
    });
    balances.collect()
}

async fn overdue(town: &Town) -> Overdue {
    let mut posted = posted(town).await;
    assert_eq!(posted.len(), 1, "{posted:?}");
    let Some(Statement::Overdue(overdue)) = posted.pop() else { panic!("not told as overdue") };
    overdue
}

#[tokio::test]
async fn what_is_not_signed_in_time_is_posted_with_the_meters_figures_and_who_was_asked() {
    let town = Town::founded().await;
    town.set_clock(id("2016-05-04T03:29:59Z"));
    let draft = town.drafted().await;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    town.service.tend().await.unwrap();
    assert_eq!(posted(&town).await, []);

    town.set_clock(id("2016-05-04T03:31:00Z"));
    town.service.tend().await.unwrap();
    let told = overdue(&town).await;
    assert_eq!(told.due_at, id(DUE));
    assert_eq!(told.waiting.watering_facts(), Some(&facts(&draft)));
    let signed: Vec<&str> = told.signatures.iter().map(|one| one.keyid.as_str()).collect();
    assert_eq!(signed, [key_of(&town.log.people.station)]);
    let asked: Vec<(Role, String)> =
        told.asked.iter().map(|one| (one.role, one.key.to_hex())).collect();
    assert_eq!(asked, [(Role::Cadre, key_of(town.log.people.cadre_of(&id("east"))))]);
    town.audit().await;
}

#[tokio::test]
async fn it_is_told_once_and_can_still_be_signed() {
    let town = Town::founded().await;
    town.set_clock(id(DUE));
    let draft = town.drafted().await;
    for _ in 0..3 {
        town.set_clock(town.service.now().plus_millis(120_000));
        town.service.tend().await.unwrap();
    }
    town.another_server().await.tend().await.unwrap();
    overdue(&town).await;
    assert_eq!(town.only(Progress::Draft).await.id, draft.id);
    town.sign_all().await;
    assert!(matches!(posted(&town).await[..], [Statement::Overdue(_), Statement::Watering(_)]));
    town.audit().await;
}

#[tokio::test]
async fn what_is_drafted_after_its_deadline_is_told_at_once() {
    let town = Town::founded().await;
    town.set_clock(id(DUE));
    town.service.tend().await.unwrap();
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.tend().await.unwrap();
    assert!(overdue(&town).await.signatures.is_empty());
}

#[tokio::test]
async fn a_refusal_and_a_new_draft_do_not_move_the_deadline() {
    let town = Town::founded().await;
    town.set_clock(id(DUE));
    let draft = town.drafted().await;
    town.service.tend().await.unwrap();
    let refuse =
        Ask::Refuse { statement: draft.id, reason: RefusalReason::WrongVolume, note: None };
    town.ask(town.log.people.cadre_of(&id("east")), refuse).await.unwrap();
    for _ in 0..2 {
        town.set_clock(town.service.now().plus_millis(120_000));
        town.service.tend().await.unwrap();
    }
    assert_ne!(town.only(Progress::Draft).await.id, draft.id);
    overdue(&town).await;
}

#[tokio::test]
async fn an_overdue_bill_run_and_its_waterings_are_told_apart() {
    let town = Town::founded().await;
    town.drafted().await;
    town.sign_all().await;
    let settle = Ask::Settle { village: id("east"), round: id("2016-1") };
    town.ask(&town.log.people.station, settle).await.unwrap();
    town.service.tend().await.unwrap();
    town.set_clock(town.service.now().plus_millis(30 * 24 * 3_600_000));
    town.service.tend().await.unwrap();
    // The sample's policy gives waterings and corrections a deadline, bill runs none.
    let told = posted(&town).await;
    let overdue = told.iter().filter_map(|one| match one {
        Statement::Overdue(overdue) => Some(&overdue.waiting),
        _ => None,
    });
    assert!(overdue.clone().all(|waiting| matches!(waiting, Waiting::Watering(_))));
    assert_eq!(overdue.count(), 0, "the watering was signed before anybody looked");
    town.audit().await;
}

#[tokio::test]
async fn every_day_is_balanced_once_some_hours_after_its_end() {
    let town = Town::founded().await;
    let genesis = town.service.record().district().unwrap().head.drafted_at;
    let first = Balance::end_of_day(genesis);
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, (1..=12).filter(|seq| *seq != 9)).await;
    town.set_clock(first.plus_millis(6 * 3_600_000 - 1));
    town.service.tend().await.unwrap();
    assert_eq!(balances(&town).await.len(), 0);
    town.set_clock(first.plus_millis(6 * 3_600_000));
    for _ in 0..2 {
        town.service.tend().await.unwrap();
        town.another_server().await.tend().await.unwrap();
    }
    let told = balances(&town).await;
    assert_eq!(told.iter().map(|day| day.until).collect::<Vec<_>>(), [first]);
    let lines = town.service.log().attachment(&told[0].entries.sha256).await.unwrap().unwrap().1;
    let entries = balances_from_lines(&lines).unwrap();
    let outlets: Vec<&str> = entries.iter().map(|entry| entry.outlet.as_str()).collect();
    assert_eq!(outlets, ["e1", "w1"]);
    // Report 9 is missing: what is there without a gap ends at 8.
    assert_eq!(entries[0].meters, [LastReport { meter: id("me1"), report: 8 }]);
    assert_eq!(entries[1].meters, []);
    town.audit().await;
}

#[tokio::test]
async fn days_on_which_the_server_stood_still_are_balanced_one_by_one() {
    let town = Town::founded().await;
    let genesis = town.service.record().district().unwrap().head.drafted_at;
    let first = Balance::end_of_day(genesis);
    town.set_clock(first.plus_millis(39 * 24 * 3_600_000 + 6 * 3_600_000));
    for _ in 0..2 {
        town.service.tend().await.unwrap();
    }
    let days = balances(&town).await;
    assert_eq!(days.len(), 40);
    assert_eq!(days[39].until, first.plus_millis(39 * 24 * 3_600_000));
    town.audit().await;
}

#[tokio::test]
async fn a_day_with_readings_on_both_sides_tells_its_litres() {
    let town = Town::founded().await;
    // A report every half hour from 2016-05-01T00:00Z on, 96 of them; Beijing's 2 May begins at 16:00Z.
    let mut meter = TestMeter::east();
    meter.run_for(96);
    town.set_clock(id("2016-05-02T22:00:00Z"));
    town.send(&meter, 1..=96).await;
    town.service.tend().await.unwrap();
    let told = balances(&town).await;
    let day = told.iter().find(|day| day.until == id("2016-05-02T16:00:00Z")).unwrap();
    let lines = town.service.log().attachment(&day.entries.sha256).await.unwrap().unwrap().1;
    let entries = balances_from_lines(&lines).unwrap();
    // A reading every ten minutes, 37 units of 100 litres each.
    assert_eq!(entries[0].litres, Some(Litres(24 * 6 * 3700)));
    assert_eq!(entries[1].litres, None);
    town.audit().await;
}
