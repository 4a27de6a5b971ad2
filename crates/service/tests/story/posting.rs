//! From co-signed to posted, through crashes and behind the service's back.

use audit::testing::TestMeter;
use disclosure::key::SigningKey;
use disclosure::note::KeyName;
use domain::progress::Progress;
use service::{LogKey, ServiceError};

use crate::Town;
use crate::town::log_key;

/// Two drafts that both sides have signed and a broken disk kept from being posted.
async fn two_co_signed(town: &Town) {
    let (mut east, mut west) = (TestMeter::east(), TestMeter::west());
    for meter in [&mut east, &mut west] {
        meter.run_for(12);
        town.send(meter, 1..=12).await;
    }
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.turn("t2", "w1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    town.tamper(
        "CREATE TRIGGER crash BEFORE INSERT ON log_entry BEGIN SELECT RAISE(FAIL, 'crash'); END",
    )
    .await;
    let people = &town.log.people;
    for draft in town.in_state(Progress::Draft).await {
        // Each answer may be that the store failed; the signatures are kept all the same.
        let _kept = town.sign(draft.id, &people.station).await;
        let west = crate::drafting::facts(&draft).village.as_str() == "west";
        let cadre = if west { &people.west } else { &people.east };
        assert!(town.sign(draft.id, cadre).await.is_err());
    }
    town.tamper("DROP TRIGGER crash").await;
    assert_eq!(town.in_state(Progress::CoSigned).await.len(), 2);
    assert_eq!(town.size(), 9);
}

#[tokio::test]
async fn a_crash_before_the_posting_is_finished_at_open() {
    let town = Town::founded().await;
    two_co_signed(&town).await;
    let reopened = town.another_server().await;
    assert_eq!(reopened.record().size(), 11);
    town.service.tend().await.unwrap();
    town.audit().await;
}

#[tokio::test]
async fn a_crash_between_posting_and_checkpoint_is_finished_at_open() {
    let town = Town::founded().await;
    town.drafted().await;
    town.tamper(
        "CREATE TRIGGER crash BEFORE UPDATE ON log_checkpoint BEGIN SELECT RAISE(FAIL, 'crash'); END",
    )
    .await;
    let draft = town.only(Progress::Draft).await;
    town.sign(draft.id, &town.log.people.station).await.unwrap();
    assert!(town.sign(draft.id, &town.log.people.east).await.is_err());
    assert_eq!(town.pending(draft.id).await.progress, Progress::Posted);
    assert_eq!(town.service.log().size().await.unwrap(), 9);
    assert_eq!(town.service.log().entry_bundle(0, 10).await.unwrap(), None);
    town.tamper("DROP TRIGGER crash").await;
    town.another_server().await;
    assert_eq!(town.service.log().size().await.unwrap(), 10);
    town.audit().await;
}

#[tokio::test]
async fn rejects_another_log_key_at_open() {
    let town = Town::founded().await;
    let origin = KeyName::new(audit::testing::ORIGIN).unwrap();
    let other = LogKey::new(origin, SigningKey::from_bytes(&[98; 32]));
    let error = town.reopen(other).await.err().unwrap();
    assert!(matches!(error, ServiceError::WrongLogKey), "{error}");
}

#[tokio::test]
async fn a_server_that_waited_with_another_log_key_publishes_nothing() {
    let town = Town::empty().await;
    let origin = KeyName::new(audit::testing::ORIGIN).unwrap();
    let wrong = LogKey::new(origin, SigningKey::from_bytes(&[98; 32]));
    let other = town.reopen(wrong).await.unwrap();
    let genesis = disclosure::dsse::Envelope::parse(&town.log.entries[0]).unwrap();
    town.propose(&genesis).await.unwrap();
    town.tamper("DELETE FROM log_checkpoint").await;
    assert!(matches!(other.tend().await, Err(ServiceError::WrongLogKey)));
    assert_eq!(town.service.log().size().await.unwrap(), 0);
}

#[tokio::test]
async fn a_tampered_entry_is_refused_at_open_with_its_index() {
    let town = Town::founded().await;
    town.tamper(
        "UPDATE log_entry SET envelope = (SELECT envelope FROM log_entry WHERE idx = 3) WHERE idx = 4",
    )
    .await;
    let error = town.reopen(log_key()).await.err().unwrap();
    assert!(matches!(error, ServiceError::StoredLog { index: 4, .. }), "{error}");
}

#[tokio::test]
async fn an_entry_of_other_bytes_that_says_the_same_is_refused_at_open_with_its_index() {
    let town = Town::founded().await;
    // One more space in the JSON: the same statement and signatures, another leaf.
    town.tamper(
        "UPDATE log_entry SET envelope = CAST(replace(CAST(envelope AS TEXT), '{\"payload\":', '{ \"payload\":') AS BLOB)
         WHERE idx = 5",
    )
    .await;
    let error = town.reopen(log_key()).await.err().unwrap();
    assert!(error.to_string().contains("entry 5"), "{error}");
    assert!(matches!(error, ServiceError::DamagedLog(_)), "{error}");
}

#[tokio::test]
async fn a_missing_entry_is_refused_at_open() {
    let town = Town::founded().await;
    town.tamper("DELETE FROM log_entry WHERE idx = 4").await;
    let error = town.reopen(log_key()).await.err().unwrap();
    assert!(error.to_string().contains("entry 4 is missing"), "{error}");
}

#[tokio::test]
async fn a_log_that_shrank_under_a_running_server_is_noticed() {
    let town = Town::founded().await;
    let store = town.service.store();
    let edge = store.entries(0, 8).await.unwrap();
    let leaves: Vec<_> =
        edge.iter().map(|entry| disclosure::merkle::leaf_hash(&entry.envelope)).collect();
    let root = disclosure::merkle::root_of(&leaves).to_hex();
    town.tamper(&format!(
        "DELETE FROM log_entry WHERE idx = 8; UPDATE log_head SET size = 8, root = x'{root}'"
    ))
    .await;
    let error = town.service.tend().await.unwrap_err();
    assert!(error.to_string().contains("backup"), "{error}");
    let error = town.reopen(log_key()).await.err().unwrap();
    assert!(error.to_string().contains("backup"), "{error}");
}

#[tokio::test]
async fn a_statement_that_no_longer_fits_is_sent_back_and_does_not_hold_up_the_others() {
    let town = Town::founded().await;
    two_co_signed(&town).await;
    // While they wait, east's roster changes: the shares of its watering do not hold any more.
    let people = town.log.people.clone();
    let signers = [&people.station, &people.east];
    let mut town = town;
    let roster = town.log.roster("east", &[("101", 840), ("102", 1171)], &signers);
    let envelope =
        audit::testing::TestLog::seal(&disclosure::statement::Statement::Roster(roster), &signers);
    // Posted before the waterings, as another server might have.
    town.tamper("UPDATE statement SET state = 'held' WHERE state = 'co-signed'").await;
    town.propose(&envelope).await.unwrap();
    town.tamper("UPDATE statement SET state = 'co-signed' WHERE state = 'held'").await;
    town.service.tend().await.unwrap();
    assert_eq!(town.size(), 11);
    let refused = town.only(Progress::Refused).await;
    let service::Refusal { by, why } = refused.refusal.unwrap();
    let why = why.to_string();
    assert_eq!(by.as_str(), "record");
    assert!(why.contains("103"), "{why}");
    town.service.tend().await.unwrap();
    town.sign_all().await;
    assert_eq!(town.size(), 12);
    town.audit().await;
}

#[tokio::test]
async fn a_co_signed_statement_that_was_tampered_with_is_sent_back_alone() {
    let town = Town::founded().await;
    two_co_signed(&town).await;
    town.tamper(
        "UPDATE statement SET payload = x'7b' WHERE state = 'co-signed' AND village = 'east'",
    )
    .await;
    let reopened = town.another_server().await;
    assert_eq!(reopened.record().size(), 10);
    assert!(
        town.only(Progress::Refused)
            .await
            .refusal
            .unwrap()
            .why
            .to_string()
            .contains("cannot be read")
    );
}
