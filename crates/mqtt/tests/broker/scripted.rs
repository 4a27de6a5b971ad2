//! A broker that follows a script: what exactly is written on which connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::server::Server;
use crate::store::soon;

const TOPIC: &str = "mingqu/v1/d/m1/report";

struct Scripted {
    listener: TcpListener,
}

impl Scripted {
    async fn listen() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self { listener }, port)
    }

    /// Takes the next connection through CONNECT and SUBSCRIBE; both must be as they have to be.
    async fn accept(&self, session_present: bool) -> Line {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        let mut line = Line { stream };
        let (first, connect) = line.read().await;
        assert_eq!(first, 0x10);
        assert_eq!(connect[7] & 0b10, 0, "a clean session would lose what is not acknowledged");
        line.write(&[0x20, 2, u8::from(session_present), 0]).await;
        let (first, subscribe) = line.read().await;
        assert_eq!(first, 0x82);
        let mut filters = Vec::new();
        for filter in ["mingqu/v1/d/+/report", "mingqu/v1/d/+/status"] {
            filters.extend(text(filter));
            filters.push(1);
        }
        assert_eq!(subscribe[2..], filters);
        line.write(&[0x90, 4, subscribe[0], subscribe[1], 1, 1]).await;
        line
    }
}

struct Line {
    stream: TcpStream,
}

impl Line {
    async fn write(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// Publishes a report with `QoS` 1.
    async fn publish(&mut self, again: bool, packet: u16, payload: &[u8]) {
        self.publish_to(TOPIC, again, packet, payload).await;
    }

    async fn publish_to(&mut self, topic: &str, again: bool, packet: u16, payload: &[u8]) {
        let mut body = text(topic);
        body.extend(packet.to_be_bytes());
        body.extend(payload);
        let mut bytes = vec![if again { 0x3a } else { 0x32 }];
        let mut length = body.len();
        loop {
            let low = u8::try_from(length % 128).unwrap();
            length /= 128;
            bytes.push(if length > 0 { low | 0x80 } else { low });
            if length == 0 {
                break;
            }
        }
        bytes.extend(body);
        self.write(&bytes).await;
    }

    /// The next packet: its first byte and what follows its length.
    async fn read(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 2];
        soon(self.stream.read_exact(&mut header)).await.unwrap();
        assert!(header[1] < 0x80, "a longer packet than any expected");
        let mut body = vec![0; usize::from(header[1])];
        soon(self.stream.read_exact(&mut body)).await.unwrap();
        (header[0], body)
    }

    /// The next PUBACK; acknowledges receipts on the way.
    async fn puback(&mut self) -> u16 {
        loop {
            let (first, body) = self.read().await;
            match first {
                0x40 => return u16::from_be_bytes([body[0], body[1]]),
                0x32 => self.acknowledge_receipt(&body).await,
                other => panic!("unexpected packet {other:#x}"),
            }
        }
    }

    /// The payload of the next receipt.
    async fn receipt(&mut self) -> Vec<u8> {
        loop {
            let (first, body) = self.read().await;
            if first == 0x32 {
                self.acknowledge_receipt(&body).await;
                assert_eq!(body[2..23], *b"mingqu/v1/d/m1/stored");
                return body[25..].to_vec();
            }
            assert_eq!(first, 0x40);
        }
    }

    async fn acknowledge_receipt(&mut self, body: &[u8]) {
        self.write(&[0x40, 2, body[23], body[24]]).await;
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

#[tokio::test]
async fn acknowledges_after_the_commit_in_the_order_of_arrival() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, 0);
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

#[tokio::test]
async fn what_was_committed_for_an_older_connection_is_not_acknowledged_on_the_next() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, 0);
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

#[tokio::test]
async fn a_status_is_acknowledged_in_its_turn() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, 0);
    let mut line = script.accept(false).await;
    line.publish(false, 1, b"r").await;
    line.publish_to("mingqu/v1/d/m1/status", false, 2, b"online").await;
    line.publish_to("mingqu/v1/d/NO METER/status", false, 3, b"online").await;
    server.until(|counts| counts.refused_for(mqtt::Refusal::Topic) == 1).await;
    assert_eq!(server.statuses.snapshot().len(), 1);
    server.store.commits.add_permits(9);
    assert_eq!([line.puback().await, line.puback().await, line.puback().await], [1, 2, 3]);
    server.stop().await;
}

#[tokio::test]
async fn a_message_of_a_megabyte_is_cut_for_the_quarantine_and_acknowledged() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, Semaphore::MAX_PERMITS);
    let mut line = script.accept(false).await;
    line.publish(false, 1, &vec![7; 1_000_000]).await;
    assert_eq!(line.puback().await, 1);
    assert_eq!(server.store.stored(1).await[0].payload, vec![7; mqtt::MAX_PACKET_BYTES]);
    server.stop().await;
}

#[tokio::test]
async fn a_full_queue_keeps_the_connection_and_loses_nothing() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, 0);
    let mut line = script.accept(false).await;
    let total = mqtt::MAX_QUEUED_MESSAGES + mqtt::MAX_BACKLOG_MESSAGES + 5_000;
    let (mut reader, mut writer) = line.stream.into_split();
    let publishing = tokio::spawn(async move {
        for number in 0..total {
            let packet = u16::try_from(number % 60_000 + 1).unwrap();
            let mut body = text(TOPIC);
            body.extend(packet.to_be_bytes());
            let mut bytes = vec![0x32, u8::try_from(body.len()).unwrap()];
            bytes.extend(body);
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

#[tokio::test]
async fn a_shutdown_acknowledges_what_it_still_stores_and_says_goodbye() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, 0);
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

#[tokio::test]
async fn a_refused_subscription_is_tried_again() {
    let (script, port) = Scripted::listen().await;
    let server = Server::start(port, Semaphore::MAX_PERMITS);
    let (stream, _) = soon(script.listener.accept()).await.unwrap();
    let mut line = Line { stream };
    line.read().await;
    line.write(&[0x20, 2, 0, 0]).await;
    let (_, subscribe) = line.read().await;
    line.write(&[0x90, 4, subscribe[0], subscribe[1], 0x80, 0x80]).await;
    let mut again = script.accept(false).await;
    again.publish(false, 1, b"r").await;
    assert_eq!(again.puback().await, 1);
    server.stop().await;
}
