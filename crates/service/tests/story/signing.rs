//! Signatures arrive one by one.

use audit::testing::{Person, TestLog};
use disclosure::dsse::pae;
use disclosure::key::sign;
use disclosure::policy::SignatureProblem;
use disclosure::record::RecordError;
use disclosure::statement::{Role, Statement};
use domain::progress::Progress;
use service::{ErrorClass, ServiceError};

use crate::requests::revoke;
use crate::town::sign_at;
use crate::{Town, key_of};

fn problem(error: &ServiceError) -> &SignatureProblem {
    match error {
        ServiceError::Signature(problem)
        | ServiceError::Record(RecordError::Signature(problem)) => problem,
        other => unreachable!("{other}"),
    }
}

async fn enrol(town: &Town, person: &Person) {
    let people = &town.log.people;
    let roots = [&people.roots[0], &people.roots[1]];
    let enrolment = Statement::Key(person.enrolment(&roots));
    town.propose(&TestLog::seal(&enrolment, &roots)).await.unwrap();
}

#[tokio::test]
async fn one_side_alone_posts_nothing() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let station = &town.log.people.station;
    assert_eq!(town.sign(draft.id, station).await.unwrap(), Progress::Awaiting);
    assert_eq!(town.size(), 9);
    // The same signature again changes nothing.
    assert_eq!(town.sign(draft.id, station).await.unwrap(), Progress::Awaiting);
    assert_eq!(town.pending(draft.id).await.signatures.len(), 1);
    let east = &town.log.people.east;
    assert_eq!(town.sign(draft.id, east).await.unwrap(), Progress::Posted);
    assert_eq!(town.pending(draft.id).await.posted_index, Some(9));
    assert_eq!(town.sign(draft.id, east).await.unwrap(), Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn rejects_the_cadre_before_the_station() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let error = town.sign(draft.id, &town.log.people.east).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotYet(Role::Station)), "{error}");
    assert!(town.pending(draft.id).await.signatures.is_empty());
}

#[tokio::test]
async fn rejects_a_person_who_signs_twice_with_two_keys() {
    let town = Town::founded().await;
    // One person, enrolled as an operator and as a cadre.
    let both = Person::new("station-1", Role::Cadre, Some("east"), 24);
    enrol(&town, &both).await;
    let draft = town.drafted().await;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    let error = town.sign(draft.id, &both).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::SamePersonTwice(_)), "{error}");
    assert_eq!(town.pending(draft.id).await.progress, Progress::Awaiting);
}

#[tokio::test]
async fn rejects_a_key_revoked_between_drafting_and_signing() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let station = town.log.people.station.clone();
    revoke(&town, &station).await;
    let error = town.sign(draft.id, &station).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::Revoked { .. }), "{error}");
    assert_eq!(error.class(), ErrorClass::Forbidden);
}

#[tokio::test]
async fn a_signature_whose_key_is_revoked_meanwhile_sends_the_statement_back() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = town.log.people.clone();
    town.sign(draft.id, &people.station).await.unwrap();
    let second = Person::new("station-2", Role::Station, None, 12);
    enrol(&town, &second).await;
    revoke(&town, &people.station).await;
    let error = town.sign(draft.id, &people.east).await.unwrap_err();
    assert!(matches!(error, ServiceError::StatementChanged(_)), "{error}");
    let refused = town.pending(draft.id).await;
    assert_eq!(refused.progress, Progress::Refused);
    assert!(refused.refusal.unwrap().why.to_string().contains("was revoked"));

    town.service.draft_due().await.unwrap();
    let anew = town.only(Progress::Draft).await;
    town.sign(anew.id, &second).await.unwrap();
    assert_eq!(town.sign(anew.id, &people.east).await.unwrap(), Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn rejects_another_village_a_recused_cadre_and_whoever_is_not_named() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let people = town.log.people.clone();
    town.sign(draft.id, &people.station).await.unwrap();
    let error = town.sign(draft.id, &people.west).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::OtherVillage { .. }), "{error}");
    let error = town.sign(draft.id, &people.farmer).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::Recused { .. }), "{error}");
    let late = Person::new("east-3", Role::Cadre, Some("east"), 23);
    enrol(&town, &late).await;
    let error = town.sign(draft.id, &late).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::NotExpected { .. }), "{error}");
    let error = town.sign(draft.id, &people.roots[0]).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::RoleHasNoPart { .. }), "{error}");
    let stranger = Person::new("east-9", Role::Cadre, Some("east"), 91);
    let error = town.sign(draft.id, &stranger).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::UnknownKey(_)), "{error}");
    assert_eq!(town.pending(draft.id).await.signatures.len(), 1);
}

#[tokio::test]
async fn rejects_a_signature_over_other_bytes_and_an_unknown_statement() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let station = &town.log.people.station;
    let mut other = draft.payload.clone();
    other.push(b' ');
    let signature = sign(&station.key, &pae(&draft.payload_type, &other));
    let error = town.service.sign(draft.id, &key_of(station), signature).await.unwrap_err();
    assert!(matches!(problem(&error), SignatureProblem::Invalid(_)), "{error}");
    let error = town.service.sign(999, &key_of(station), signature).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
}

#[tokio::test]
async fn two_who_sign_at_once_both_get_in() {
    let town = Town::founded().await;
    let second = Person::new("station-2", Role::Station, None, 12);
    enrol(&town, &second).await;
    let draft = town.drafted().await;
    let tasks: Vec<_> = [town.log.people.station.clone(), second]
        .into_iter()
        .map(|person| {
            let (service, id) = (town.service.clone(), draft.id);
            tokio::spawn(async move { sign_at(&service, id, &person).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), Progress::Awaiting);
    }
    assert_eq!(town.pending(draft.id).await.signatures.len(), 2);
    let posted = town.sign(draft.id, &town.log.people.east).await.unwrap();
    assert_eq!(posted, Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn the_last_signatures_that_arrive_at_once_complete_the_statement() {
    let town = Town::founded().await;
    let people = town.log.people.clone();
    let roots = [&people.roots[0], &people.roots[1]];
    // From now on a watering needs two operators and a cadre.
    let mut stricter = town.log.genesis();
    for rule in &mut stricter.policy.0 {
        if rule.kind == disclosure::statement::Kind::Watering {
            rule.needs[0].count = 2;
        }
    }
    town.propose(&TestLog::seal(&Statement::District(stricter), &roots)).await.unwrap();
    let second = Person::new("station-2", Role::Station, None, 12);
    enrol(&town, &second).await;
    let draft = town.drafted().await;
    town.sign(draft.id, &people.station).await.unwrap();
    let tasks: Vec<_> = [second, people.east.clone()]
        .into_iter()
        .map(|person| {
            let (service, id) = (town.service.clone(), draft.id);
            tokio::spawn(async move { sign_at(&service, id, &person).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(town.pending(draft.id).await.progress, Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn rejects_a_signature_after_the_posting() {
    let town = Town::founded().await;
    let second = Person::new("station-2", Role::Station, None, 12);
    enrol(&town, &second).await;
    let draft = town.drafted().await;
    town.sign_all().await;
    let error = town.sign(draft.id, &second).await.unwrap_err();
    assert!(matches!(error, ServiceError::Progress(_)), "{error}");
    assert_eq!(town.pending(draft.id).await.signatures.len(), 2);
}
