//! Somebody says no.

use disclosure::policy::SignatureProblem;
use domain::progress::Progress;
use service::request::Ask;
use service::{Answer, ServiceError};

use crate::Town;

fn refuse(statement: i64, reason: &str) -> Ask {
    Ask::Refuse { statement, reason: reason.to_owned() }
}

#[tokio::test]
async fn a_refusal_frees_the_turn_to_be_drafted_anew() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let east = &town.log.people.east;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    for _ in 0..2 {
        let answer = town.ask(east, refuse(draft.id, "闸门未关严")).await.unwrap();
        assert_eq!(answer, Answer::Done);
    }
    let refused = town.pending(draft.id).await;
    assert_eq!(refused.refusal, Some((east.person.clone(), "闸门未关严".to_owned())));
    let error = town.sign(draft.id, east).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    town.service.draft_due().await.unwrap();
    let anew = town.only(Progress::Draft).await;
    assert_ne!(anew.id, draft.id);
    assert!(anew.signatures.is_empty());
    town.sign_all().await;
    // The first refusal asked again does not touch the new statement.
    assert_eq!(town.ask(east, refuse(draft.id, "闸门未关严")).await.unwrap(), Answer::Done);
    assert_eq!(town.pending(anew.id).await.progress, Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn rejects_a_refusal_by_whoever_is_not_named() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = &town.log.people;
    for person in [&people.west, &people.farmer, &people.roots[0]] {
        let error = town.ask(person, refuse(draft.id, "no")).await.unwrap_err();
        let expected =
            matches!(error, ServiceError::Signature(SignatureProblem::NotExpected { .. }));
        assert!(expected, "{error}");
    }
    let error = town.ask(&people.east, refuse(99, "no")).await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownStatement(99)), "{error}");
}

#[tokio::test]
async fn rejects_a_refusal_without_a_printable_reason() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    for reason in ["", "a\nb", &"长".repeat(201)] {
        let error = town.ask(&town.log.people.east, refuse(draft.id, reason)).await.unwrap_err();
        assert!(matches!(error, ServiceError::RequestMalformed(_)), "{error}");
    }
    assert_eq!(town.pending(draft.id).await.progress, Progress::Draft);
}

#[tokio::test]
async fn rejects_a_second_refusal_and_one_after_the_posting() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = &town.log.people;
    town.ask(&people.east, refuse(draft.id, "no")).await.unwrap();
    let error = town.ask(&people.station, refuse(draft.id, "no")).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    town.service.draft_due().await.unwrap();
    let anew = town.only(Progress::Draft).await;
    town.sign_all().await;
    let error = town.ask(&people.east, refuse(anew.id, "no")).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    town.audit().await;
}
