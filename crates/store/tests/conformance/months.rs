//! PostgreSQL's partitions: made ahead, made when needed, cleared away; nothing of it shows outside.

use sqlx::{Connection, PgConnection};
use store::{ArchivedRun, MONTHS_AHEAD, Month, NewReport, Store};

use crate::ground::{Ground, at, meter, report};

const DAY_SECONDS: i64 = 24 * 3600;

async fn partitions(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let names = sqlx::query_scalar(
        "SELECT c.relname::TEXT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'report'::REGCLASS ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    names
}

/// A report so many days after the first of May.
fn of_day(seq: u64, day: i64) -> NewReport {
    let start = day * DAY_SECONDS;
    NewReport { first_at: at(start), last_at: at(start + 60), ..report("m1", seq) }
}

pub async fn postgres_makes_and_clears_months(url: &str) {
    let ground = Ground::new(url.into());
    let (store, other) = (ground.store().await, ground.store().await);
    assert!(partitions(url).await.is_empty());
    let now = at(40 * DAY_SECONDS);
    let (one, two) = tokio::join!(store.make_months(now), other.make_months(now));
    one.unwrap();
    two.unwrap();
    let ahead = ["report_2016_06", "report_2016_07", "report_2016_08"];
    assert_eq!(partitions(url).await, ahead);
    assert_eq!(ahead.len(), 1 + usize::try_from(MONTHS_AHEAD).unwrap());

    // Reports of years ago, of this month and of one yet to come, in one batch.
    let batch = [of_day(1, -900), of_day(2, -31), of_day(3, 40), of_day(4, 300)];
    let stored = store.store_reports(now, &batch, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.receipts), (4, vec![(meter("m1"), 4)]));
    let all = ["report_2013_11", "report_2016_03"];
    let all: Vec<&str> = all.into_iter().chain(ahead).chain(["report_2017_02"]).collect();
    assert_eq!(partitions(url).await, all);
    assert_eq!(store.reports(&meter("m1"), 1, 9).await.unwrap().len(), 4);

    // The same number in another month is the same number.
    let moved = [NewReport { bytes: b"moved".to_vec(), ..of_day(2, 40) }];
    let stored = other.store_reports(now, &moved, &[]).await.unwrap();
    assert_eq!((stored.stored, stored.conflicts), (0, 1));

    clears_what_was_archived(&store, &other, url).await;
}

async fn clears_what_was_archived(store: &Store, other: &Store, url: &str) {
    let now = at(40 * DAY_SECONDS);
    let run = |first_seq, last_seq| ArchivedRun { stream: meter("m1").into(), first_seq, last_seq };
    let (old, march) = (Month::of(at(-900 * DAY_SECONDS)), Month::of(at(-31 * DAY_SECONDS)));
    assert!(store.clear_month(old, &[run(1, 1)]).await.unwrap());
    assert!(!partitions(url).await.contains(&"report_2013_11".to_owned()));
    // What else is in the month is carried over, if it is not more than what goes.
    let more: Vec<NewReport> = (5..=8).map(|seq| of_day(seq, -31)).collect();
    store.store_reports(now, &more, &[]).await.unwrap();
    assert!(!store.clear_month(march, &[run(2, 2), run(5, 5)]).await.unwrap());
    assert!(store.clear_month(march, &[run(2, 2), run(5, 7)]).await.unwrap());
    let left = store.reports(&meter("m1"), 1, 9).await.unwrap();
    assert_eq!(left.iter().map(|report| report.seq).collect::<Vec<_>>(), [3, 4, 8]);
    assert!(partitions(url).await.contains(&"report_2016_03".to_owned()));
    let activity = store.meter_activity().await.unwrap();
    assert_eq!((activity[0].reports, activity[0].archived), (8, 5));

    // A month that is gone comes back with the next report of it, whichever server takes it.
    let late = NewReport { seq: 9, ..of_day(9, -900) };
    let stored = other.store_reports(now, &[late], &[]).await.unwrap();
    assert_eq!(stored.stored, 1);
    assert!(partitions(url).await.contains(&"report_2013_11".to_owned()));
}
