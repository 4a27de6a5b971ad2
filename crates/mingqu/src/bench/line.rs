//! A meter's side of MQTT 3.1.1, as little of it as a load generator needs: it must cost far less than what it measures.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use firmware_sim::Outgoing;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::fleet::number;

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBLISH_QOS_1: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const READ_BYTES: usize = 64 * 1024;
/// The most packets of one connection that wait for their acknowledgement; the endpoint reads no more than twice that.
const WINDOW: usize = 512;

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A PUBACK.
    Acknowledged,
    /// A message on `…/{meter}/stored`.
    Receipt {
        /// The meter's number, from 1.
        meter: usize,
        /// Reports 1 to this are on disk.
        stored: u64,
    },
}

/// One connection, both ways.
pub struct Line {
    pub ear: Ear,
    pub mouth: OwnedWriteHalf,
}

/// What a connection hears.
pub struct Ear {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    /// Where in the buffer the next packet begins.
    next: usize,
}

impl Line {
    /// Connects and is accepted.
    pub async fn open(address: SocketAddr, client_id: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (read, mouth) = stream.into_split();
        let mut line = Self { ear: Ear { stream: read, buffer: Vec::new(), next: 0 }, mouth };
        // Protocol level 4, clean session, no keep-alive.
        let mut body = b"\0\x04MQTT\x04\x02\0\0".to_vec();
        text(client_id, &mut body);
        line.mouth.write_all(&packet(CONNECT, &body)).await?;
        let (kind, body) = line.ear.packet().await?;
        ensure!(kind == CONNACK && body == [0, 0], "{address} refuses the connection: {body:?}");
        Ok(line)
    }

    /// Subscribes with `QoS` 0.
    pub async fn subscribe(&mut self, filter: &str) -> anyhow::Result<()> {
        let mut body = vec![0, 1];
        text(filter, &mut body);
        body.push(0);
        self.mouth.write_all(&packet(SUBSCRIBE, &body)).await?;
        let (kind, body) = self.ear.packet().await?;
        ensure!(kind == SUBACK && body == [0, 1, 0], "the subscription to {filter} is refused");
        Ok(())
    }

    /// Its two halves; the connection lasts as long as either.
    pub fn split(self) -> (Ear, OwnedWriteHalf) {
        (self.ear, self.mouth)
    }

    /// Publishes a load and returns when all of it is acknowledged.
    pub async fn publish(&mut self, load: &Load) -> anyhow::Result<()> {
        let (mut sent, mut acknowledged) = (0, 0);
        while acknowledged < load.len() {
            let until = load.len().min(acknowledged + WINDOW);
            if sent < until {
                self.mouth.write_all(load.packets(sent, until)).await?;
                sent = until;
            }
            if self.ear.hear().await? == Heard::Acknowledged {
                acknowledged += 1;
            }
            acknowledged += self.ear.acknowledged_already();
        }
        Ok(())
    }
}

impl Ear {
    /// Waits for the next acknowledgement or receipt.
    pub async fn hear(&mut self) -> anyhow::Result<Heard> {
        loop {
            let (kind, body) = self.packet().await?;
            match kind {
                PUBACK => return Ok(Heard::Acknowledged),
                PUBLISH => return receipt(body),
                SUBACK => {}
                other => bail!("a packet of kind {other:#x} that nobody asked for"),
            }
        }
    }

    /// Takes the acknowledgements that lie at the front of the buffer: how many.
    fn acknowledged_already(&mut self) -> usize {
        let waiting = self.buffer.get(self.next..).unwrap_or_default();
        let count =
            waiting.chunks_exact(4).take_while(|packet| packet.first() == Some(&PUBACK)).count();
        self.next += 4 * count;
        count
    }

    /// The next packet: its first byte and its body.
    async fn packet(&mut self) -> anyhow::Result<(u8, &[u8])> {
        loop {
            if let Some((body, end)) = frame(self.buffer.get(self.next..).unwrap_or_default()) {
                let start = self.next;
                self.next += end;
                let packet = self.buffer.get(start..self.next).unwrap_or_default();
                let kind = packet.first().copied().unwrap_or(0);
                return Ok((kind, packet.get(body..).unwrap_or_default()));
            }
            self.buffer.drain(..self.next);
            self.next = 0;
            self.buffer.reserve(READ_BYTES);
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
        }
    }
}

/// Publish packets, made before any clock starts.
#[derive(Default)]
pub struct Load {
    bytes: Vec<u8>,
    /// Where each packet ends.
    ends: Vec<usize>,
}

impl Load {
    /// The reports as packets, dealt out to so many connections.
    pub fn dealt(district: &str, reports: &[Outgoing], connections: usize) -> Vec<Self> {
        let mut loads: Vec<Self> = (0..connections).map(|_| Self::default()).collect();
        // By meter, so that one meter's reports stay in their order.
        for report in reports {
            if let Some(load) = loads.get_mut(number(report.meter.as_str()) % connections) {
                load.push(district, report);
            }
        }
        loads
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of some packets.
    pub fn packets(&self, from: usize, until: usize) -> &[u8] {
        let end = |count: usize| {
            count.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
        };
        self.bytes.get(end(from)..end(until)).unwrap_or_default()
    }

    /// Adds a report.
    pub fn push(&mut self, district: &str, report: &Outgoing) {
        let mut body = Vec::with_capacity(64 + report.bytes.len());
        text(&format!("mingqu/v1/{district}/{}/report", report.meter), &mut body);
        // Ids come round long after their packet was acknowledged.
        let id = u16::try_from(self.ends.len() % usize::from(u16::MAX)).unwrap_or(0) + 1;
        body.extend(id.to_be_bytes());
        body.extend_from_slice(&report.bytes);
        self.bytes.extend(packet(PUBLISH_QOS_1, &body));
        self.ends.push(self.bytes.len());
    }
}

/// Where the body of the packet at the front begins and ends; `None` if not all of it is there.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut length, mut start) = (0, 1);
    loop {
        let byte = *bytes.get(start)?;
        length |= usize::from(byte & 0x7f) << (7 * (start - 1));
        start += 1;
        if byte & 0x80 == 0 {
            return (bytes.len() >= start + length).then_some((start, start + length));
        }
        if start > 4 {
            return None;
        }
    }
}

fn receipt(body: &[u8]) -> anyhow::Result<Heard> {
    let read = || {
        let (length, rest) = body.split_first_chunk::<2>()?;
        let (topic, payload) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let topic = std::str::from_utf8(topic).ok()?;
        let meter = number(topic.strip_suffix("/stored")?.rsplit('/').next()?);
        Some(Heard::Receipt { meter, stored: std::str::from_utf8(payload).ok()?.parse().ok()? })
    };
    read().context("a message that is no receipt")
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(text.bytes());
}

/// A packet around a body (MQTT 3.1.1 §2.2).
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length % 128).unwrap_or(0);
        length /= 128;
        packet.push(if length == 0 { low } else { low | 0x80 });
        if length == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}
