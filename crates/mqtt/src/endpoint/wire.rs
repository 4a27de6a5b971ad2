//! Packets as bytes: rumqttc's codecs for MQTT 3.1.1 and 5 behind one set of types, plus the checks that they leave out.

mod v4;
mod v5;

use bytes::{BufMut, Bytes, BytesMut};
use rumqttc::mqttbytes;
use thiserror::Error;

use super::MAX_PACKET_BYTES;
use crate::wire::{MAX_HEADER_BYTES, write_length};
use crate::{Message, refused};

pub(super) use crate::wire::{Level, publish_bytes, write_puback, write_publish};

/// The first bytes of a TLS connection (RFC 8446 §5.1), which look like a CONNECT with reserved flags.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];
/// How much of a packet that is refused is kept to be shown, in bytes from its first.
const KEPT_PACKET_BYTES: usize = 4_096;

/// How surely a message is delivered; 2 is refused before it gets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Qos {
    AtMostOnce,
    AtLeastOnce,
}

/// A last will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos2: bool,
}

/// The first packet of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Connect {
    pub(super) level: Level,
    pub(super) client_id: String,
    pub(super) clean: bool,
    pub(super) keep_alive_seconds: u16,
    pub(super) will: Option<Will>,
    /// How many unacknowledged messages the client takes.
    pub(super) receive_max: u16,
    /// The longest packet that the client takes, in bytes.
    pub(super) max_packet_bytes: u32,
    /// The client wants an extended authentication (MQTT 5 §4.12).
    pub(super) wants_auth: bool,
}

/// Any later packet that a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// `packet` is 0 for `QoS` 0.
    Publish {
        topic: String,
        payload: Bytes,
        packet: u16,
    },
    PubAck(u16),
    Subscribe {
        packet: u16,
        filters: Vec<(String, Qos)>,
    },
    Unsubscribe {
        packet: u16,
        filters: Vec<String>,
    },
    Ping,
    Disconnect {
        publish_will: bool,
    },
}

/// Why bytes are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum WireError {
    #[error("not an MQTT packet: {0}")]
    Malformed(String),
    #[error("the packet is out of place: {0}")]
    Protocol(&'static str),
    #[error("protocol level {0} is not spoken: use MQTT 3.1.1 or 5")]
    Level(u8),
    #[error("the packet has {bytes} bytes: send at most {MAX_PACKET_BYTES}")]
    Oversize { bytes: usize },
    #[error("QoS 2 is not spoken: publish with QoS 1")]
    Qos2,
    #[error("the topic alias was never agreed on: send the topic's name")]
    TopicAlias,
}

/// A packet that is refused, with its beginning and the length that it has, or announces.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{error}")]
pub(super) struct Unreadable {
    pub(super) error: WireError,
    pub(super) packet: Vec<u8>,
    pub(super) packet_bytes: usize,
}

impl From<WireError> for Unreadable {
    fn from(error: WireError) -> Self {
        Self { error, packet: Vec::new(), packet_bytes: 0 }
    }
}

impl Unreadable {
    fn new(error: WireError, packet: &[u8]) -> Self {
        let packet_bytes = match error {
            WireError::Oversize { bytes } => bytes,
            _ => packet.len(),
        };
        Self { error, packet: beginning(packet), packet_bytes }
    }

    /// The packet for the quarantine; `from` is the client's id where it is known.
    pub(super) fn apart(&self, from: &str) -> Message {
        refused::packet(from, &self.packet, self.packet_bytes, &self.error)
    }
}

/// Takes the CONNECT off the front of the buffer; `None` if not all of it is there yet.
pub(super) fn read_connect(buffer: &mut BytesMut) -> Result<Option<Connect>, Unreadable> {
    if buffer.starts_with(&TLS_HANDSHAKE) {
        let hint = "it is TLS; connect without, or to the port where TLS ends".to_owned();
        return Err(Unreadable::new(WireError::Malformed(hint), buffer));
    }
    // At the first byte, so that whoever speaks something else is not waited for.
    if buffer.first().is_some_and(|byte| byte >> 4 != 1) {
        let error = WireError::Protocol("the first packet is not CONNECT");
        return Err(Unreadable::new(error, buffer));
    }
    read_frame(buffer, |frame| match level(&frame)? {
        Level::V4 => v4::connect(frame),
        Level::V5 => v5::connect(frame),
    })
}

/// Takes the next packet off the front of the buffer; `None` if not all of it is there yet.
pub(super) fn read_packet(
    level: Level,
    buffer: &mut BytesMut,
) -> Result<Option<Packet>, Unreadable> {
    read_frame(buffer, |frame| match level {
        Level::V4 => v4::packet(frame),
        Level::V5 => v5::packet(frame),
    })
}

/// Accepts a connection. `assigned` is a client id that the server chose, `keep_alive_seconds` one that it imposes.
pub(super) fn write_connected(
    level: Level,
    assigned: Option<&str>,
    keep_alive_seconds: Option<u16>,
    out: &mut BytesMut,
) {
    match level {
        Level::V4 => out.put_slice(&[0x20, 2, 0, 0]),
        Level::V5 => v5::write_connected(assigned, keep_alive_seconds, out),
    }
}

/// Why a connection is refused (MQTT 3.1.1 §3.2.2.3, MQTT 5 §3.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refuse {
    Level,
    ClientId,
    Will,
    Qos2,
    Auth,
}

pub(super) fn write_refused(level: Level, why: Refuse, out: &mut BytesMut) {
    match level {
        Level::V4 => {
            let code = match why {
                Refuse::Level => 1,
                Refuse::ClientId => 2,
                Refuse::Will | Refuse::Qos2 | Refuse::Auth => 5,
            };
            out.put_slice(&[0x20, 2, 0, code]);
        }
        Level::V5 => {
            let code = match why {
                Refuse::Level => 0x84,
                Refuse::ClientId => 0x85,
                Refuse::Will => 0x90,
                Refuse::Qos2 => 0x9b,
                Refuse::Auth => 0x8c,
            };
            out.put_slice(&[0x20, 3, 0, code, 0]);
        }
    }
}

/// The PUBACK reason for a topic that nobody may publish to (MQTT 5 §3.4.2.1).
pub(super) const TOPIC_NAME_INVALID: u8 = 0x90;
/// The PUBACK reason for a payload that is no status.
pub(super) const PAYLOAD_FORMAT_INVALID: u8 = 0x99;

/// Answers a SUBSCRIBE: for each filter the `QoS` that is granted, or `None` for a refusal.
pub(super) fn write_suback(level: Level, packet: u16, granted: &[Option<Qos>], out: &mut BytesMut) {
    let refused = match level {
        Level::V4 => 0x80,
        Level::V5 => 0x8f,
    };
    let codes: Vec<u8> =
        granted.iter().map(|granted| granted.map_or(refused, qos_number)).collect();
    write_answer(0x90, level, packet, &codes, out);
}

/// Answers an UNSUBSCRIBE: for each filter whether there was such a subscription.
pub(super) fn write_unsuback(level: Level, packet: u16, existed: &[bool], out: &mut BytesMut) {
    let codes: Vec<u8> = match level {
        Level::V4 => Vec::new(),
        Level::V5 => existed.iter().map(|existed| if *existed { 0 } else { 0x11 }).collect(),
    };
    write_answer(0xb0, level, packet, &codes, out);
}

pub(super) fn write_pong(out: &mut BytesMut) {
    out.put_slice(&[0xd0, 0]);
}

/// Tells an MQTT 5 client why it is let go; 3.1.1 knows no such packet.
pub(super) fn write_disconnect(level: Level, reason: u8, out: &mut BytesMut) {
    if level == Level::V5 {
        out.put_slice(&[0xe0, 2, reason, 0]);
    }
}

fn write_answer(kind: u8, level: Level, packet: u16, codes: &[u8], out: &mut BytesMut) {
    let property_bytes = usize::from(level == Level::V5);
    out.put_u8(kind);
    write_length(2 + property_bytes + codes.len(), out);
    out.put_u16(packet);
    if level == Level::V5 {
        out.put_u8(0);
    }
    out.put_slice(codes);
}

fn qos_number(qos: Qos) -> u8 {
    match qos {
        Qos::AtMostOnce => 0,
        Qos::AtLeastOnce => 1,
    }
}

/// Reads one whole packet off the front of the buffer; `None` if not all of it is there yet.
fn read_frame<T>(
    buffer: &mut BytesMut,
    read: impl FnOnce(BytesMut) -> Result<T, WireError>,
) -> Result<Option<T>, Unreadable> {
    let Some(frame) = frame(buffer).map_err(|error| Unreadable::new(error, buffer))? else {
        return Ok(None);
    };
    // The codecs use the packet up, and of one that they refuse something must be left to show.
    let (packet, packet_bytes) = (beginning(&frame), frame.len());
    read(frame).map(Some).map_err(|error| Unreadable { error, packet, packet_bytes })
}

fn beginning(packet: &[u8]) -> Vec<u8> {
    packet[..packet.len().min(KEPT_PACKET_BYTES)].to_vec()
}

/// Cuts one whole packet off the buffer, so that whatever its parser says of missing bytes afterwards is a fault.
fn frame(buffer: &mut BytesMut) -> Result<Option<BytesMut>, WireError> {
    match mqttbytes::check(buffer.iter(), MAX_PACKET_BYTES - MAX_HEADER_BYTES) {
        Ok(header) => {
            check_flags(buffer)?;
            Ok(Some(buffer.split_to(header.frame_length())))
        }
        Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
        Err(mqttbytes::Error::PayloadSizeLimitExceeded(rest)) => {
            let length_bytes = if rest < 1 << 21 { 3 } else { 4 };
            Err(WireError::Oversize { bytes: 1 + length_bytes + rest })
        }
        Err(error) => Err(WireError::Malformed(error.to_string())),
    }
}

/// The flags in a packet's first byte (MQTT 3.1.1 §2.2.2), which the codecs do not look at.
fn check_flags(frame: &[u8]) -> Result<(), WireError> {
    let first = frame.first().copied().unwrap_or(0);
    let flags = first & 0x0f;
    let right = match first >> 4 {
        3 if flags & 0b0110 == 0b0100 => return Err(WireError::Qos2),
        3 => flags & 0b0110 != 0b0110 && (flags & 0b0110 != 0 || flags & 0b1000 == 0),
        6 | 8 | 10 => flags == 0b0010,
        _ => flags == 0,
    };
    if right { Ok(()) } else { Err(WireError::Malformed("reserved flags are set".into())) }
}

/// The protocol level of a whole CONNECT packet, which says how the rest of it is read.
fn level(frame: &[u8]) -> Result<Level, WireError> {
    let short = || WireError::Malformed("CONNECT is too short".into());
    let length_bytes =
        frame.iter().skip(1).position(|byte| byte & 0x80 == 0).ok_or_else(short)? + 1;
    let body = frame.get(1 + length_bytes..).ok_or_else(short)?;
    let (name_bytes, rest) = body.split_first_chunk::<2>().ok_or_else(short)?;
    let name_bytes = usize::from(u16::from_be_bytes(*name_bytes));
    let name = rest.get(..name_bytes).ok_or_else(short)?;
    let number = *rest.get(name_bytes).ok_or_else(short)?;
    let flags = *rest.get(name_bytes + 1).ok_or_else(short)?;
    match (name, number) {
        (b"MQTT", 4 | 5) if flags & 1 != 0 => {
            Err(WireError::Malformed("CONNECT has its reserved flag set".into()))
        }
        (b"MQTT", 4) => Ok(Level::V4),
        (b"MQTT", 5) => Ok(Level::V5),
        (b"MQTT" | b"MQIsdp", number) => Err(WireError::Level(number)),
        _ => Err(WireError::Malformed("the protocol's name is not MQTT".into())),
    }
}

#[cfg(test)]
mod tests;
