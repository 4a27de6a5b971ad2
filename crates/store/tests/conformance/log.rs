//! Reading the public log.

use domain::progress::Progress;
use store::{Attachment, EMPTY_ROOT, Head, NewEntry, PostOutcome, StoreError, Tile};

use crate::ground::{Ground, at, entry, outlet, posting, round, statement, village};

pub async fn a_new_log_is_empty(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(store.head().await.unwrap(), Head { size: 0, root: EMPTY_ROOT });
    assert_eq!(store.right_edge(0).await.unwrap(), []);
    assert_eq!(store.checkpoint().await.unwrap(), None);
    assert_eq!(store.entries(0, u64::MAX).await.unwrap(), []);
    assert_eq!(store.entry(0).await.unwrap(), None);
    assert_eq!(store.latest_entries(None, 10).await.unwrap(), []);
    assert_eq!(store.tile(0, 0).await.unwrap(), None);
}

pub async fn entries_read_back(ground: Ground) {
    let store = ground.store().await;
    let kinds = ["district", "key", "roster", "key", "tariff"];
    let entries: Vec<NewEntry> = kinds
        .iter()
        .enumerate()
        .map(|(n, kind)| NewEntry { kind: (*kind).into(), ..entry(n as u64) })
        .collect();
    let head = store.head().await.unwrap();
    assert_eq!(store.post(&posting(head, entries, 1)).await.unwrap(), PostOutcome::Posted);

    let indices = |rows: Vec<store::EntryRow>| rows.iter().map(|row| row.index).collect::<Vec<_>>();
    assert_eq!(indices(store.entries(1, 4).await.unwrap()), [1, 2, 3]);
    assert_eq!(indices(store.entries_of_kinds(&["key"], 0, 10).await.unwrap()), [1, 3]);
    assert_eq!(indices(store.entries_of_kinds(&["key", "district"], 1, 10).await.unwrap()), [1, 3]);
    assert_eq!(indices(store.entries_of_kinds(&["tariff", "key"], 0, 2).await.unwrap()), [1, 3]);
    assert_eq!(store.entries_of_kinds(&[], 0, 10).await.unwrap(), []);
    let error = store.entries_of_kinds(&["key"; 9], 0, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
    assert_eq!(indices(store.latest_entries(None, 2).await.unwrap()), [4, 3]);
    assert_eq!(indices(store.latest_entries(Some(3), 10).await.unwrap()), [2, 1, 0]);

    let full = NewEntry {
        village: Some(village("shang")),
        round: Some(round("2016-1")),
        outlet: Some(outlet("w1")),
        ..entry(5)
    };
    let head = store.head().await.unwrap();
    store.post(&posting(head, vec![full.clone()], 2)).await.unwrap();
    let read = store.entry(5).await.unwrap().unwrap();
    assert_eq!((read.index, read.kind, read.envelope), (5, full.kind, full.envelope));
    assert_eq!((read.village, read.round, read.outlet), (full.village, full.round, full.outlet));
    assert_eq!((read.posted_at, read.statement), (at(1000), None));
}

fn tile(level: u8, index: u64, hashes: u8) -> Tile {
    let hashes = (0..hashes).flat_map(|hash| [hash; 32]).collect();
    Tile { level, index, hashes }
}

pub async fn a_right_edge_has_exactly_its_hashes(ground: Ground) {
    let store = ground.store().await;
    let head = store.head().await.unwrap();
    // 3 · 256 + 5 entries: the fourth tile of level 0 holds 5 hashes, the first of level 1 holds 3.
    // Sizes need not match tiles here: the edge is what the tree of the size asked for has.
    let mut first = posting(head, vec![entry(0)], 1);
    first.tiles = vec![tile(0, 3, 5), tile(1, 0, 3)];
    store.post(&first).await.unwrap();
    assert_eq!(store.right_edge(773).await.unwrap(), [tile(0, 3, 5), tile(1, 0, 3)]);
    // A smaller tree has less of the same tiles; a full level has no partial tile.
    assert_eq!(store.right_edge(770).await.unwrap(), [tile(0, 3, 2), tile(1, 0, 3)]);
    assert_eq!(store.right_edge(768).await.unwrap(), [tile(1, 0, 3)]);
    assert_eq!(store.tile(0, 3).await.unwrap(), Some(tile(0, 3, 5).hashes));
    // A tile that lacks hashes is not passed off as whole.
    let error = store.right_edge(774).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "log_tile", .. }), "{error}");

    let mut second = posting(first.new, vec![entry(1)], 2);
    second.tiles = vec![tile(0, 3, 6)];
    store.post(&second).await.unwrap();
    assert_eq!(store.right_edge(774).await.unwrap(), [tile(0, 3, 6), tile(1, 0, 3)]);
}

pub async fn a_checkpoint_only_moves_forward(ground: Ground) {
    let store = ground.store().await;
    let head = store.head().await.unwrap();
    store.post(&posting(head, (0..5).map(entry).collect(), 1)).await.unwrap();
    assert!(store.publish_checkpoint(3, b"three").await.unwrap());
    assert!(store.publish_checkpoint(5, b"five").await.unwrap());
    assert!(!store.publish_checkpoint(4, b"four").await.unwrap());
    assert_eq!(store.checkpoint().await.unwrap(), Some((5, b"five".to_vec())));
    // The same size with another witness's line.
    assert!(store.publish_checkpoint(5, b"five, cosigned").await.unwrap());
    assert_eq!(store.checkpoint().await.unwrap(), Some((5, b"five, cosigned".to_vec())));
}

pub async fn rejects_a_checkpoint_of_entries_not_stored(ground: Ground) {
    let store = ground.store().await;
    let error = store.publish_checkpoint(1, b"one").await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(store.checkpoint().await.unwrap(), None);
}

pub async fn exports_attachments_of_posted_statements(ground: Ground) {
    let store = ground.store().await;
    let attachment = |mark| Attachment {
        sha256: [mark; 32],
        media_type: "application/json".into(),
        bytes: vec![mark],
    };
    let named = [attachment(1), attachment(3)];
    let new = statement(1, Progress::CoSigned);
    let id = store.insert_statement(&new, &named, None).await.unwrap();
    let draft = statement(2, Progress::Draft);
    store.insert_statement(&draft, &[attachment(2)], None).await.unwrap();
    assert_eq!(store.attachments_of_log(None, 10).await.unwrap(), []);

    let head = store.head().await.unwrap();
    let posted = NewEntry { statement: Some(id), ..entry(0) };
    store.post(&posting(head, vec![posted], 1)).await.unwrap();
    assert_eq!(store.attachments_of_log(None, 10).await.unwrap(), named);
    assert_eq!(store.attachments_of_log(None, 1).await.unwrap(), named[..1]);
    assert_eq!(store.attachments_of_log(Some(&[1; 32]), 10).await.unwrap(), named[1..]);
}
