//! A key comes into the log by a one-time code.

use audit::testing::Person;
use disclosure::dsse::{Envelope, pae};
use disclosure::key::{PublicKey, SigningKey, sign};
use disclosure::statement::{KeyKept, Kind, Role};
use domain::progress::Progress;
use service::request::{Ask, Invitation, REQUEST_PAYLOAD_TYPE, Request};
use service::{
    Answer, ErrorClass, INVITATION_SECONDS, Secret, Service, ServiceError, enrolment_text,
};

use crate::{Town, id};

fn invitation() -> Invitation {
    Invitation {
        person: id("east-7"),
        role: Role::Cadre,
        village: Some(id("east")),
        household: None,
        replaces: None,
    }
}

async fn invite(
    service: &Service,
    asker: &Person,
    invitation: Invitation,
) -> Result<Secret, ServiceError> {
    let ask = Ask::Invite(invitation);
    let request = Request { district: id("sample"), asked_at: id("2016-05-01T00:00:00Z"), ask };
    let body = serde_json::to_vec(&request).unwrap();
    let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, body);
    envelope.sign_with(&asker.key).unwrap();
    match service.request(&envelope.to_json()).await? {
        Answer::Invited { code, .. } => Ok(Secret::from_hex(&code).unwrap()),
        other => panic!("invited, and answered {other:?}"),
    }
}

async fn enrol(service: &Service, code: &Secret, key: &SigningKey) -> Result<i64, ServiceError> {
    let (public, kept) = (PublicKey::of(key), KeyKept::Browser);
    let text = enrolment_text(&id("sample"), code, &public, kept);
    service.enrol(code, public, kept, &sign(key, &text)).await
}

#[tokio::test]
async fn an_invited_key_waits_for_those_who_decide_and_signs_then() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let roots = town.log.people.roots.clone();
    let code = invite(&service, &roots[0], invitation()).await.unwrap();
    let key = SigningKey::from_bytes(&[91; 32]);
    let id = enrol(&service, &code, &key).await.unwrap();
    let drafted = service.pending_statement(id).await.unwrap().unwrap();
    assert_eq!((drafted.kind, drafted.progress), (Kind::Key, Progress::Draft));
    let fingerprint = PublicKey::of(&key).fingerprint();
    assert!(service.record().directory().get(&fingerprint).is_none(), "nobody has approved it");
    for root in &roots {
        let sig = sign(&root.key, &pae(&drafted.payload_type, &drafted.payload));
        let keyid = PublicKey::of(&root.key).fingerprint().to_hex();
        service.sign(id, &keyid, sig).await.unwrap();
    }
    let record = service.record();
    let enrolled = &record.directory().get(&fingerprint).unwrap().enrolment;
    assert_eq!((enrolled.person.as_str(), enrolled.kept), ("east-7", Some(KeyKept::Browser)));
}

#[tokio::test]
async fn a_code_enrols_one_key_and_an_answer_that_got_lost_is_given_again() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let root = &town.log.people.roots[0];
    let code = invite(&service, root, invitation()).await.unwrap();
    let (mine, theirs) = (SigningKey::from_bytes(&[91; 32]), SigningKey::from_bytes(&[92; 32]));
    let id = enrol(&service, &code, &mine).await.unwrap();
    assert_eq!(enrol(&service, &code, &mine).await.unwrap(), id);
    assert!(matches!(enrol(&service, &code, &theirs).await, Err(ServiceError::UnknownCode)));
    let unknown = Secret::from_hex(&"ab".repeat(32)).unwrap();
    assert!(matches!(enrol(&service, &unknown, &theirs).await, Err(ServiceError::UnknownCode)));
}

#[tokio::test]
async fn a_code_is_good_for_its_time() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let code = invite(&service, &town.log.people.roots[0], invitation()).await.unwrap();
    let later = service.now().plus_millis(INVITATION_SECONDS * 1000);
    town.set_clock(later);
    let late = enrol(&service, &code, &SigningKey::from_bytes(&[91; 32])).await.unwrap_err();
    assert_eq!(late.class(), ErrorClass::Gone, "{late}");
}

#[tokio::test]
async fn rejects_a_key_without_its_proof_and_a_key_that_is_known() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let code = invite(&service, &town.log.people.roots[0], invitation()).await.unwrap();
    let (key, other) = (SigningKey::from_bytes(&[91; 32]), SigningKey::from_bytes(&[92; 32]));
    let text = enrolment_text(&id("sample"), &code, &PublicKey::of(&key), KeyKept::Browser);
    let proof = sign(&other, &text);
    let stolen = service.enrol(&code, PublicKey::of(&key), KeyKept::Browser, &proof).await;
    assert_eq!(stolen.unwrap_err().class(), ErrorClass::Forbidden);
    let bent = service.enrol(&code, PublicKey::of(&key), KeyKept::File, &sign(&key, &text)).await;
    assert_eq!(bent.unwrap_err().class(), ErrorClass::Forbidden);
    let known = enrol(&service, &code, &town.log.people.station.key).await.unwrap_err();
    assert!(matches!(known, ServiceError::KeyKnown(_)), "{known}");
    // The code is still good.
    enrol(&service, &code, &key).await.unwrap();
}

#[tokio::test]
async fn rejects_invitations_by_whoever_does_not_decide_and_to_nowhere() {
    let town = Town::founded().await;
    let service = town.drawing().await;
    let people = &town.log.people;
    for asker in [&people.station, &people.east] {
        let refused = invite(&service, asker, invitation()).await.unwrap_err();
        assert!(matches!(refused, ServiceError::NotAllowed { .. }), "{refused}");
    }
    for nowhere in [
        Invitation { village: None, ..invitation() },
        Invitation { village: Some(id("north")), ..invitation() },
        Invitation { role: Role::Root, village: None, ..invitation() },
    ] {
        let refused = invite(&service, &people.roots[0], nowhere).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Record(_) | ServiceError::NotAllowed { .. }));
    }
}
