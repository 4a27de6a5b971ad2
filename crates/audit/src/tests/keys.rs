//! How keys come into force and out of it.

use disclosure::directory::DirectoryError;
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::policy::SignatureProblem;
use disclosure::record::RecordError;
use disclosure::statement::{
    Act, Enrolment, ExpectedSigner, Head, KeyAct, KeyKept, Need, Policy, Role, Statement,
};

use super::audited;
use crate::testing::{Person, TestLog, TestMeter, id};

/// The station's operator puts a new key in the place of the old one; signed by these.
fn rotation(log: &TestLog, new: &SigningKey, signers: &[&SigningKey]) -> Envelope {
    let station = &log.people.station;
    let expected = |key: &SigningKey| ExpectedSigner {
        role: Role::Station,
        key: PublicKey::of(key).fingerprint(),
    };
    let head = Head { signers: vec![station.expected(), expected(new)], ..TestLog::head(&[]) };
    let old = station.expected().key;
    let act = Act::Rotate { old, new: PublicKey::of(new), kept: Some(KeyKept::Browser) };
    let mut envelope = TestLog::seal(&Statement::Key(KeyAct { head, act }), &[]);
    for key in signers {
        envelope.sign_with(key).unwrap();
    }
    envelope
}

fn why(log: &TestLog, envelope: &Envelope) -> RecordError {
    log.record.admit(envelope, &log.attachments).unwrap_err()
}

#[test]
fn a_rotated_key_signs_from_the_next_posting_on_and_the_old_one_no_more() {
    let mut log = TestLog::founded();
    let (old, new) = (log.people.station.key.clone(), SigningKey::from_bytes(&[61; 32]));
    let at = log.post(&rotation(&log, &new, &[&old, &new]));
    let known = log.record.directory().get(&PublicKey::of(&new).fingerprint()).unwrap();
    assert_eq!(known.enrolment.person, log.people.station.person);
    assert_eq!(known.enrolment.kept, Some(KeyKept::Browser));
    assert_eq!(known.enrolled_at, at);
    let mut meter = TestMeter::east();
    meter.run_for(6);
    let facts = log.draft(&meter, "t1", "2016-05-01T01:05:00Z", "2016-05-01T02:00:00Z");
    let by_the_old = log.seal_watering(facts.clone());
    let refused = why(&log, &by_the_old);
    assert!(
        matches!(refused, RecordError::Signature(SignatureProblem::Revoked { .. })),
        "{refused}"
    );
    log.people.station.key = new;
    log.post_watering(facts);
    assert!(audited(&log).holds(), "{}", audited(&log));
}

#[test]
fn rejects_a_rotation_without_both_keys_in_order() {
    let log = TestLog::founded();
    let (old, new) = (log.people.station.key.clone(), SigningKey::from_bytes(&[61; 32]));
    let missing = vec![Need { role: Role::Station, count: 1 }];
    let by_old = why(&log, &rotation(&log, &new, &[&old]));
    assert!(matches!(by_old, RecordError::SignaturesMissing(needs) if needs == missing));
    let other = SigningKey::from_bytes(&[62; 32]);
    for signers in [vec![&new, &old], vec![&new], vec![&old, &old], vec![&old, &other]] {
        let refused = why(&log, &rotation(&log, &new, &signers));
        let out_of_order = SignatureProblem::OutOfOrder;
        assert!(matches!(refused, RecordError::Signature(why) if why == out_of_order));
    }
}

#[test]
fn rejects_a_rotation_of_a_root_or_to_a_known_key() {
    let log = TestLog::founded();
    let (old, root) = (&log.people.station.key, &log.people.roots[0].key);
    let refused = why(&log, &rotation(&log, root, &[old, root]));
    assert!(matches!(refused, RecordError::Directory(DirectoryError::KeyUsedBefore(_))));
    let mut as_root = log.clone();
    as_root.people.station = log.people.roots[0].clone();
    let new = SigningKey::from_bytes(&[61; 32]);
    let refused = why(&log, &rotation(&as_root, &new, &[root, &new]));
    assert!(matches!(refused, RecordError::Directory(DirectoryError::ByGenesis(Role::Root))));
}

/// A log in which cadres' keys are approved by the station and a supervisor, and both of these.
fn with_a_supervisor() -> (TestLog, Person) {
    let mut log = TestLog::founded();
    let supervisor = Person::new("watch-1", Role::Supervisor, None, 71);
    let roots = log.people.roots.clone();
    let roots = [&roots[0], &roots[1]];
    log.post(&TestLog::seal(&Statement::Key(supervisor.enrolment(&roots)), &roots));
    let mut district = log.genesis();
    district.policy = Policy::usual(2);
    log.post(&TestLog::seal(&Statement::District(district), &roots));
    (log, supervisor)
}

fn enrol(signers: &[&Person], enrolment: Enrolment) -> Envelope {
    let act = Act::Enrol(enrolment);
    TestLog::seal(&Statement::Key(KeyAct { head: TestLog::head(signers), act }), signers)
}

#[test]
fn a_lost_phone_is_replaced_by_station_and_supervisor() {
    let (mut log, supervisor) = with_a_supervisor();
    let (station, east) = (log.people.station.clone(), log.people.east.clone());
    let lost = east.expected().key;
    let new = SigningKey::from_bytes(&[72; 32]);
    let enrolment = Enrolment {
        village: Some(id("east")),
        replaces: Some(lost),
        ..Enrolment::new(east.person.clone(), Role::Cadre, PublicKey::of(&new))
    };
    let by_roots = enrol(&[&log.people.roots[0], &log.people.roots[1]], enrolment.clone());
    assert!(matches!(why(&log, &by_roots), RecordError::Signature(_)));
    let alone = enrol(&[&station], enrolment.clone());
    assert!(matches!(why(&log, &alone), RecordError::SignaturesMissing(_)));
    let at = log.post(&enrol(&[&station, &supervisor], enrolment));
    assert_eq!(log.record.directory().get(&lost).unwrap().revoked_at, Some(at));
    assert!(audited(&log).holds(), "{}", audited(&log));
}

#[test]
fn rejects_keys_in_the_place_of_another_persons() {
    let (log, supervisor) = with_a_supervisor();
    let station = log.people.station.clone();
    let new = PublicKey::of(&SigningKey::from_bytes(&[72; 32]));
    let enrolment = Enrolment {
        village: Some(id("east")),
        replaces: Some(log.people.west.expected().key),
        ..Enrolment::new(id("east-9"), Role::Cadre, new)
    };
    let refused = why(&log, &enrol(&[&station, &supervisor], enrolment));
    assert!(matches!(refused, RecordError::Directory(DirectoryError::NothingToReplace(_))));
}

#[test]
fn rejects_roles_with_the_wrong_place() {
    let log = TestLog::founded();
    let new = PublicKey::of(&SigningKey::from_bytes(&[73; 32]));
    let check = |role, village: Option<&str>, household: Option<&str>| {
        let (village, household) = (village.map(id), household.map(id));
        let enrolment = Enrolment { village, household, ..Enrolment::new(id("x"), role, new) };
        log.record.directory().check(&Act::Enrol(enrolment))
    };
    for good in [
        check(Role::Supervisor, None, None),
        check(Role::Supervisor, Some("east"), None),
        check(Role::Household, None, Some("101")),
        check(Role::Cadre, Some("east"), Some("101")),
    ] {
        assert_eq!(good, Ok(()));
    }
    assert_eq!(check(Role::Cadre, None, None), Err(DirectoryError::VillageAndRole));
    assert_eq!(check(Role::Station, Some("east"), None), Err(DirectoryError::VillageAndRole));
    assert_eq!(check(Role::Household, None, None), Err(DirectoryError::HouseholdAndRole));
    for role in [Role::Root, Role::Log] {
        assert_eq!(check(role, None, None), Err(DirectoryError::ByGenesis(role)));
    }
}
