//! What is handed in is acknowledged with the time by which it must be posted.

use disclosure::dsse::Envelope;
use disclosure::merkle::Hash;
use disclosure::submission::{Owed, Submission};
use domain::progress::Progress;
use domain::refusal::RefusalReason;
use service::Answer;
use service::request::Ask;

use crate::{Town, asks, at, id, log_key, turn};

fn opened(envelope: &Envelope) -> Submission {
    Submission::open(&envelope.to_json(), &log_key().verifier_key()).unwrap()
}

async fn submission(town: &Town, statement: i64) -> Option<Submission> {
    let receipt = town.service.submission(statement, b"handed in").await.unwrap();
    receipt.map(|envelope| opened(&envelope))
}

#[tokio::test]
async fn a_turn_that_is_over_is_owed_a_day_after_its_deadline() {
    let town = Town::founded().await;
    town.open_turn(turn("t1", "e1", "01:00")).await.unwrap();
    let envelope =
        asks(&town.log.people.station, Ask::CloseTurn { turn: id("t1"), closed_at: at("03:30") });
    let answer = town.service.request(&envelope.to_json()).await.unwrap();
    let Answer::Entered { submission: Some(receipt) } = answer else { panic!("{answer:?}") };
    let told = opened(&receipt);
    assert_eq!(told.owed, Owed::Turn(id("t1")));
    assert_eq!(told.received, Hash::of(&envelope.to_json()));
    assert_eq!(told.received_at, town.service.now());
    // 72 hours, and a day to post that it is overdue.
    assert_eq!(told.by, id("2016-05-05T03:30:00Z"));
}

#[tokio::test]
async fn a_signature_is_owed_the_turn_and_the_last_one_the_statement() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    let first = submission(&town, draft.id).await.unwrap();
    assert_eq!(first.owed, Owed::Turn(id("t1")));
    town.sign(draft.id, town.log.people.cadre_of(&id("east"))).await.unwrap();
    let last = submission(&town, draft.id).await.unwrap();
    assert_eq!(last.owed, Owed::Statement(Hash::of(&draft.payload)));
    assert_eq!(last.by, town.service.now().plus_millis(24 * 3_600_000));
    assert_eq!(last.received, Hash::of(b"handed in"));
}

#[tokio::test]
async fn nothing_is_owed_for_what_was_refused_or_has_no_deadline() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let refuse =
        Ask::Refuse { statement: draft.id, reason: RefusalReason::WrongVolume, note: None };
    town.ask(&town.log.people.station, refuse).await.unwrap();
    assert_eq!(submission(&town, draft.id).await, None);
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    let settle = Ask::Settle { village: id("east"), round: id("2016-1") };
    town.ask(&town.log.people.station, settle).await.unwrap();
    let run = town.only(Progress::Draft).await;
    assert_eq!(submission(&town, run.id).await, None);
}
