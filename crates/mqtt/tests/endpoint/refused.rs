//! What is refused is shown to the operator: what came, from whom, why.

use mqtt::Refusal;
use service::{Arrival, QuarantineReason};

use crate::site::{Raw, Site, connect_v4, packet, publish_v4, soon, text};

/// The one message that was kept apart, which must have this reason; `payload` is what is kept of it.
async fn shown(site: &Site, reason: QuarantineReason, payload: &[u8]) -> Arrival {
    let arrival = site.stored(1).await.remove(0);
    let refused = arrival.refused.as_ref().unwrap();
    assert_eq!(refused.reason, reason, "{}", refused.detail);
    assert!(!refused.detail.is_empty());
    assert_eq!(arrival.payload, payload);
    arrival
}

/// A connection in MQTT 5 that was accepted.
async fn raw_v5(site: &Site, client: &str) -> Raw {
    let mut raw = site.raw().await;
    let mut body = b"\0\x04MQTT\x05\x02\0\x3c\0".to_vec();
    body.extend(text(client));
    raw.send(&packet(0x10, &body)).await;
    let mut header = [0; 2];
    soon(tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut header)).await.unwrap();
    let mut rest = vec![0; usize::from(header[1])];
    soon(tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut rest)).await.unwrap();
    raw
}

/// A PUBLISH of MQTT 5 with `QoS` 1.
fn publish_v5(topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(id.to_be_bytes());
    body.push(0);
    body.extend(payload);
    packet(0x32, &body)
}

#[tokio::test]
async fn a_message_on_a_wrong_topic() {
    let site = Site::open().await;
    let mut raw = site.raw_v4("m1").await;
    raw.send(&publish_v4("mingqu/v1/d/m1/reports", 1, b"hello")).await;
    let arrival = shown(&site, QuarantineReason::UnknownTopic, b"hello").await;
    assert_eq!((arrival.topic.as_str(), arrival.meter.as_str()), ("mingqu/v1/d/m1/reports", "m1"));
    assert_eq!(site.counts().received, 0);
}

#[tokio::test]
async fn a_status_that_is_none() {
    let site = Site::open().await;
    let mut raw = raw_v5(&site, "gateway").await;
    raw.send(&publish_v5("mingqu/v1/d/m1/status", 1, b"asleep")).await;
    raw.expect(&[0x40, 3, 0, 1, 0x99]).await;
    let arrival = shown(&site, QuarantineReason::BadStatus, b"asleep").await;
    assert_eq!((arrival.topic.as_str(), arrival.meter.as_str()), ("mingqu/v1/d/m1/status", "m1"));
}

#[tokio::test]
async fn a_last_will_on_a_wrong_topic_and_one_that_is_no_status() {
    for (topic, reason) in [
        ("mingqu/v1/d/m1/report", QuarantineReason::UnknownTopic),
        ("mingqu/v1/d/m1/status", QuarantineReason::BadStatus),
    ] {
        let site = Site::open().await;
        let mut body = b"\0\x04MQTT\x04\x06\0\x3c".to_vec();
        for part in ["m1", topic, "gone"] {
            body.extend(text(part));
        }
        let mut raw = site.raw().await;
        raw.send(&packet(0x10, &body)).await;
        // A will is judged by its topic at once, and by what it says when it is carried out.
        drop(raw);
        let arrival = shown(&site, reason, b"gone").await;
        assert_eq!((arrival.topic.as_str(), arrival.meter.as_str()), (topic, "m1"));
    }
}

#[tokio::test]
async fn bytes_that_are_no_mqtt() {
    let site = Site::open().await;
    // The beginning of a TLS handshake: a meter that was given the wrong port.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    site.raw().await.send(hello).await;
    let arrival = shown(&site, QuarantineReason::BadPacket, hello).await;
    assert_eq!((arrival.topic.as_str(), arrival.meter.as_str()), ("", ""));
    assert!(arrival.refused.unwrap().detail.contains("TLS"));
}

#[tokio::test]
async fn a_packet_that_the_endpoint_does_not_take() {
    let mut qos_2 = publish_v4("mingqu/v1/d/m1/report", 1, b"report");
    qos_2[0] = 0x34;
    let mut oversize = publish_v4("mingqu/v1/d/m1/report", 1, &vec![7; mqtt::MAX_PACKET_BYTES]);
    oversize.truncate(100);
    let second_connect = connect_v4("m1");
    for bytes in [qos_2, oversize, second_connect] {
        let site = Site::open().await;
        let mut raw = site.raw_v4("m1").await;
        raw.send(&bytes).await;
        assert_eq!(raw.rest().await, b"");
        let arrival = shown(&site, QuarantineReason::BadPacket, &bytes).await;
        assert_eq!(arrival.meter, "m1");
    }
}

#[tokio::test]
async fn of_a_long_packet_the_beginning_is_shown() {
    let site = Site::open().await;
    let mut raw = site.raw_v4("m1").await;
    // Flags that are reserved, in an UNSUBSCRIBE of 10,000 bytes.
    let bytes = packet(0xa0, &vec![1; 10_000]);
    raw.send(&bytes).await;
    shown(&site, QuarantineReason::BadPacket, &bytes[..4_096]).await;
}

#[tokio::test]
async fn one_connection_fills_no_more_than_a_hundred_lines_and_all_is_counted() {
    let site = Site::open().await;
    let mut five = raw_v5(&site, "five").await;
    let mut four = site.raw_v4("four").await;
    for number in 1..=150 {
        let id = u8::try_from(number).unwrap();
        five.send(&publish_v5("nowhere", number, b"x")).await;
        five.expect(&[0x40, 3, 0, id, 0x90]).await;
        four.send(&publish_v4("nowhere", number, b"x")).await;
        four.expect(&[0x40, 2, 0, id]).await;
    }
    site.refused(Refusal::Topic, 300).await;
    four.send(&publish_v4("mingqu/v1/d/m1/report", 200, b"good")).await;
    four.expect(&[0x40, 2, 0, 200]).await;
    let stored = site.stored(201).await;
    assert_eq!(stored.len(), 201);
    assert_eq!((&stored[200].payload[..], &stored[200].refused), (&b"good"[..], &None));
    assert_eq!((site.counts().received, site.counts().acknowledged), (1, 1));
}
