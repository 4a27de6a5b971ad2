//! Statements are handed in.

use audit::testing::TestLog;
use disclosure::dsse::Envelope;
use disclosure::policy::SignatureProblem;
use disclosure::record::RecordError;
use disclosure::statement::{ROSTER_MEDIA_TYPE, Statement};
use domain::progress::Progress;
use domain::refusal::RefusalReason;
use service::request::Ask;
use service::{NewAttachment, ServiceError};

use crate::{Town, id};

fn entry(town: &Town, index: usize) -> Envelope {
    Envelope::parse(&town.log.entries[index]).unwrap()
}

#[tokio::test]
async fn the_founding_statements_make_the_log_that_an_auditor_accepts() {
    let town = Town::founded().await;
    town.audit().await;
    assert!(town.in_state(Progress::Draft).await.is_empty());
    assert_eq!(town.in_state(Progress::Posted).await.len(), 9);
}

#[tokio::test]
async fn rejects_everything_before_the_genesis() {
    let town = Town::empty().await;
    let error = town.propose(&entry(&town, 1)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::NoGenesis)), "{error}");
}

#[tokio::test]
async fn rejects_a_genesis_of_another_district_or_under_another_log_key() {
    let town = Town::empty().await;
    let people = &town.log.people;
    let roots = [&people.roots[0], &people.roots[1]];
    let mut other = town.log.genesis();
    other.head.district = crate::id("other");
    let error =
        town.propose(&TestLog::seal(&Statement::District(other), &roots)).await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::OtherDistrict(_))), "{error}");
    let mut other = town.log.genesis();
    other.log_key = other.log_key.replace("sample.example/log", "other.example/log");
    let error =
        town.propose(&TestLog::seal(&Statement::District(other), &roots)).await.unwrap_err();
    assert!(
        matches!(error, ServiceError::OtherLogKey(_) | ServiceError::Record(RecordError::LogKey)),
        "{error}"
    );
    let mut other = town.log.genesis();
    let key = disclosure::note::NoteSigner::new(
        disclosure::note::KeyName::new("other.example/log").unwrap(),
        people.station.key.clone(),
    );
    other.log_key = key.verifier_key().to_string();
    let error =
        town.propose(&TestLog::seal(&Statement::District(other), &roots)).await.unwrap_err();
    assert!(matches!(error, ServiceError::OtherLogKey(_)), "{error}");
    assert_eq!(town.size(), 0);
    town.propose(&entry(&town, 0)).await.unwrap();
    assert_eq!(town.size(), 1);
}

#[tokio::test]
async fn rejects_what_only_the_server_draws_up() {
    let town = Town::founded().await;
    let mut log = town.log.clone();
    let mut meter = audit::testing::TestMeter::east();
    meter.run_for(12);
    let facts = log.draft(&meter, "t1", "2016-05-01T01:00:00Z", "2016-05-01T03:30:00Z");
    let envelope = log.seal_watering(facts);
    let error = town.service.propose(&envelope.to_json(), vec![]).await.unwrap_err();
    assert!(matches!(error, ServiceError::DrawnUpHere(_)), "{error}");
}

#[tokio::test]
async fn rejects_a_proposal_that_nobody_expected_signed() {
    let town = Town::empty().await;
    let mut unsigned = entry(&town, 0);
    unsigned.signatures.clear();
    let error = town.propose(&unsigned).await.unwrap_err();
    assert!(matches!(error, ServiceError::Unsigned), "{error}");
    unsigned.sign_with(&town.log.people.station.key).unwrap();
    let error = town.propose(&unsigned).await.unwrap_err();
    let unknown = RecordError::Signature(SignatureProblem::UnknownKey(String::new()));
    assert!(matches!(error, ServiceError::Record(_)), "{error} is not like {unknown}");
}

#[tokio::test]
async fn rejects_stray_missing_and_mislabelled_attachments() {
    let town = Town::empty().await;
    for index in 0..6 {
        town.propose(&entry(&town, index)).await.unwrap();
    }
    let roster = entry(&town, 6);
    let attachments = town.attachments(&roster);
    let bytes = roster.to_json();

    let error = town.service.propose(&bytes, vec![]).await.unwrap_err();
    assert!(matches!(error, ServiceError::Record(RecordError::AttachmentMissing(_))), "{error}");
    let stray = NewAttachment { media_type: ROSTER_MEDIA_TYPE.to_owned(), bytes: b"[]".to_vec() };
    let with_stray = [attachments.clone(), vec![stray]].concat();
    let error = town.service.propose(&bytes, with_stray).await.unwrap_err();
    assert!(matches!(error, ServiceError::StrayAttachment), "{error}");
    let mut mislabelled = attachments.clone();
    mislabelled[0].media_type = "text/html".to_owned();
    let error = town.service.propose(&bytes, mislabelled).await.unwrap_err();
    assert!(matches!(error, ServiceError::StrayAttachment), "{error}");
    let many = vec![attachments[0].clone(); 9];
    let error = town.service.propose(&bytes, many).await.unwrap_err();
    assert!(matches!(error, ServiceError::TooLarge { .. }), "{error}");

    town.service.propose(&bytes, attachments).await.unwrap();
    assert_eq!(town.size(), 7);
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_statement() {
    let town = Town::empty().await;
    let genesis = entry(&town, 0);
    let id = town.propose(&genesis).await.unwrap();
    assert_eq!(town.propose(&genesis).await.unwrap(), id);
    assert_eq!(town.size(), 1);
}

#[tokio::test]
async fn the_same_bytes_at_once_are_one_posting() {
    let town = Town::empty().await;
    for index in 0..8 {
        town.propose(&entry(&town, index)).await.unwrap();
    }
    let other = town.another_server().await;
    let tariff = town.log.entries[8].clone();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let server = if n % 2 == 0 { town.service.clone() } else { other.clone() };
            let tariff = tariff.clone();
            tokio::spawn(async move { server.propose(&tariff, vec![]).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    town.service.tend().await.unwrap();
    assert_eq!(town.size(), 9);
    town.audit().await;
}

#[tokio::test]
async fn a_partly_signed_statement_waits_and_is_completed_by_signing() {
    let town = Town::empty().await;
    let mut genesis = entry(&town, 0);
    genesis.signatures.truncate(1);
    let id = town.propose(&genesis).await.unwrap();
    assert_eq!(town.pending(id).await.progress, Progress::Awaiting);
    assert_eq!(town.size(), 0);
    let second = &town.log.people.roots[1];
    // The directory is empty before the genesis; the second root key stands in the statement.
    assert_eq!(town.sign(id, second).await.unwrap(), Progress::Posted);
    for index in 1..9 {
        let whole = entry(&town, index);
        let mut partly = whole.clone();
        partly.signatures.truncate(1);
        let id = town.propose(&partly).await.unwrap();
        assert_eq!(town.pending(id).await.progress, Progress::Awaiting);
        // Handing in the whole envelope adds what was missing.
        assert_eq!(town.propose(&whole).await.unwrap(), id);
        assert_eq!(town.pending(id).await.progress, Progress::Posted);
    }
    town.audit().await;
}

#[tokio::test]
async fn rejects_a_statement_that_was_refused_with_its_reason() {
    let mut town = Town::founded().await;
    let people = town.log.people.clone();
    let signers = [&people.station, &people.east];
    let mut roster = town.log.roster("east", &[("101", 840)], &signers);
    roster.head.drafted_at = id("2016-05-09T00:00:00Z");
    let partly = TestLog::seal(&Statement::Roster(roster), &signers[..1]);
    let waiting = town.propose(&partly).await.unwrap();
    let (reason, note) = (RefusalReason::WrongShares, Some("面积不对".to_owned()));
    let ask = Ask::Refuse { statement: waiting, reason, note };
    town.ask(&people.east, ask).await.unwrap();
    let error = town.propose(&partly).await.unwrap_err();
    assert!(matches!(error, ServiceError::RefusedBefore { .. }), "{error}");
    assert!(error.to_string().contains("面积不对"), "{error}");
}

#[tokio::test]
async fn a_crash_between_proposal_and_signatures_is_healed_by_proposing_again() {
    let town = Town::empty().await;
    let genesis = entry(&town, 0);
    town.tamper(
        "CREATE TRIGGER crash BEFORE INSERT ON co_signature BEGIN SELECT RAISE(FAIL, 'crash'); END",
    )
    .await;
    assert!(town.propose(&genesis).await.is_err());
    town.tamper("DROP TRIGGER crash").await;
    town.service.tend().await.unwrap();
    assert!(
        town.in_state(Progress::Refused).await.is_empty(),
        "it was refused for lack of signatures"
    );
    let id = town.propose(&genesis).await.unwrap();
    assert_eq!(town.pending(id).await.progress, Progress::Posted);
    town.audit().await;
}

#[tokio::test]
async fn what_stands_in_the_log_is_not_posted_again() {
    let town = Town::founded().await;
    let tariff = entry(&town, 8);
    let error = town.service.record().admit(&tariff, &town.log.attachments).unwrap_err();
    assert!(matches!(error, RecordError::PostedBefore(8)), "{error}");
}
