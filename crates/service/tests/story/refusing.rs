//! Somebody says no.

use disclosure::policy::SignatureProblem;
use domain::progress::Progress;
use domain::refusal::RefusalReason::{self, NoWater, Other, WrongTime};
use service::request::{Ask, Request};
use service::{Answer, Grounds, Refusal, ServiceError};

use crate::Town;

fn refuse(statement: i64, reason: RefusalReason, note: Option<&str>) -> Ask {
    Ask::Refuse { statement, reason, note: note.map(ToOwned::to_owned) }
}

#[tokio::test]
async fn a_refusal_frees_the_turn_to_be_drafted_anew() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let east = &town.log.people.east;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    let note = Some("闸门未关严");
    for _ in 0..2 {
        let answer = town.ask(east, refuse(draft.id, WrongTime, note)).await.unwrap();
        assert_eq!(answer, Answer::Done);
    }
    let refused = town.pending(draft.id).await;
    let why = Grounds::Reason { reason: WrongTime, note: note.map(ToOwned::to_owned) };
    assert_eq!(refused.refusal, Some(Refusal { by: east.person.clone(), why }));
    let error = town.sign(draft.id, east).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    town.service.draft_due().await.unwrap();
    let anew = town.only(Progress::Draft).await;
    assert_ne!(anew.id, draft.id);
    assert!(anew.signatures.is_empty());
    town.sign_all().await;
    // The first refusal asked again does not touch the new statement.
    assert_eq!(town.ask(east, refuse(draft.id, WrongTime, note)).await.unwrap(), Answer::Done);
    assert_eq!(town.pending(anew.id).await.progress, Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn rejects_a_refusal_by_whoever_is_not_named() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = &town.log.people;
    for person in [&people.west, &people.farmer, &people.roots[0]] {
        let error = town.ask(person, refuse(draft.id, NoWater, None)).await.unwrap_err();
        let expected =
            matches!(error, ServiceError::Signature(SignatureProblem::NotExpected { .. }));
        assert!(expected, "{error}");
    }
    let error = town.ask(&people.east, refuse(99, NoWater, None)).await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownStatement(99)), "{error}");
}

#[tokio::test]
async fn rejects_a_refusal_whose_note_says_nothing() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let long = "长".repeat(201);
    for (reason, note) in [
        (Other, None),
        (Other, Some("")),
        (NoWater, Some("")),
        (NoWater, Some("a\nb")),
        (NoWater, Some(long.as_str())),
    ] {
        let ask = refuse(draft.id, reason, note);
        let error = town.ask(&town.log.people.east, ask).await.unwrap_err();
        assert!(matches!(error, ServiceError::RequestMalformed(_)), "{error}");
        assert!(error.to_string().contains(reason.code()), "{error}");
    }
    assert_eq!(town.pending(draft.id).await.progress, Progress::Draft);
}

#[test]
fn rejects_a_reason_that_is_not_in_the_list() {
    let whole = |refuse: &str| {
        let ask = format!("{{\"refuse\":{refuse}}}");
        let asked_at = "2016-05-01T00:00:00Z";
        let text = format!("{{\"district\":\"sample\",\"asked_at\":\"{asked_at}\",\"ask\":{ask}}}");
        serde_json::from_str::<Request>(&text)
    };
    for reason in RefusalReason::ALL {
        whole(&format!("{{\"statement\":7,\"reason\":\"{}\"}}", reason.code())).unwrap();
    }
    let error = whole(r#"{"statement":7,"reason":"bad-mood"}"#).unwrap_err().to_string();
    assert!(error.contains("`bad-mood`") && error.contains("`no-water`"), "{error}");
    let error = whole(r#"{"statement":7,"reason":"no-water","why":"x"}"#).unwrap_err();
    assert!(error.to_string().contains("`why`"), "{error}");
}

#[tokio::test]
async fn rejects_a_second_refusal_and_one_after_the_posting() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = &town.log.people;
    town.ask(&people.east, refuse(draft.id, NoWater, None)).await.unwrap();
    let error = town.ask(&people.station, refuse(draft.id, NoWater, None)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    town.service.draft_due().await.unwrap();
    let anew = town.only(Progress::Draft).await;
    town.sign_all().await;
    let error = town.ask(&people.east, refuse(anew.id, NoWater, None)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    town.audit().await;
}
