//! Messages kept apart.

use store::{
    MAX_QUARANTINE_PAYLOAD_BYTES, MAX_QUARANTINE_ROWS, MAX_QUARANTINE_TEXT_CHARS, NewQuarantine,
};

use crate::ground::{Ground, at, report};

fn refused(reason: &str, payload: Vec<u8>) -> NewQuarantine {
    NewQuarantine {
        topic: "mingqu/v1/d/m1/report".into(),
        meter: "m1".into(),
        reason: reason.into(),
        detail: "the signature does not match".into(),
        payload_bytes: payload.len() as u64,
        payload,
    }
}

pub async fn keeps_the_beginning_and_the_size(ground: Ground) {
    let store = ground.store().await;
    let long = vec![7; MAX_QUARANTINE_PAYLOAD_BYTES + 100];
    let cut = NewQuarantine { payload_bytes: 1_000_000, ..refused("cut", vec![8]) };
    let messages = [cut, refused("bad-signature", b"short".to_vec()), refused("too-long", long)];
    // Together with a sound report, in one transaction.
    store.store_reports(at(3), &[report("m1", 1)], &messages).await.unwrap();
    assert_eq!(store.report_count().await.unwrap(), 1);

    let rows = store.quarantine(None, 10).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[2].payload.as_slice(), rows[2].payload_bytes), (&[8][..], 1_000_000));
    assert_eq!((rows[0].reason.as_str(), rows[1].reason.as_str()), ("too-long", "bad-signature"));
    assert_eq!(rows[0].payload.len(), MAX_QUARANTINE_PAYLOAD_BYTES);
    assert_eq!(rows[0].payload_bytes, MAX_QUARANTINE_PAYLOAD_BYTES as u64 + 100);
    assert_eq!((rows[1].payload.as_slice(), rows[1].payload_bytes), (&b"short"[..], 5));
    assert_eq!(rows[1].topic, "mingqu/v1/d/m1/report");
    assert_eq!((rows[1].meter.as_str(), rows[1].received_at), ("m1", at(3)));
    assert_eq!(rows[1].detail, "the signature does not match");

    assert_eq!(store.quarantine(None, 1).await.unwrap(), rows[..1]);
    assert_eq!(store.quarantine(Some(rows[0].id), 10).await.unwrap(), rows[1..]);
}

/// One hostile message must not keep the batch it came with from being stored.
pub async fn takes_text_that_a_database_would_refuse(ground: Ground) {
    let store = ground.store().await;
    let hostile = NewQuarantine {
        topic: "a\0b".into(),
        meter: "\0".into(),
        detail: "水".repeat(10_000),
        ..refused("bad-meter", vec![0, 255])
    };
    store.store_reports(at(1), &[report("m1", 1)], &[hostile]).await.unwrap();
    let rows = store.quarantine(None, 1).await.unwrap();
    assert_eq!(rows[0].topic, "a\u{fffd}b");
    assert_eq!(rows[0].detail.chars().count(), MAX_QUARANTINE_TEXT_CHARS);
    assert_eq!(rows[0].payload, [0, 255]);
}

pub async fn keeps_the_newest_and_counts_all(ground: Ground) {
    let store = ground.store().await;
    let most = usize::try_from(MAX_QUARANTINE_ROWS).unwrap();
    let batch = |from: usize, count: usize| -> Vec<NewQuarantine> {
        (from..from + count).map(|n| refused("noise", n.to_string().into_bytes())).collect()
    };
    store.store_reports(at(1), &[], &batch(0, most)).await.unwrap();
    store.store_reports(at(2), &[], &batch(most, 25)).await.unwrap();
    assert_eq!(store.quarantine_counts().await.unwrap(), [("noise".to_owned(), most as u64 + 25)]);

    let (mut kept, mut before) = (Vec::new(), None);
    loop {
        let page = store.quarantine(before, u32::MAX).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        kept.extend(page.into_iter().map(|row| row.payload));
    }
    let newest: Vec<Vec<u8>> = (25..most + 25).rev().map(|n| n.to_string().into_bytes()).collect();
    assert!(kept == newest, "{} kept", kept.len());
}
