//! Two servers on one database behind one broker: each report goes to one of them, and counts once whatever happens.

mod pool;

use store::testing::PostgresServer;

use pool::Pool;

/// Of each part of the story.
const REPORTS_PER_METER: usize = 150;

/// The story, on whichever database.
async fn two_servers_divide_the_load(url: &str) {
    let mut pool = Pool::start(url).await;
    let publisher = pool.publisher();
    let all = 2 * REPORTS_PER_METER;

    // Both live: each takes its part, and every receipt is right.
    pool.report(&publisher, 1..=REPORTS_PER_METER).await;
    let taken = pool.received();
    assert!(taken.iter().all(|part| *part >= all as u64 / 4), "not divided: {taken:?}");
    assert_eq!(pool.stored().await, all);

    // One dies in the middle of the next, with whatever it had taken and not stored; the broker does not know at once
    // that it is gone for good, and goes on dealing out to it.
    let middle = REPORTS_PER_METER + REPORTS_PER_METER / 2;
    pool.begin(&publisher, REPORTS_PER_METER + 1..=middle).await;
    pool.kill_first().await;
    pool.report(&publisher, middle + 1..=2 * REPORTS_PER_METER).await;
    assert_eq!(pool.stored().await, 2 * all);

    // It comes back, and both share again.
    pool.restart_first().await;
    pool.report(&publisher, 2 * REPORTS_PER_METER + 1..=3 * REPORTS_PER_METER).await;
    assert_eq!(pool.stored().await, 3 * all);

    // It stops as it should: its share goes to the other one at once, each report once.
    pool.stop_first().await;
    let [_, before] = pool.received();
    pool.report(&publisher, 3 * REPORTS_PER_METER + 1..=4 * REPORTS_PER_METER).await;
    let [_, after] = pool.received();
    assert_eq!(after - before, all as u64);
    assert_eq!(pool.stored().await, 4 * all);
    assert!(pool.refused().await.is_empty());
    let ledger = publisher.shutdown().await.unwrap().summary();
    assert_eq!((ledger.meters, ledger.receipted), (2, 4 * all));
    pool.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_divide_the_load_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mingqu.db");
    two_servers_divide_the_load(&format!("sqlite:{}", file.display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_divide_the_load_on_postgresql() {
    let server = PostgresServer::start().await.unwrap();
    two_servers_divide_the_load(&server.create_database("sample").await.unwrap()).await;
}
