//! What turned out to be wrong is put right: a turn before everybody signed, its posting after.

use audit::testing::TestMeter;
use disclosure::record::RecordError;
use disclosure::statement::{Correction, Statement};
use domain::progress::Progress;
use domain::refusal::RefusalReason;
use domain::round::{Member, Turn};
use domain::{Area, Litres};
use service::past_turns::PastTurn;
use service::request::Ask;
use service::{Answer, PendingStatement, ServiceError};

use crate::drafting::facts;
use crate::{Town, at, id, turn};

/// A turn of 01:00 to 03:30, posted as entry 9.
async fn posted() -> Town {
    let town = Town::founded().await;
    town.drafted().await;
    town.sign_all().await;
    assert_eq!(town.size(), 10);
    town
}

fn past(turn: Turn, closed: &str) -> PastTurn {
    PastTurn { turn, closed_at: at(closed) }
}

async fn correct(
    town: &Town,
    posting: u64,
    instead: Option<PastTurn>,
) -> Result<Answer, ServiceError> {
    let ask = Ask::Correct { posting, instead, reason: "关闸时间记错".into() };
    town.ask(&town.log.people.station, ask).await
}

async fn amend(town: &Town, turn: Turn, closed: &str) -> Result<Answer, ServiceError> {
    town.ask(&town.log.people.station, Ask::AmendTurn(past(turn, closed))).await
}

fn correction(pending: &PendingStatement) -> Correction {
    match Statement::parse(&pending.payload_type, &pending.payload).unwrap() {
        Statement::Correction(correction) => correction,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_posting_is_corrected_by_both_and_the_earlier_one_stays() {
    let town = posted().await;
    let answer = correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await.unwrap();
    let draft = town.only(Progress::Draft).await;
    assert_eq!(answer, Answer::Drafted { statement: draft.id });
    let drawn_up = correction(&draft);
    assert_eq!((drawn_up.supersedes, drawn_up.reason.as_str()), (9, "关闸时间记错"));
    assert_eq!(drawn_up.watering.volume_litres, Litres(9 * 3700));
    town.sign_all().await;
    let corrected = town.in_state(Progress::Corrected).await;
    assert_eq!(corrected.iter().map(|one| one.posted_index).collect::<Vec<_>>(), [Some(9)]);
    // The turn is what the correction says: water after it can go to another.
    town.turn("t2", "e1", "02:30", "03:00").await;
    town.service.draft_due().await.unwrap();
    assert_eq!(facts(&town.only(Progress::Draft).await).turn, id("t2"));
    town.audit().await;
}

#[tokio::test]
async fn a_correction_is_corrected_in_turn() {
    let town = posted().await;
    for (posting, closed) in [(9, "02:30"), (10, "02:00")] {
        correct(&town, posting, Some(past(turn("t1", "e1", "01:00"), closed))).await.unwrap();
        town.sign_all().await;
    }
    let error = correct(&town, 9, None).await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::NothingToSupersede(9))), "{error}");
    assert_eq!(town.size(), 12);
    town.audit().await;
}

#[tokio::test]
async fn a_refused_correction_leaves_the_posting_and_its_turn_as_they_were() {
    let town = posted().await;
    correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let refuse =
        Ask::Refuse { statement: draft.id, reason: RefusalReason::WrongVolume, note: None };
    town.ask(town.log.people.cadre_of(&id("east")), refuse).await.unwrap();
    town.service.draft_due().await.unwrap();
    assert!(town.in_state(Progress::Draft).await.is_empty());
    assert_eq!(town.service.record().watering(9).unwrap().superseded_by, None);
    let kept = town.service.store().turn(&id("t1")).await.unwrap().unwrap();
    assert_eq!(kept.closed_at, Some(at("03:30")));
}

#[tokio::test]
async fn the_same_correction_again_is_the_same_draft_and_another_one_waits() {
    let town = posted().await;
    let first = correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await.unwrap();
    town.set_clock(town.service.now().plus_millis(1000));
    let again = correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await.unwrap();
    assert_eq!(first, again);
    let other = correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:00"))).await;
    assert!(matches!(other, Err(ServiceError::CorrectionWaits { posting: 9, .. })), "{other:?}");
}

#[tokio::test]
async fn readings_that_change_a_draft_of_a_correction_keep_it_a_correction() {
    let town = posted().await;
    correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await.unwrap();
    let before = town.only(Progress::Draft).await;
    // Another roster makes every draft be looked at again.
    let mut log = town.log.clone();
    let signers = [&town.log.people.station, &town.log.people.east];
    let households = [("101", 840), ("102", 500), ("103", 300)];
    let roster = log.roster("east", &households, &signers);
    let envelope = audit::testing::TestLog::seal(&Statement::Roster(roster), &signers);
    let statement = Statement::parse(&envelope.payload_type, &envelope.payload).unwrap();
    let attachments = statement.attachments().into_iter().map(|named| service::NewAttachment {
        media_type: named.media_type.clone(),
        bytes: log.attachments[&named.sha256].clone(),
    });
    town.service.propose(&envelope.to_json(), attachments.collect()).await.unwrap();
    town.service.draft_due().await.unwrap();
    let drafts = town.in_state(Progress::Draft).await;
    for draft in &drafts {
        assert_eq!(correction(draft).supersedes, correction(&before).supersedes);
    }
    let refused = town.in_state(Progress::Refused).await;
    assert_eq!(drafts.len() + refused.len(), 1, "it is drawn up anew or sent back");
}

#[tokio::test]
async fn rejects_a_correction_that_corrects_nothing() {
    let town = posted().await;
    let same = correct(&town, 9, None).await;
    assert!(matches!(same, Err(ServiceError::NothingToCorrect(9))), "{same:?}");
    let none = correct(&town, 3, None).await;
    assert!(matches!(none, Err(ServiceError::Record(RecordError::NothingToSupersede(3)))));
    let elsewhere = correct(&town, 9, Some(past(turn("t1", "w1", "01:00"), "02:30"))).await;
    assert!(elsewhere.is_err(), "{elsewhere:?}");
    let ask = Ask::Correct { posting: 9, instead: None, reason: String::new() };
    assert!(town.ask(&town.log.people.station, ask.clone()).await.is_err());
    let cadre = town.log.people.cadre_of(&id("east"));
    let error = town.ask(cadre, ask).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
    assert!(town.in_state(Progress::Draft).await.is_empty());
}

#[tokio::test]
async fn who_shared_the_water_can_be_corrected() {
    let town = posted().await;
    let mut amended = turn("t1", "e1", "01:00");
    let household = id("101");
    amended.members = vec![Member { area: Some(Area(100)), ..Member::new(household) }];
    let answer = correct(&town, 9, Some(past(amended, "03:30"))).await.unwrap();
    assert!(matches!(answer, Answer::Drafted { .. }));
    let shares = correction(&town.only(Progress::Draft).await).watering.shares;
    assert_eq!(shares.iter().map(|share| share.area).collect::<Vec<_>>(), [Area(100)]);
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn a_turn_is_amended_until_everybody_signed() {
    let town = Town::founded().await;
    let first = town.drafted().await;
    town.sign(first.id, &town.log.people.station).await.unwrap();
    amend(&town, turn("t1", "e1", "01:00"), "02:30").await.unwrap();
    let refused = town.pending(first.id).await;
    assert_eq!(refused.progress, Progress::Refused);
    assert!(refused.refusal.unwrap().why.to_string().contains("amended"));
    town.service.draft_due().await.unwrap();
    let second = town.only(Progress::Draft).await;
    assert_eq!(facts(&second).end, at("02:30"));
    // The same again changes nothing.
    amend(&town, turn("t1", "e1", "01:00"), "02:30").await.unwrap();
    assert_eq!(town.only(Progress::Draft).await.id, second.id);
    town.sign_all().await;
    let late = amend(&town, turn("t1", "e1", "01:00"), "02:00").await;
    assert!(matches!(late, Err(ServiceError::SignedByAll(_))), "{late:?}");
    town.audit().await;
}

#[tokio::test]
async fn rejects_an_amendment_into_another_turns_time() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    town.turn("t1", "e1", "01:00", "02:00").await;
    town.turn("t2", "e1", "02:00", "03:00").await;
    let error = amend(&town, turn("t1", "e1", "01:00"), "02:30").await.unwrap_err();
    assert!(matches!(error, ServiceError::OutletTaken { .. }), "{error}");
    let error = amend(&town, turn("t9", "e1", "03:00"), "03:30").await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownTurn(_)), "{error}");
}

#[tokio::test]
async fn rejects_the_old_bytes_of_a_request_after_another_decision() {
    let town = Town::founded().await;
    town.drafted().await;
    for closed in ["02:00", "03:00"] {
        amend(&town, turn("t1", "e1", "01:00"), closed).await.unwrap();
        town.service.draft_due().await.unwrap();
    }
    let replayed = amend(&town, turn("t1", "e1", "01:00"), "02:00").await;
    assert!(matches!(replayed, Err(ServiceError::DoneBefore)), "{replayed:?}");
    assert_eq!(facts(&town.only(Progress::Draft).await).end, at("03:00"));

    town.sign_all().await;
    correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let refuse =
        Ask::Refuse { statement: draft.id, reason: RefusalReason::WrongVolume, note: None };
    town.ask(town.log.people.cadre_of(&id("east")), refuse).await.unwrap();
    let replayed = correct(&town, 9, Some(past(turn("t1", "e1", "01:00"), "02:30"))).await;
    assert!(matches!(replayed, Err(ServiceError::DoneBefore)), "{replayed:?}");
    assert!(town.in_state(Progress::Draft).await.is_empty());
}
