//! Bytes and manners that no honest meter has: each harms only its own connection.

use mqtt::{MAX_INFLIGHT_MESSAGES, MAX_PACKET_BYTES, Refusal};
use tokio::io::AsyncWriteExt;

use crate::site::{Raw, Site, connect_v4, packet, publish_v4, soon, text};

const REPORT: &str = "mingqu/v1/d/m1/report";

/// An honest meter gets a report through.
async fn still_works(site: &Site) {
    let before = site.counts().acknowledged;
    let mut honest = site.raw_v4("honest").await;
    honest.send(&publish_v4("mingqu/v1/d/honest/report", 1, b"r")).await;
    honest.expect(&[0x40, 2, 0, 1]).await;
    assert!(site.counts().acknowledged > before);
}

async fn connect_v5(site: &Site, client: &str) -> Raw {
    let mut raw = site.raw().await;
    let mut body = b"\0\x04MQTT\x05\x02\0\x3c\0".to_vec();
    body.extend(text(client));
    raw.send(&packet(0x10, &body)).await;
    let mut answer = [0; 2];
    soon(tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut answer)).await.unwrap();
    let mut rest = vec![0; usize::from(answer[1])];
    soon(tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut rest)).await.unwrap();
    assert_eq!((answer[0], rest[1]), (0x20, 0));
    raw
}

#[tokio::test]
async fn noise_before_connect() {
    let site = Site::open().await;
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &[0xff; 64], &[0x10, 0]] {
        let mut raw = site.raw().await;
        raw.send(noise).await;
        assert_eq!(raw.rest().await, b"", "{noise:?}");
    }
    assert_eq!(site.counts().connections, 0);
    still_works(&site).await;
}

#[tokio::test]
async fn a_connect_that_never_ends_in_time_holds_nobody_up() {
    let site = Site::open().await;
    let mut half = site.raw().await;
    half.send(&connect_v4("m1")[..7]).await;
    still_works(&site).await;
}

#[tokio::test]
async fn every_truncation_followed_by_the_end() {
    let site = Site::open().await;
    let mut whole = connect_v4("m1");
    whole.extend(publish_v4(REPORT, 1, b"report"));
    for length in 0..whole.len() {
        let mut raw = site.raw().await;
        raw.send(&whole[..length]).await;
        raw.stream.shutdown().await.unwrap();
        raw.rest().await;
    }
    assert_eq!(site.counts().received, 0);
    still_works(&site).await;
}

#[tokio::test]
async fn an_unknown_level_is_answered_and_closed() {
    let site = Site::open().await;
    let mut raw = site.raw().await;
    raw.send(&packet(0x10, b"\0\x06MQIsdp\x03\x02\0\x3c\0\x02m1")).await;
    assert_eq!(raw.rest().await, [0x20, 2, 0, 1]);
    site.refused(Refusal::Level, 1).await;
}

#[tokio::test]
async fn a_nameless_client_that_wants_a_session_is_refused() {
    let site = Site::open().await;
    let mut raw = site.raw().await;
    raw.send(&packet(0x10, b"\0\x04MQTT\x04\0\0\x3c\0\0")).await;
    assert_eq!(raw.rest().await, [0x20, 2, 0, 2]);
    site.refused(Refusal::Client, 1).await;
}

#[tokio::test]
async fn a_last_will_on_a_foreign_topic_is_refused() {
    let site = Site::open().await;
    let mut body = b"\0\x04MQTT\x04\x06\0\x3c".to_vec();
    for part in ["m1", "mingqu/v1/d/m2/report", "forged"] {
        body.extend(text(part));
    }
    let mut raw = site.raw().await;
    raw.send(&packet(0x10, &body)).await;
    assert_eq!(raw.rest().await, [0x20, 2, 0, 5]);
    site.refused(Refusal::Topic, 1).await;
}

#[tokio::test]
async fn garbage_after_connect() {
    let site = Site::open().await;
    let mut raw = site.raw_v4("m1").await;
    raw.send(&[0xf0, 0xff, 0xff, 0xff, 0xff, 0xff]).await;
    assert_eq!(raw.rest().await, b"");
    site.refused(Refusal::Malformed, 1).await;
    still_works(&site).await;
}

#[tokio::test]
async fn a_huge_remaining_length_is_refused_before_it_is_read() {
    let site = Site::open().await;
    let mut four = site.raw_v4("m1").await;
    four.send(&[0x32, 0xff, 0xff, 0xff, 0x7f]).await;
    assert_eq!(four.rest().await, b"");
    let mut five = connect_v5(&site, "m2").await;
    five.send(&[0x32, 0xff, 0xff, 0xff, 0x7f]).await;
    assert_eq!(five.rest().await, [0xe0, 2, 0x95, 0]);
    site.refused(Refusal::Oversize, 2).await;
    still_works(&site).await;
}

#[tokio::test]
async fn a_packet_just_over_the_limit() {
    let site = Site::open().await;
    let mut raw = site.raw_v4("m1").await;
    let header = publish_v4(REPORT, 1, &vec![0; MAX_PACKET_BYTES]);
    raw.send(&header[..100]).await;
    assert_eq!(raw.rest().await, b"");
    site.refused(Refusal::Oversize, 1).await;
}

#[tokio::test]
async fn qos_2_ends_the_connection() {
    let site = Site::open().await;
    let mut four = site.raw_v4("m1").await;
    let mut body = text(REPORT);
    body.extend([0, 1]);
    four.send(&packet(0x34, &body)).await;
    assert_eq!(four.rest().await, b"");
    let mut five = connect_v5(&site, "m2").await;
    body.push(0);
    five.send(&packet(0x34, &body)).await;
    assert_eq!(five.rest().await, [0xe0, 2, 0x9b, 0]);
    site.refused(Refusal::Qos2, 2).await;
    assert_eq!(site.counts().received, 0);
}

#[tokio::test]
async fn a_wrong_topic_in_3_1_1_is_acknowledged_when_it_is_kept_apart() {
    let site = Site::held().await;
    let mut raw = site.raw_v4("m1").await;
    raw.send(&publish_v4("mingqu/v1/d/m1/stored", 1, b"99")).await;
    site.refused(Refusal::Topic, 1).await;
    // The connection goes on, and the next message waits its turn.
    raw.send(&publish_v4(REPORT, 2, b"r")).await;
    site.received(1).await;
    site.store.commits.add_permits(9);
    raw.expect(&[0x40, 2, 0, 1, 0x40, 2, 0, 2]).await;
    let stored = site.stored(2).await;
    assert!(stored[0].refused.is_some() && stored[1].refused.is_none());
}

#[tokio::test]
async fn a_second_connect_and_server_packets_end_the_connection() {
    let site = Site::open().await;
    let strays = [connect_v4("m1"), vec![0x20, 2, 0, 0], vec![0xd0, 0], vec![0x50, 2, 0, 1]];
    for (number, stray) in (1..).zip(strays) {
        let mut raw = site.raw_v4("m1").await;
        raw.send(&stray).await;
        assert_eq!(raw.rest().await, b"");
        site.refused(Refusal::Protocol, number).await;
    }
    still_works(&site).await;
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away() {
    let site = Site::with(tokio::sync::Semaphore::MAX_PERMITS, 2).await;
    let _one = site.raw_v4("m1").await;
    let two = site.raw_v4("m2").await;
    let mut three = site.raw().await;
    assert_eq!(three.rest().await, b"");
    site.refused(Refusal::Connections, 1).await;
    drop(two);
    soon(async {
        while site.counts().open_connections > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The place is free a moment after the connection is no longer counted.
    let mut refused = 1;
    loop {
        let mut again = site.raw().await;
        again.send(&connect_v4("m3")).await;
        if !again.rest_or_connack().await {
            refused += 1;
            continue;
        }
        break;
    }
    site.refused(Refusal::Connections, refused).await;
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_read_no_further() {
    let site = Site::open().await;
    let mut deaf = site.raw_v4("deaf").await;
    let pings = [0xc0, 0].repeat(64 * 1024);
    // The answers fill the socket, then the outbox; then the endpoint stops reading, and this write stops too.
    let flood = async { while deaf.stream.write_all(&pings).await.is_ok() {} };
    tokio::select! {
        () = flood => panic!("the endpoint hung up"),
        () = async {
            for _ in 0..20 {
                still_works(&site).await;
            }
        } => {}
    }
}

#[tokio::test]
async fn a_flood_without_commits_is_bounded_and_loses_nothing() {
    let site = Site::held().await;
    let mut raw = site.raw_v4("m1").await;
    let total = MAX_INFLIGHT_MESSAGES * 3;
    let flood: Vec<u8> = (1..=total)
        .flat_map(|number| publish_v4(REPORT, u16::try_from(number).unwrap(), b"r"))
        .collect();
    raw.send(&flood).await;
    site.received(MAX_INFLIGHT_MESSAGES as u64).await;
    still_waits(&site, MAX_INFLIGHT_MESSAGES as u64).await;
    site.store.commits.add_permits(total);
    for number in 1..=total {
        let id = u16::try_from(number).unwrap().to_be_bytes();
        raw.expect(&[0x40, 2, id[0], id[1]]).await;
    }
    let stored = site.stored(total + 1).await;
    assert_eq!(stored.iter().filter(|arrival| arrival.meter == "m1").count(), total);
}

#[tokio::test]
async fn clients_that_come_back_while_the_store_is_away_leave_no_connections_behind() {
    let site = Site::held().await;
    let ids: Vec<_> = (0..24).map(|number| format!("m{number}")).collect();
    let flood: Vec<u8> = (1..=1_100).flat_map(|packet| publish_v4(REPORT, packet, b"r")).collect();
    let mut older = Vec::new();
    for id in &ids {
        let mut raw = site.raw_v4(id).await;
        raw.send(&flood).await;
        older.push(raw);
    }
    // More than the batch that is held and the queue can take: some connections wait for the queue.
    site.received(mqtt::MAX_QUEUED_MESSAGES as u64).await;
    let mut newer = Vec::new();
    for id in &ids {
        newer.push(site.raw_v4(id).await);
    }
    for mut raw in older {
        assert_eq!(raw.rest().await, b"");
    }
    soon(async {
        while site.counts().open_connections > 24 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    site.store.commits.add_permits(1_000);
    still_works(&site).await;
}

/// Another connection's message is the next that is received: the first one's are not read any further.
async fn still_waits(site: &Site, received: u64) {
    let mut other = site.raw_v4("other").await;
    other.send(&publish_v4("mingqu/v1/d/other/report", 1, b"r")).await;
    site.received(received + 1).await;
    assert_eq!(site.counts().received, received + 1);
}

#[tokio::test]
async fn a_silent_client_is_closed_after_one_and_a_half_keep_alive_times() {
    let site = Site::open().await;
    let mut raw = site.raw().await;
    let mut body = b"\0\x04MQTT\x05\x02\0\x01\0".to_vec();
    body.extend(text("m1"));
    raw.send(&packet(0x10, &body)).await;
    let said = raw.rest().await;
    assert!(said.ends_with(&[0xe0, 2, 0x8d, 0]), "{said:?}");
    site.refused(Refusal::Silent, 1).await;
}

#[tokio::test]
async fn random_bytes_never_get_through() {
    let site = Site::open().await;
    // A fixed linear congruential sequence: the same bytes in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..200 {
        let mut bytes: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                u8::try_from(state >> 56).unwrap()
            })
            .collect();
        // Mostly packets that look whole, so that the parsers behind the framing are reached.
        bytes[0] = (bytes[0] & 0xf0) | [0, 2, 2, 0][round % 4];
        bytes[1] = 62;
        let mut raw = if round % 2 == 0 {
            site.raw_v4("noise").await
        } else {
            connect_v5(&site, "noise").await
        };
        raw.send(&bytes).await;
        let _ = raw.stream.shutdown().await;
        raw.rest().await;
    }
    assert_eq!(site.counts().received, 0);
    still_works(&site).await;
}
