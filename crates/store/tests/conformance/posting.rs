//! How the public log grows: all or nothing, one poster at a time.

use domain::progress::Progress;
use store::{EMPTY_ROOT, Head, NewEntry, PostOutcome, Posting, Projection, StoreError, Tile};

use crate::ground::{Ground, entry, posting, statement};

pub async fn a_posting_moves_the_head(ground: Ground) {
    let store = ground.store().await;
    let id = store.insert_statement(&statement(1, Progress::CoSigned), &[], None).await.unwrap();
    let head = store.head().await.unwrap();
    let named = NewEntry { statement: Some(id), ..entry(1) };
    let first = posting(head, vec![entry(0), named], 1);
    assert_eq!(store.post(&first).await.unwrap(), PostOutcome::Posted);
    assert_eq!(store.head().await.unwrap(), first.new);
    let posted = store.statement(id).await.unwrap().unwrap();
    assert_eq!((posted.state, posted.posted_index), (Progress::Posted, Some(1)));
    assert_eq!(store.statements_ready().await.unwrap(), []);

    // The same again, and one from a head of the same size with another root.
    assert_eq!(store.post(&first).await.unwrap(), PostOutcome::HeadMoved);
    let forked = Head { root: [9; 32], ..first.new };
    assert_eq!(
        store.post(&posting(forked, vec![entry(2)], 2)).await.unwrap(),
        PostOutcome::HeadMoved
    );
    assert_eq!(store.head().await.unwrap(), first.new);
    assert_eq!(store.entries(0, 10).await.unwrap().len(), 2);
}

pub async fn of_two_posters_one_wins(ground: Ground) {
    const TURNS: u64 = 25;
    let servers = [ground.store().await, ground.store().await];
    for turn in 0..TURNS {
        let head = servers[0].head().await.unwrap();
        assert_eq!(head.size, turn);
        let offer = |mark: u8| Posting {
            entries: vec![NewEntry { envelope: vec![mark], ..entry(turn) }],
            ..posting(head, vec![entry(turn)], mark)
        };
        let (one, two) = (offer(1), offer(2));
        let (first, second) = tokio::join!(servers[0].post(&one), servers[1].post(&two));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_ne!(first, second, "exactly one wins");
        let winner = if first == PostOutcome::Posted { one } else { two };
        assert_eq!(servers[0].head().await.unwrap(), winner.new);
        let stored = servers[1].entry(turn).await.unwrap().unwrap();
        assert_eq!(stored.envelope, winner.entries[0].envelope);
    }
}

pub async fn a_failing_posting_leaves_nothing(ground: Ground) {
    let store = ground.store().await;
    let id = store.insert_statement(&statement(1, Progress::CoSigned), &[], None).await.unwrap();
    let head = store.head().await.unwrap();
    // The last entry is a bill run of no village, after everything else went in.
    let good = NewEntry { statement: Some(id), ..entry(0) };
    let bad =
        NewEntry { projection: Projection::BillRun { year: 2016, bills: Vec::new() }, ..entry(1) };
    let mut failing = posting(head, vec![good, bad], 1);
    failing.tiles = vec![Tile { level: 0, index: 0, hashes: vec![1; 64] }];
    let error = store.post(&failing).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");

    assert_eq!(store.head().await.unwrap(), Head { size: 0, root: EMPTY_ROOT });
    assert_eq!(store.entries(0, 10).await.unwrap(), []);
    assert_eq!(store.tile(0, 0).await.unwrap(), None);
    assert_eq!(store.statement(id).await.unwrap().unwrap().state, Progress::CoSigned);
    // And it does not stand in the way of the next.
    failing.entries.pop();
    failing.new.size = 1;
    assert_eq!(store.post(&failing).await.unwrap(), PostOutcome::Posted);
}

pub async fn rejects_a_statement_that_is_not_co_signed(ground: Ground) {
    let store = ground.store().await;
    for state in [Progress::Draft, Progress::Awaiting, Progress::Refused, Progress::Posted] {
        let id = store.insert_statement(&statement(1, state), &[], None).await.unwrap();
        let head = store.head().await.unwrap();
        let entry = NewEntry { statement: Some(id), ..entry(0) };
        let error = store.post(&posting(head, vec![entry], 1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    }
    assert_eq!(store.head().await.unwrap().size, 0);
}

pub async fn rejects_indices_that_do_not_follow(ground: Ground) {
    let store = ground.store().await;
    let head = store.head().await.unwrap();
    for indices in [vec![], vec![1], vec![0, 0], vec![0, 2], vec![1, 0]] {
        let entries = indices.iter().map(|index| entry(*index)).collect();
        let error = store.post(&posting(head, entries, 1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{indices:?}: {error}");
    }
    let mut short = posting(head, vec![entry(0)], 1);
    short.new.size = 2;
    assert!(store.post(&short).await.is_err());
}
