//! Signed requests.

use audit::testing::{Person, TestLog, TestMeter};
use disclosure::dsse::Envelope;
use disclosure::policy::SignatureProblem;
use disclosure::record::RecordError;
use disclosure::statement::{Act, KeyAct, RevocationReason, Role, Statement};
use domain::round::{Round, RoundError};
use service::request::{Ask, REQUEST_PAYLOAD_TYPE, Request};
use service::{Answer, ErrorClass, ServiceError};

use crate::{Town, asks, at, id, round, turn};

/// The roots revoke a person's key.
pub async fn revoke(town: &Town, person: &Person) {
    let people = &town.log.people;
    let roots = [&people.roots[0], &people.roots[1]];
    let key = person.expected().key;
    let act = Act::Revoke { key, reason: RevocationReason::Stolen };
    let statement = Statement::Key(KeyAct { head: TestLog::head(&roots), act });
    town.propose(&TestLog::seal(&statement, &roots)).await.unwrap();
}

#[tokio::test]
async fn rejects_a_request_of_nobody_known() {
    let town = Town::founded().await;
    let stranger = Person::new("station-9", Role::Station, None, 90);
    let error = town.ask(&stranger, Ask::OpenRound(round())).await.unwrap_err();
    let unknown = SignatureProblem::UnknownKey(crate::key_of(&stranger)).to_string();
    assert_eq!((error.class(), error.to_string()), (ErrorClass::Forbidden, unknown));
}

#[tokio::test]
async fn rejects_a_request_under_a_revoked_key_on_every_server() {
    let town = Town::founded().await;
    let other = town.another_server().await;
    let station = town.log.people.station.clone();
    revoke(&town, &station).await;
    let request = asks(&station, Ask::OpenTurn(turn("t1", "e1", "01:00"))).to_json();
    for server in [&town.service, &other] {
        let error = server.request(&request).await.unwrap_err();
        assert!(
            matches!(error, ServiceError::Signature(SignatureProblem::Revoked { at: 9, .. })),
            "{error}"
        );
    }
}

#[tokio::test]
async fn rejects_a_request_that_the_role_does_not_allow() {
    let town = Town::founded().await;
    for person in [&town.log.people.east, &town.log.people.roots[0]] {
        let error = town.ask(person, Ask::OpenRound(round())).await.unwrap_err();
        assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
    }
}

#[tokio::test]
async fn rejects_two_signatures_none_and_a_bent_one() {
    let town = Town::founded().await;
    let people = &town.log.people;
    let mut two = asks(&people.station, Ask::OpenRound(round()));
    two.sign_with(&people.east.key).unwrap();
    let error = town.service.request(&two.to_json()).await.unwrap_err();
    assert!(matches!(error, ServiceError::OneSignature(2)), "{error}");
    two.signatures.clear();
    let error = town.service.request(&two.to_json()).await.unwrap_err();
    assert!(matches!(error, ServiceError::OneSignature(0)), "{error}");
    let mut bent = asks(&people.station, Ask::OpenRound(round()));
    bent.payload = String::from_utf8(bent.payload).unwrap().replace("2016-1", "2016-7").into();
    let error = town.service.request(&bent.to_json()).await.unwrap_err();
    assert!(matches!(error, ServiceError::Signature(SignatureProblem::Invalid(_))), "{error}");
}

#[tokio::test]
async fn rejects_a_request_for_another_district_and_a_statement() {
    let town = Town::founded().await;
    let station = &town.log.people.station;
    let request =
        Request { district: id("other"), asked_at: at("00:00"), ask: Ask::OpenRound(round()) };
    let bytes = serde_json::to_vec(&request).unwrap();
    let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, bytes);
    envelope.sign_with(&station.key).unwrap();
    let error = town.service.request(&envelope.to_json()).await.unwrap_err();
    assert!(error.to_string().contains("this is district sample"), "{error}");
    let error = town.service.request(&town.log.entries[0]).await.unwrap_err();
    assert!(error.to_string().contains("use payload type"), "{error}");
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_answer() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    let open = turn("t1", "e1", "01:00");
    let close = Ask::CloseTurn { turn: id("t1"), closed_at: at("03:30") };
    let settle = Ask::Settle { village: id("east"), round: id("2016-1") };
    let station = town.log.people.station.clone();
    let mut answers = Vec::new();
    for _ in 0..2 {
        for ask in [Ask::OpenRound(round()), Ask::OpenTurn(open.clone()), close.clone()] {
            answers.push(town.ask(&station, ask).await.unwrap());
        }
    }
    assert!(matches!(answers[..3], [Answer::Done, Answer::Done, Answer::Entered { .. }]));
    assert_eq!(answers[..3], answers[3..]);
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    let first = town.ask(&station, settle.clone()).await.unwrap();
    assert!(matches!(first, Answer::Drafted { .. }), "{first:?}");
    assert_eq!(town.ask(&station, settle).await.unwrap(), first);
}

#[tokio::test]
async fn rejects_other_content_under_the_same_code() {
    let town = Town::founded().await;
    let station = &town.log.people.station;
    let other = Round { name: "第二轮".to_owned(), ..round() };
    let error = town.ask(station, Ask::OpenRound(other)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Exists { what: "round", .. }), "{error}");
    town.turn("t1", "e1", "01:00", "02:00").await;
    let error = town.open_turn(turn("t1", "e1", "03:00")).await.unwrap_err();
    assert!(matches!(error, ServiceError::Exists { what: "turn", .. }), "{error}");
    let error = town.close_turn("t1", "02:01").await.unwrap_err();
    assert!(matches!(error, ServiceError::TurnClosed(_)), "{error}");
}

#[tokio::test]
async fn rejects_a_turn_outside_its_round_or_of_none() {
    let town = Town::founded().await;
    let mut early = turn("t1", "e1", "01:00");
    early.opened_at = id("2016-04-24T00:00:00Z");
    let error = town.open_turn(early).await.unwrap_err();
    assert!(matches!(error, ServiceError::Round(RoundError::OutsideRound { .. })), "{error}");
    let mut lost = turn("t1", "e1", "01:00");
    lost.round = id("2016-9");
    let error = town.open_turn(lost).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    let error = town.close_turn("t7", "03:00").await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownTurn(_)), "{error}");
    let backwards = Round { closes_at: at("00:00"), opens_at: at("00:00"), ..round() };
    let error = town.ask(&town.log.people.station, Ask::OpenRound(backwards)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Round(RoundError::Backwards(_))), "{error}");
}

#[tokio::test]
async fn rejects_a_turn_at_anothers_outlet_or_for_nobody() {
    let town = Town::founded().await;
    let mut others = turn("t1", "w1", "01:00");
    others.village = id("east");
    let error = town.open_turn(others).await.unwrap_err();
    assert!(
        matches!(error, ServiceError::Record(RecordError::NotTheVillagesOutlet(..))),
        "{error}"
    );
    let mut nobody = turn("t1", "e1", "01:00");
    nobody.group = id("g9");
    let error = town.open_turn(nobody).await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::UnknownGroup(..))), "{error}");
}

#[tokio::test]
async fn an_outlets_water_goes_to_one_turn_at_a_time() {
    let town = Town::founded().await;
    town.open_turn(turn("t1", "e1", "01:00")).await.unwrap();
    let busy = town.open_turn(turn("t2", "e1", "02:00")).await.unwrap_err();
    assert!(matches!(busy, ServiceError::OutletBusy { .. }), "{busy}");
    town.close_turn("t1", "03:00").await.unwrap();
    let overlap = town.open_turn(turn("t2", "e1", "02:59")).await.unwrap_err();
    assert!(matches!(overlap, ServiceError::OutletBusy { .. }), "{overlap}");
    town.open_turn(turn("t2", "e1", "03:00")).await.unwrap();
    town.open_turn(turn("t3", "w1", "02:00")).await.unwrap();
    let backwards = town.close_turn("t2", "03:00").await.unwrap_err();
    assert!(
        matches!(backwards, ServiceError::Round(RoundError::ClosesTooEarly { .. })),
        "{backwards}"
    );
}

#[tokio::test]
async fn rejects_a_turn_that_opens_or_closes_in_the_future() {
    let town = Town::founded().await;
    town.set_clock(at("02:00"));
    let future = town.open_turn(turn("t1", "e1", "02:11")).await.unwrap_err();
    assert!(matches!(future, ServiceError::InFuture { .. }), "{future}");
    town.open_turn(turn("t1", "e1", "02:00")).await.unwrap();
    let future = town.close_turn("t1", "12:30").await.unwrap_err();
    assert!(matches!(future, ServiceError::InFuture { .. }), "{future}");
    town.set_clock(at("02:30"));
    town.close_turn("t1", "02:30").await.unwrap();
}
