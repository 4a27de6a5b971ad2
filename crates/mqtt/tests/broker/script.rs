//! A broker that follows a script: what exactly is written on which connection.

use mqtt::Level;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::store::soon;

pub const TOPIC: &str = "mingqu/v1/d/m1/report";

pub struct Script {
    pub listener: TcpListener,
    level: Level,
    /// What the server must subscribe to.
    filters: [&'static str; 2],
}

impl Script {
    pub async fn listen(level: Level) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let filters = ["mingqu/v1/d/+/report", "mingqu/v1/d/+/status"];
        (Self { listener, level, filters }, port)
    }

    pub fn expecting(self, reports: &'static str) -> Self {
        Self { filters: [reports, self.filters[1]], ..self }
    }

    /// Takes the next connection through CONNECT; it must be as it has to be.
    pub async fn connect(&self, connack: &[u8]) -> Line {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        let mut line = Line { stream, level: self.level };
        let (first, connect) = line.read().await;
        assert_eq!(first, 0x10);
        assert_eq!(connect[..6], *b"\0\x04MQTT");
        assert_eq!(connect[6], if self.level == Level::V4 { 4 } else { 5 });
        assert_eq!(connect[7] & 0b10, 0, "a clean session would lose what is not acknowledged");
        line.write(connack).await;
        line
    }

    /// Takes the next connection through CONNECT and SUBSCRIBE.
    pub async fn accept(&self, session_present: bool) -> Line {
        let present = u8::from(session_present);
        let mut line = match self.level {
            Level::V4 => self.connect(&[0x20, 2, present, 0]).await,
            // A receive maximum of 100 and a keep-alive of 60 seconds.
            Level::V5 => self.connect(&[0x20, 9, present, 0, 6, 0x21, 0, 100, 0x13, 0, 60]).await,
        };
        let id = line.subscribe(self.filters).await;
        line.suback(id, [1, 1]).await;
        line
    }
}

pub struct Line {
    pub stream: TcpStream,
    level: Level,
}

impl Line {
    pub async fn write(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// Publishes a report with `QoS` 1.
    pub async fn publish(&mut self, again: bool, packet: u16, payload: &[u8]) {
        self.publish_to(TOPIC, again, packet, payload).await;
    }

    pub async fn publish_to(&mut self, topic: &str, again: bool, packet: u16, payload: &[u8]) {
        let bytes = publish(self.level, topic, again, packet, &[], payload);
        self.write(&bytes).await;
    }

    /// Reads SUBSCRIBE, which must ask for these with `QoS` 1, and returns its packet id.
    pub async fn subscribe(&mut self, filters: [&str; 2]) -> [u8; 2] {
        let (first, subscribe) = self.read().await;
        assert_eq!(first, 0x82);
        let mut expected = if self.level == Level::V4 { vec![] } else { vec![0] };
        for filter in filters {
            expected.extend(text(filter));
            expected.push(1);
        }
        assert_eq!(subscribe[2..], expected);
        [subscribe[0], subscribe[1]]
    }

    pub async fn suback(&mut self, id: [u8; 2], codes: [u8; 2]) {
        match self.level {
            Level::V4 => self.write(&[0x90, 4, id[0], id[1], codes[0], codes[1]]).await,
            Level::V5 => self.write(&[0x90, 5, id[0], id[1], 0, codes[0], codes[1]]).await,
        }
    }

    /// The next packet: its first byte and what follows its length.
    pub async fn read(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 2];
        soon(self.stream.read_exact(&mut header)).await.unwrap();
        assert!(header[1] < 0x80, "a longer packet than any expected");
        let mut body = vec![0; usize::from(header[1])];
        soon(self.stream.read_exact(&mut body)).await.unwrap();
        (header[0], body)
    }

    /// The next PUBACK; acknowledges receipts on the way.
    pub async fn puback(&mut self) -> u16 {
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
    pub async fn receipt(&mut self) -> Vec<u8> {
        loop {
            let (first, body) = self.read().await;
            if first == 0x32 {
                self.acknowledge_receipt(&body).await;
                assert_eq!(body[2..23], *b"mingqu/v1/d/m1/stored");
                return body[if self.level == Level::V4 { 25 } else { 26 }..].to_vec();
            }
            assert_eq!(first, 0x40);
        }
    }

    pub async fn acknowledge_receipt(&mut self, body: &[u8]) {
        self.write(&[0x40, 2, body[23], body[24]]).await;
    }
}

/// A PUBLISH with `QoS` 1; properties are of MQTT 5.
pub fn publish(
    level: Level,
    topic: &str,
    again: bool,
    packet: u16,
    properties: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(packet.to_be_bytes());
    if level == Level::V5 {
        body.extend(length(properties.len()));
        body.extend(properties);
    }
    body.extend(payload);
    let mut bytes = vec![if again { 0x3a } else { 0x32 }];
    bytes.extend(length(body.len()));
    bytes.extend(body);
    bytes
}

fn length(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(length % 128).unwrap();
        length /= 128;
        bytes.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return bytes;
        }
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}
