//! Somebody shows whose key they hold, and is told what waits for them.

use audit::testing::{Person, TestLog};
use disclosure::key::{PublicKey, sign};
use disclosure::policy::SignatureProblem;
use disclosure::statement::{Act, KeyAct, RevocationReason, Statement};
use domain::refusal::RefusalReason;
use service::request::Ask;
use service::session::{CHALLENGE_SECONDS, SESSION_SECONDS, session_text};
use service::{Begun, Secret, Service, ServiceError, ToSign};

use crate::{Town, id};

const ORIGIN: &str = "https://water.example";

async fn begin(service: &Service, person: &Person) -> Result<Begun, ServiceError> {
    let challenge = service.challenge().await.unwrap();
    answer(service, person, &challenge.nonce).await
}

async fn answer(service: &Service, person: &Person, nonce: &Secret) -> Result<Begun, ServiceError> {
    let key = PublicKey::of(&person.key);
    let text = session_text(ORIGIN, &id("sample"), &key, nonce);
    service.begin_session(ORIGIN, &key, nonce, &sign(&person.key, &text)).await
}

async fn waits_for(service: &Service, person: &Person) -> ToSign {
    let begun = begin(service, person).await.unwrap();
    let session = service.session(&begun.token).await.unwrap();
    service.to_sign(&session.signer).await.unwrap()
}

fn ids(list: &[service::to_sign::Named]) -> Vec<i64> {
    list.iter().map(|named| named.statement).collect()
}

#[tokio::test]
async fn a_session_lasts_its_time() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let station = &town.log.people.station;
    let begun = begin(&service, station).await.unwrap();
    assert_eq!(begun.session.signer.person, station.person);
    let start = service.now();
    assert_eq!(begun.session.expires_at, start.plus_millis(SESSION_SECONDS * 1000));
    town.set_clock(start.plus_millis(SESSION_SECONDS * 1000 - 1));
    assert_eq!(service.session(&begun.token).await.unwrap(), begun.session);
    town.set_clock(start.plus_millis(SESSION_SECONDS * 1000));
    let error = service.session(&begun.token).await.unwrap_err();
    assert!(matches!(error, ServiceError::NoSession), "{error}");
}

#[tokio::test]
async fn rejects_a_challenge_answered_twice_or_too_late() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let station = &town.log.people.station;
    let challenge = service.challenge().await.unwrap();
    answer(&service, station, &challenge.nonce).await.unwrap();
    let error = answer(&service, station, &challenge.nonce).await.unwrap_err();
    assert!(matches!(error, ServiceError::ChallengeSpent), "{error}");
    let late = service.challenge().await.unwrap();
    town.set_clock(service.now().plus_millis(CHALLENGE_SECONDS * 1000));
    let error = answer(&service, station, &late.nonce).await.unwrap_err();
    assert!(matches!(error, ServiceError::ChallengeSpent), "{error}");
}

#[tokio::test]
async fn rejects_a_signature_over_anything_else() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let person = &town.log.people.station;
    let key = PublicKey::of(&person.key);
    let text = |origin: &str, district: &str, nonce: &Secret| {
        session_text(origin, &id(district), &key, nonce)
    };
    for (origin, district) in [("https://evil.example", "sample"), (ORIGIN, "elsewhere")] {
        let nonce = service.challenge().await.unwrap().nonce;
        let sig = sign(&person.key, &text(origin, district, &nonce));
        let error = service.begin_session(ORIGIN, &key, &nonce, &sig).await.unwrap_err();
        let expected = matches!(error, ServiceError::Signature(SignatureProblem::Invalid(_)));
        assert!(expected, "{origin} {district}: {error}");
    }
}

#[tokio::test]
async fn a_revoked_key_begins_no_session_and_ends_those_it_began() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let people = &town.log.people;
    let begun = begin(&service, &people.east).await.unwrap();
    let act = Act::Revoke {
        key: PublicKey::of(&people.east.key).fingerprint(),
        reason: RevocationReason::Stolen,
    };
    let roots: Vec<&Person> = people.roots.iter().collect();
    let revoke = Statement::Key(KeyAct { head: TestLog::head(&roots), act });
    // Through another server: this one has not read it yet.
    town.propose(&TestLog::seal(&revoke, &roots)).await.unwrap();
    for error in [
        service.session(&begun.token).await.unwrap_err(),
        begin(&service, &people.east).await.unwrap_err(),
    ] {
        let expected = matches!(error, ServiceError::Signature(SignatureProblem::Revoked { .. }));
        assert!(expected, "{error}");
    }
}

#[tokio::test]
async fn without_randomness_no_session_begins() {
    let town = Town::founded().await;
    let error = town.service.challenge().await.unwrap_err();
    assert!(matches!(error, ServiceError::Randomness(_)), "{error}");
}

#[tokio::test]
async fn a_watering_waits_for_the_station_and_then_for_the_villages_cadre() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let service = town.drawing().await;
    let people = &town.log.people;
    let waiting = |list: ToSign| ids(&list.waiting);
    assert_eq!(waiting(waits_for(&service, &people.station).await), [draft.id]);
    assert!(waiting(waits_for(&service, &people.east).await).is_empty());
    town.sign(draft.id, &people.station).await.unwrap();
    assert!(waiting(waits_for(&service, &people.station).await).is_empty());
    assert_eq!(waiting(waits_for(&service, &people.east).await), [draft.id]);
    // Another village's cadre, and one whose household has a share, are not named.
    for other in [&people.west, &people.farmer, &people.roots[0]] {
        assert_eq!(waits_for(&service, other).await, ToSign::default());
    }
    town.sign(draft.id, &people.east).await.unwrap();
    assert_eq!(waits_for(&service, &people.east).await, ToSign::default());
}

#[tokio::test]
async fn what_was_refused_stays_visible_to_those_it_names() {
    let town = Town::founded().await;
    let draft = town.drafted().await;
    let service = town.drawing().await;
    let people = &town.log.people;
    town.sign(draft.id, &people.station).await.unwrap();
    let (statement, reason) = (draft.id, RefusalReason::WrongTime);
    let refuse = Ask::Refuse { statement, reason, note: Some("闸门未关严".to_owned()) };
    town.ask(&people.east, refuse).await.unwrap();
    town.service.draft_due().await.unwrap();
    let anew = town.only(domain::progress::Progress::Draft).await;
    let station = waits_for(&service, &people.station).await;
    assert_eq!((ids(&station.waiting), ids(&station.refused)), (vec![anew.id], vec![draft.id]));
    let cadre = waits_for(&service, &people.east).await;
    assert_eq!((ids(&cadre.waiting), ids(&cadre.refused)), (vec![], vec![draft.id]));
    assert_eq!(waits_for(&service, &people.west).await, ToSign::default());
}
