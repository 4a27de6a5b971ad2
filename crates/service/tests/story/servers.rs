//! Two servers on one database.

use std::sync::Arc;

use audit::testing::{Person, TestLog};
use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::leaf_hash;
use disclosure::merkle::{Hash, root_of};
use disclosure::statement::{Role, Statement};
use service::Service;

use crate::Town;

/// The enrolments of so many new cadres, signed by both roots.
fn enrolments(town: &Town, from: usize, count: usize) -> Vec<Vec<u8>> {
    let people = &town.log.people;
    let roots = [&people.roots[0], &people.roots[1]];
    (from..from + count)
        .map(|n| {
            let seed = u8::try_from(100 + n).unwrap();
            let person = Person::new(&format!("east-{n}"), Role::Cadre, Some("east"), seed);
            TestLog::seal(&Statement::Key(person.enrolment(&roots)), &roots).to_json()
        })
        .collect()
}

async fn post_all(server: Arc<Service>, envelopes: Vec<Vec<u8>>) -> Vec<(u64, Hash)> {
    let tasks: Vec<_> = envelopes
        .into_iter()
        .map(|envelope| {
            let server = server.clone();
            tokio::spawn(async move {
                server.propose(&envelope, vec![]).await.unwrap();
                published(&server).await
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

async fn published(server: &Service) -> (u64, Hash) {
    let note = server.log().checkpoint().await.unwrap().unwrap();
    let key = server.log_vkey().parse().unwrap();
    let checkpoint = Checkpoint::open(&note, &key).unwrap();
    (checkpoint.size, checkpoint.root)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_post_one_history() {
    let town = Town::founded().await;
    let other = town.another_server().await;
    let (mine, theirs) = (enrolments(&town, 50, 20), enrolments(&town, 70, 20));
    let one = tokio::spawn(post_all(town.service.clone(), mine));
    let two = tokio::spawn(post_all(other.clone(), theirs));
    let mut seen = one.await.unwrap();
    seen.extend(two.await.unwrap());
    for server in [&town.service, &other] {
        server.tend().await.unwrap();
        assert_eq!(server.record().size(), 49);
    }
    let entries = town.service.store().entries(0, 100).await.unwrap();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(&entry.envelope)).collect();
    assert_eq!(leaves.len(), 49);
    // Every checkpoint that anybody saw is one of this one history.
    for (size, root) in seen {
        let size = usize::try_from(size).unwrap();
        assert_eq!(root, root_of(&leaves[..size]), "the checkpoint of size {size}");
    }
    town.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reading_while_posting_takes_no_entry_in_twice() {
    let town = Town::founded().await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let server = town.service.clone();
            tokio::spawn(async move {
                while server.record().size() < 39 {
                    // Anything that catches up: an unknown statement is looked up after.
                    let _unknown = server.sign(9999, "", [0; 64]).await;
                }
            })
        })
        .collect();
    post_all(town.service.clone(), enrolments(&town, 50, 30)).await;
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(town.size(), 39);
    town.audit().await;
}

#[tokio::test]
async fn a_server_takes_reports_of_a_meter_that_another_registered() {
    let town = Town::empty().await;
    let other = town.another_server().await;
    for entry in town.log.entries.clone() {
        town.propose(&disclosure::dsse::Envelope::parse(&entry).unwrap()).await.unwrap();
    }
    let mut meter = audit::testing::TestMeter::east();
    meter.run_for(1);
    let receipts = other.ingest(vec![crate::town::arrival(&meter, 1)]).await.unwrap();
    assert_eq!(receipts[0].stored, 1);
}
