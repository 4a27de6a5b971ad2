//! The client against a broker that follows a script, to the byte.

use mqtt::{BrokerConfig, Level};
use service::{DeviceState, QuarantineReason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

use crate::script::{Script, TOPIC, publish};
use crate::server::{Server, config};
use crate::store::soon;

in_both_versions!(
    a_broker_that_says_no_is_asked_again,
    a_full_queue_keeps_the_connection_and_loses_nothing,
    a_message_of_a_megabyte_is_cut_for_the_quarantine_and_acknowledged,
    a_refused_subscription_is_tried_again,
    a_shutdown_acknowledges_what_it_still_stores_and_says_goodbye,
    a_status_is_acknowledged_in_its_turn,
    acknowledges_after_the_commit_in_the_order_of_arrival,
    no_more_receipts_wait_than_the_broker_takes,
    what_was_committed_for_an_older_connection_is_not_acknowledged_on_the_next,
);

async fn acknowledges_after_the_commit_in_the_order_of_arrival(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, 0);
    let mut line = script.accept(false).await;
    for packet in [9, 3, 700] {
        line.publish(false, packet, b"r").await;
    }
    server.until(|counts| counts.received == 3).await;
    let mut nothing = [0];
    let read = line.stream.try_read(&mut nothing);
    assert_eq!(read.map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    server.store.commits.add_permits(9);
    assert_eq!([line.puback().await, line.puback().await, line.puback().await], [9, 3, 700]);
    assert_eq!(line.receipt().await, b"3");
    server.stop().await;
}

async fn what_was_committed_for_an_older_connection_is_not_acknowledged_on_the_next(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, 0);
    let mut first = script.accept(false).await;
    for packet in 1..=3 {
        first.publish(false, packet, b"old").await;
    }
    server.until(|counts| counts.received == 3).await;
    drop(first);
    let mut second = script.accept(true).await;
    // The commit comes while the broker has not delivered anything again yet.
    server.store.commits.add_permits(1);
    server.until(|counts| counts.stale_acknowledgements == 3).await;
    for packet in 1..=3 {
        second.publish(true, packet, b"old").await;
    }
    second.publish(false, 4, b"new").await;
    server.store.commits.add_permits(99);
    let mut acknowledged = Vec::new();
    for _ in 0..4 {
        acknowledged.push(second.puback().await);
    }
    // Each once, and in the order of this connection.
    assert_eq!(acknowledged, [1, 2, 3, 4]);
    server.stop().await;
}

async fn a_status_is_acknowledged_in_its_turn(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, 0);
    let mut line = script.accept(false).await;
    line.publish(false, 1, b"r").await;
    line.publish_to("mingqu/v1/d/m1/status", false, 2, b"online").await;
    line.publish_to("mingqu/v1/d/NO METER/status", false, 3, b"online").await;
    server.until(|counts| counts.refused_for(mqtt::Refusal::Topic) == 1).await;
    assert_eq!(server.statuses.count(DeviceState::Online), 1);
    server.store.commits.add_permits(9);
    assert_eq!([line.puback().await, line.puback().await, line.puback().await], [1, 2, 3]);
    server.stop().await;
}

async fn a_message_of_a_megabyte_is_cut_for_the_quarantine_and_acknowledged(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, Semaphore::MAX_PERMITS);
    let mut line = script.accept(false).await;
    line.publish(false, 1, &vec![7; 1_000_000]).await;
    assert_eq!(line.puback().await, 1);
    line.publish(false, 2, b"the next").await;
    assert_eq!(line.puback().await, 2);
    let stored = server.store.stored(2).await;
    let kept = &stored[0].payload;
    assert!(kept.len() > telemetry::MAX_REPORT_BYTES && kept.len() <= mqtt::MAX_PACKET_BYTES);
    assert!(kept.iter().all(|byte| *byte == 7));
    let refused = stored[0].refused.as_ref().unwrap();
    assert_eq!(refused.reason, QuarantineReason::Oversize);
    assert!(refused.detail.starts_with("1000000 bytes"), "{}", refused.detail);
    assert_eq!(stored[1].payload, b"the next");
    server.stop().await;
}

async fn a_full_queue_keeps_the_connection_and_loses_nothing(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, 0);
    let mut line = script.accept(false).await;
    let total = mqtt::MAX_QUEUED_MESSAGES + 3 * mqtt::MAX_BACKLOG_MESSAGES;
    let (mut reader, mut writer) = line.stream.into_split();
    let publishing = tokio::spawn(async move {
        for number in 0..total {
            let packet = u16::try_from(number % 60_000 + 1).unwrap();
            let bytes = publish(level, TOPIC, false, packet, &[], b"");
            writer.write_all(&bytes).await.unwrap();
        }
        writer
    });
    server.until(|counts| counts.received >= mqtt::MAX_QUEUED_MESSAGES as u64).await;
    server.store.commits.add_permits(1_000);
    let mut acknowledged = 0;
    while acknowledged < total {
        let mut header = [0; 2];
        soon(reader.read_exact(&mut header)).await.unwrap();
        let mut body = vec![0; usize::from(header[1])];
        soon(reader.read_exact(&mut body)).await.unwrap();
        if header[0] == 0x40 {
            acknowledged += 1;
            let expected = u16::try_from((acknowledged - 1) % 60_000 + 1).unwrap();
            assert_eq!(body, expected.to_be_bytes());
        }
    }
    line.stream = reader.reunite(publishing.await.unwrap()).unwrap();
    server.stop().await;
}

async fn a_shutdown_acknowledges_what_it_still_stores_and_says_goodbye(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, 0);
    let mut line = script.accept(false).await;
    line.publish(false, 1, b"r").await;
    server.until(|counts| counts.received == 1).await;
    let commits = std::sync::Arc::clone(&server.store);
    let stopping = tokio::spawn(server.stop());
    commits.commits.add_permits(9);
    assert_eq!(line.puback().await, 1);
    loop {
        match line.read().await {
            (0xe0, _) => break,
            (0x32, _) => {}
            (other, _) => panic!("unexpected packet {other:#x}"),
        }
    }
    soon(stopping).await.unwrap();
}

async fn a_refused_subscription_is_tried_again(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, Semaphore::MAX_PERMITS);
    let accepted: &[u8] = if level == Level::V4 { &[0x20, 2, 0, 0] } else { &[0x20, 3, 0, 0, 0] };
    let mut line = script.connect(accepted).await;
    let id = line.subscribe(["mingqu/v1/d/+/report", "mingqu/v1/d/+/status"]).await;
    line.suback(id, [0x80, 0x80]).await;
    let mut again = script.accept(false).await;
    again.publish(false, 1, b"r").await;
    assert_eq!(again.puback().await, 1);
    server.stop().await;
}

async fn a_broker_that_says_no_is_asked_again(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, Semaphore::MAX_PERMITS);
    // A code of MQTT 3.1.1, which a broker that knows nothing newer gives in either version.
    script.connect(&[0x20, 2, 0, 1]).await;
    let mut again = script.accept(false).await;
    again.publish(false, 1, b"r").await;
    assert_eq!(again.puback().await, 1);
    server.stop().await;
}

async fn no_more_receipts_wait_than_the_broker_takes(level: Level) {
    let (script, port) = Script::listen(level).await;
    let server = Server::start(port, level, 0);
    let mut line = script.accept(false).await;
    let limit = if level == Level::V4 { 200 } else { 100 };
    for number in 1..=limit + 50 {
        line.publish_to(&format!("mingqu/v1/d/n{number}/report"), false, number, b"r").await;
    }
    server.until(|counts| counts.received == u64::from(limit) + 50).await;
    server.store.commits.add_permits(99);
    let mut receipts = Vec::new();
    let mut acknowledged = 0;
    while acknowledged < limit + 50 || receipts.len() < usize::from(limit) {
        match line.read().await {
            (0x40, _) => acknowledged += 1,
            (0x32, body) => receipts.push(body),
            (other, _) => panic!("unexpected packet {other:#x}"),
        }
    }
    assert_eq!(server.until(|_| true).await.receipts, u64::from(limit));
    for body in &receipts {
        let topic_bytes = usize::from(u16::from_be_bytes([body[0], body[1]]));
        line.write(&[0x40, 2, body[2 + topic_bytes], body[3 + topic_bytes]]).await;
    }
    server.until(|counts| counts.receipts == u64::from(limit) + 50).await;
    server.stop().await;
}

#[tokio::test]
async fn a_message_with_more_properties_than_are_read_is_kept_apart_and_acknowledged() {
    let (script, port) = Script::listen(Level::V5).await;
    let server = Server::start(port, Level::V5, Semaphore::MAX_PERMITS);
    let mut line = script.accept(false).await;
    let properties = vec![0x26; 2 * mqtt::MAX_PACKET_BYTES];
    line.write(&publish(Level::V5, TOPIC, false, 1, &properties, b"report")).await;
    assert_eq!(line.puback().await, 1);
    // Properties that are none are not looked at either.
    line.write(&publish(Level::V5, TOPIC, false, 2, b"\xff\xff", b"report")).await;
    assert_eq!(line.puback().await, 2);
    let stored = server.store.stored(2).await;
    assert_eq!(stored[0].refused.as_ref().unwrap().reason, QuarantineReason::Oversize);
    assert_eq!((&stored[1].payload[..], &stored[1].refused), (&b"report"[..], &None));
    server.stop().await;
}

#[tokio::test]
async fn servers_that_share_subscribe_to_a_share_of_the_reports_and_to_every_status() {
    let (script, port) = Script::listen(Level::V5).await;
    let script = script.expecting("$share/pool/mingqu/v1/d/+/report");
    let config = config(port, Level::V5);
    let config = BrokerConfig { share: Some("pool".into()), ..config };
    let server = Server::with(config, 0);
    let mut line = script.accept(false).await;
    line.publish(false, 1, b"r").await;
    server.until(|counts| counts.received == 1).await;
    // One that stops gives its share up first, and then finishes what it has.
    let store = std::sync::Arc::clone(&server.store);
    let stopping = tokio::spawn(server.stop());
    let (first, unsubscribe) = line.read().await;
    assert_eq!((first, &unsubscribe[5..]), (0xa2, &b"$share/pool/mingqu/v1/d/+/report"[..]));
    store.commits.add_permits(9);
    assert_eq!(line.puback().await, 1);
    soon(stopping).await.unwrap();
}

#[tokio::test]
async fn a_receipt_that_the_broker_does_not_take_is_counted() {
    let (script, port) = Script::listen(Level::V5).await;
    let server = Server::start(port, Level::V5, Semaphore::MAX_PERMITS);
    let mut line = script.accept(false).await;
    line.publish(false, 1, b"r").await;
    loop {
        if let (0x32, body) = line.read().await {
            // Not authorized.
            line.write(&[0x40, 4, body[23], body[24], 0x87, 0]).await;
            break;
        }
    }
    server.until(|counts| counts.dropped_receipts == 1).await;
    server.stop().await;
}
