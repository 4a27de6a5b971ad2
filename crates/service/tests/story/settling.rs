//! Bills are drawn up.

use audit::testing::TestMeter;
use disclosure::merkle::Hash;
use disclosure::record::RecordError;
use disclosure::statement::{BillRun, Statement};
use domain::bill::Bill;
use domain::progress::Progress;
use service::board::notice;
use service::request::Ask;
use service::{Answer, PendingStatement, ServiceError};

use crate::{Town, id};

async fn settle(town: &Town, village: &str) -> Result<Answer, ServiceError> {
    let ask = Ask::Settle { village: id(village), round: id("2016-1") };
    town.ask(&town.log.people.station, ask).await
}

fn run(pending: &PendingStatement) -> BillRun {
    match Statement::parse(&pending.payload_type, &pending.payload).unwrap() {
        Statement::BillRun(run) => run,
        other => unreachable!("{other:?}"),
    }
}

/// A district with one posted watering of east: 55,500 litres at index 9.
async fn watered() -> (Town, TestMeter) {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(24);
    town.send(&meter, 1..=24).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    (town, meter)
}

#[tokio::test]
async fn bills_are_what_an_independent_sum_gives() {
    let (town, _) = watered().await;
    settle(&town, "east").await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let run = run(&draft);
    let stored = town.service.store().attachment(run.bills.sha256.as_bytes()).await.unwrap();
    let bills: Vec<Bill> = serde_json::Deserializer::from_slice(&stored.unwrap().bytes)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let totals: Vec<i64> = bills.iter().map(|bill| bill.total_fen.get()).collect();
    // 55.5 m³ × 0.152 = 843.6 → 844 fen over 15,540 + 21,645 + 18,315 L: 236.32, 329.17, 278.52,
    // so 236 + 329 + 279; and 4 yuan a mu: 3360, 4680, 3960.
    assert_eq!(totals, [3360 + 236, 4680 + 329, 3960 + 279]);
    assert_eq!(run.total_fen.get(), 12_000 + 844);
    assert_eq!((run.waterings.as_slice(), run.year), (&[9][..], 2016));
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn a_second_settlement_answers_with_the_first() {
    let (town, _) = watered().await;
    let drafted = settle(&town, "east").await.unwrap();
    assert_eq!(settle(&town, "east").await.unwrap(), drafted);
    let draft = town.only(Progress::Draft).await;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    assert_eq!(settle(&town, "east").await.unwrap(), drafted);
    town.sign(draft.id, &town.log.people.east).await.unwrap();
    assert_eq!(settle(&town, "east").await.unwrap(), Answer::Posted { index: 10 });
    town.audit().await;
}

#[tokio::test]
async fn rejects_a_settlement_of_nothing_or_of_nobody() {
    let (town, _) = watered().await;
    let error = settle(&town, "west").await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::NothingToBill)), "{error}");
    let error = settle(&town, "north").await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::UnknownVillage(_))), "{error}");
    let ask = Ask::Settle { village: id("east"), round: id("2016-9") };
    let error = town.ask(&town.log.people.station, ask).await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownRound(_)), "{error}");
}

#[tokio::test]
async fn a_run_that_a_later_watering_overtook_is_drawn_up_again() {
    let (town, _) = watered().await;
    settle(&town, "east").await.unwrap();
    let first = town.only(Progress::Draft).await;
    town.sign(first.id, &town.log.people.station).await.unwrap();
    town.turn("t2", "e1", "04:00", "06:00").await;
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    // The cadre signs the overtaken run: it is sent back, not posted.
    let progress = town.sign(first.id, &town.log.people.east).await.unwrap();
    assert_eq!(progress, Progress::Refused);
    settle(&town, "east").await.unwrap();
    let second = town.only(Progress::Draft).await;
    assert_eq!(run(&second).waterings, [9, 10]);
    town.sign_all().await;
    assert_eq!(town.size(), 12);
    town.audit().await;
}

#[tokio::test]
async fn an_overtaken_run_does_not_wait_beside_the_new_one() {
    let (town, _) = watered().await;
    settle(&town, "east").await.unwrap();
    let first = town.only(Progress::Draft).await;
    town.turn("t2", "e1", "04:00", "06:00").await;
    town.service.draft_due().await.unwrap();
    let watering = town.in_state(Progress::Draft).await.into_iter().find(|one| one.id != first.id);
    let watering = watering.unwrap();
    town.sign(watering.id, &town.log.people.station).await.unwrap();
    town.sign(watering.id, &town.log.people.east).await.unwrap();
    settle(&town, "east").await.unwrap();
    assert_eq!(town.pending(first.id).await.progress, Progress::Refused);
    assert_eq!(run(&town.only(Progress::Draft).await).waterings, [9, 10]);
}

#[tokio::test]
async fn a_run_that_goes_by_a_replaced_roster_is_drawn_up_again() {
    let (mut town, _) = watered().await;
    settle(&town, "east").await.unwrap();
    let first = run(&town.only(Progress::Draft).await);
    let people = town.log.people.clone();
    let signers = [&people.station, &people.east];
    let households = [("101", 940), ("102", 1170), ("103", 990)];
    let roster = town.log.roster("east", &households, &signers);
    let roster = audit::testing::TestLog::seal(&Statement::Roster(roster), &signers);
    town.propose(&roster).await.unwrap();
    settle(&town, "east").await.unwrap();
    let anew = run(&town.only(Progress::Draft).await);
    assert_eq!(anew.total_fen, first.total_fen + domain::Fen(400));
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn a_year_is_closed_once_it_is_over() {
    let (town, _) = watered().await;
    let close = |year| Ask::CloseYear { village: id("east"), year };
    let error = town.ask(&town.log.people.station, close(2016)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::YearNotOver(2016))), "{error}");
    town.set_clock(id("2017-01-02T00:00:00Z"));
    let drafted = town.ask(&town.log.people.station, close(2016)).await.unwrap();
    let draft = town.in_state(Progress::Draft).await.into_iter().next_back().unwrap();
    assert_eq!(drafted, Answer::Drafted { statement: draft.id });
    assert_eq!((run(&draft).round, run(&draft).waterings), (None, vec![9]));
    let error = town.ask(&town.log.people.east, close(2016)).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    town.sign(draft.id, &town.log.people.east).await.unwrap();
    let told = town.service.record().quota_uses(&id("east"), 2016).unwrap();
    assert_eq!(told.len(), 3, "boards of a closed year still tell each share's quota");
    let again = town.ask(&town.log.people.station, close(2016)).await.unwrap();
    let closed = town.service.record().closed_by(&id("east"), 2016).unwrap();
    assert_eq!(again, Answer::Posted { index: closed });
}

#[tokio::test]
async fn water_posted_after_a_run_is_billed_by_the_next() {
    let (town, _) = watered().await;
    settle(&town, "east").await.unwrap();
    town.sign_all().await;
    let first = town.service.record().runs()[0].clone();
    town.turn("t2", "e1", "04:00", "06:00").await;
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    settle(&town, "east").await.unwrap();
    let second = run(&town.only(Progress::Draft).await);
    assert_eq!(second.waterings, vec![11]);
    let bills = town.service.store().attachment(second.bills.sha256.as_bytes()).await.unwrap();
    let bills = String::from_utf8(bills.unwrap().bytes).unwrap();
    assert!(!bills.contains(r#""basic""#), "the year's basic charge is billed once: {bills}");
    town.sign_all().await;
    assert_eq!(first.waterings, vec![9]);
    assert_eq!(settle(&town, "east").await.unwrap(), Answer::Posted { index: 12 });
    let board = notice(&town.service, &id("east"), &id("2016-1")).await.unwrap().unwrap();
    assert!(board.water_adds_up() && board.money_adds_up(), "{board:?}");
    assert_eq!((board.runs.len(), board.waterings.len(), board.lines.len()), (2, 2, 6));
    town.audit().await;
}

#[tokio::test]
async fn bills_stay_with_the_log_when_the_pages_are_built_from_it() {
    let (town, _) = watered().await;
    settle(&town, "east").await.unwrap();
    town.sign_all().await;
    let run = town.service.record().runs()[0].clone();
    assert_eq!((run.index, run.waterings), (10, vec![9]));
    let bundle = town.service.log().entry_bundle(0, 11).await.unwrap().unwrap();
    let entries = disclosure::bundle::decode(&bundle).unwrap();
    let leaves: Vec<Hash> = entries.into_iter().map(disclosure::merkle::leaf_hash).collect();
    let receipt = town.service.log().receipt(10).await.unwrap().unwrap();
    assert!(!receipt.is_empty());
    assert_eq!(leaves.len(), 11);
}
