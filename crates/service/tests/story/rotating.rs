//! Somebody puts a new key in the place of theirs.

use audit::testing::TestLog;
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{Act, ExpectedSigner, Head, KeyAct, KeyKept, Role, Statement};
use domain::progress::Progress;

use crate::Town;

/// The station's operator goes from one key to another; the statement names the new key first where that is wanted.
fn rotation(old: &SigningKey, new: &SigningKey, new_first: bool) -> Envelope {
    let fingerprint = |key| PublicKey::of(key).fingerprint();
    let expected = |key| ExpectedSigner { role: Role::Station, key: fingerprint(key) };
    let mut signers = vec![expected(old), expected(new)];
    if new_first {
        signers.reverse();
    }
    let head = Head { signers, ..TestLog::head(&[]) };
    let new_key = PublicKey::of(new);
    let act = Act::Rotate { old: fingerprint(old), new: new_key, kept: Some(KeyKept::File) };
    let mut envelope = TestLog::seal(&Statement::Key(KeyAct { head, act }), &[]);
    envelope.sign_with(old).unwrap();
    envelope.sign_with(new).unwrap();
    envelope
}

#[tokio::test]
async fn a_rotation_is_posted_in_whatever_order_it_names_its_signers() {
    let town = Town::founded().await;
    let keys = [town.log.people.station.key.clone()];
    let keys =
        [keys.as_slice(), &[61, 62].map(|seed| SigningKey::from_bytes(&[seed; 32]))].concat();
    for (place, new_first) in [(0, false), (1, true)] {
        let envelope = rotation(&keys[place], &keys[place + 1], new_first);
        let id = town.propose(&envelope).await.unwrap();
        let statement = town.pending(id).await;
        assert_eq!(statement.progress, Progress::Posted, "{:?}", statement.refusal);
    }
    let record = town.service.record();
    let in_force = |key| record.directory().active(&PublicKey::of(key)).is_some();
    assert_eq!(keys.iter().map(in_force).collect::<Vec<_>>(), [false, false, true]);
}
