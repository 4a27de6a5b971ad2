//! Packets between the server and a broker, in MQTT 3.1.1 and 5: rumqttc's codecs where a packet is the broker's own
//! affair, and a reading of our own where meters have a say in it.
//!
//! A message must never end the connection, or it would end every later one as well, since the broker delivers it
//! again. So properties are skipped unread, and of a long message the beginning is kept and the rest skipped.

use bytes::{Buf, Bytes, BytesMut};
use rumqttc::mqttbytes::{self, v4};
use rumqttc::v5::mqttbytes::{self as mqttbytes_v5, v5};
use thiserror::Error;

use super::{BrokerConfig, KEEP_ALIVE_SECONDS, Login, MAX_UNACKNOWLEDGED_MESSAGES};
use crate::{Level, MAX_PACKET_BYTES};

/// The first code that says no (MQTT 3.1.1 §3.9.3, MQTT 5 §2.4).
pub(super) const FIRST_FAILURE: u8 = 0x80;

/// What the broker grants with CONNACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Granted {
    /// How many of our messages the broker takes unacknowledged.
    pub(super) receive_max: u16,
    pub(super) keep_alive_seconds: u16,
}

/// A packet from the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// CONNACK: what is granted, or the code of the refusal.
    Connected(Result<Granted, u8>),
    /// SUBACK: the code of a refusal, if there is one.
    Subscribed {
        packet: u16,
        refused: Option<u8>,
    },
    /// `reason` is [`FIRST_FAILURE`] and above where the broker did not take the message.
    PubAck {
        packet: u16,
        reason: u8,
    },
    Publish(Publish),
    Pong,
    /// The broker ends the connection (MQTT 5 §3.14).
    Goodbye {
        reason: u8,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publish {
    pub(super) topic: String,
    /// Its payload, or the beginning of it.
    pub(super) payload: Bytes,
    /// 0 for `QoS` 0.
    pub(super) packet: u16,
    /// How many bytes of the payload were skipped.
    pub(super) skipped_bytes: usize,
}

/// Bytes that no broker sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the broker sent what is no MQTT: {0}")]
pub(super) struct WireError(pub(super) &'static str);

/// Cuts packets out of what comes in, holding no more than one packet of [`MAX_PACKET_BYTES`].
pub(super) struct Reader {
    level: Level,
    pub(super) buffer: BytesMut,
    /// Bytes of a long message that are still to be thrown away.
    skip: usize,
}

impl Reader {
    pub(super) fn new(level: Level) -> Self {
        Self { level, buffer: BytesMut::new(), skip: 0 }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// The next packet; `None` if not all of it that is wanted has come in yet.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, WireError> {
        let thrown_away = self.skip.min(self.buffer.len());
        self.buffer.advance(thrown_away);
        self.skip -= thrown_away;
        let Some(head) = Head::read(&self.buffer)? else { return Ok(None) };
        let kept = head.body_bytes.min(MAX_PACKET_BYTES);
        if self.buffer.len() < head.bytes + kept {
            return Ok(None);
        }
        self.buffer.advance(head.bytes);
        let body = self.buffer.split_to(kept).freeze();
        self.skip = head.body_bytes - kept;
        if head.first >> 4 == 3 {
            let mut publish = read_publish(self.level, head.first, body, self.skip > 0)?;
            publish.skipped_bytes = self.skip;
            return Ok(Some(Packet::Publish(publish)));
        }
        if self.skip > 0 {
            return Err(WireError("a packet other than a message that is longer than any can be"));
        }
        read_answer(self.level, head.first, body).map(Some)
    }
}

/// A fixed header (MQTT 5 §2.1).
struct Head {
    first: u8,
    /// The length of the header itself.
    bytes: usize,
    body_bytes: usize,
}

impl Head {
    fn read(buffer: &[u8]) -> Result<Option<Self>, WireError> {
        let Some((&first, rest)) = buffer.split_first() else { return Ok(None) };
        let length = read_length(rest)?;
        Ok(length.map(|(body_bytes, bytes)| Self { first, bytes: 1 + bytes, body_bytes }))
    }
}

/// A length of seven bits a byte (MQTT 5 §1.5.5) with the bytes it takes; `None` if its end is missing.
fn read_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, WireError> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((length, place + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(WireError("a length of more than four bytes")) }
}

/// Reads a message; of one that was cut the properties may be cut too, and then there is no payload left.
fn read_publish(level: Level, first: u8, mut body: Bytes, cut: bool) -> Result<Publish, WireError> {
    let topic_bytes = usize::from(body.try_get_u16().map_err(|_| SHORT)?);
    if body.len() < topic_bytes {
        return Err(SHORT);
    }
    let topic = String::from_utf8_lossy(&body.split_to(topic_bytes)).into_owned();
    let packet = match first & 0b0110 {
        0 => 0,
        0b0010 => body.try_get_u16().map_err(|_| SHORT)?,
        _ => return Err(WireError("a message with QoS 2 on a subscription with QoS 1")),
    };
    if level == Level::V5 {
        match skip_properties(&mut body) {
            Err(_) if cut => body.clear(),
            skipped => skipped?,
        }
    }
    Ok(Publish { topic, payload: body, packet, skipped_bytes: 0 })
}

const SHORT: WireError = WireError("a packet that is too short");

fn skip_properties(body: &mut Bytes) -> Result<(), WireError> {
    let (properties, length) = read_length(body)?.ok_or(SHORT)?;
    if body.len() < length + properties {
        return Err(SHORT);
    }
    body.advance(length + properties);
    Ok(())
}

fn read_answer(level: Level, first: u8, mut body: Bytes) -> Result<Packet, WireError> {
    match first >> 4 {
        2 => read_connack(level, body).map(Packet::Connected),
        4 => {
            let packet = body.try_get_u16().map_err(|_| SHORT)?;
            Ok(Packet::PubAck { packet, reason: body.try_get_u8().unwrap_or(0) })
        }
        9 => {
            let packet = body.try_get_u16().map_err(|_| SHORT)?;
            if level == Level::V5 {
                skip_properties(&mut body)?;
            }
            let refused = body.iter().copied().find(|code| *code >= FIRST_FAILURE);
            Ok(Packet::Subscribed { packet, refused })
        }
        13 => Ok(Packet::Pong),
        14 if level == Level::V5 => Ok(Packet::Goodbye { reason: body.try_get_u8().unwrap_or(0) }),
        _ => Err(WireError("a packet that only clients send, or of QoS 2")),
    }
}

fn read_connack(level: Level, mut body: Bytes) -> Result<Result<Granted, u8>, WireError> {
    body.try_get_u8().map_err(|_| SHORT)?;
    let code = body.try_get_u8().map_err(|_| SHORT)?;
    if code != 0 {
        // A broker that knows 3.1.1 alone answers in 3.1.1, with a code and no properties.
        return Ok(Err(code));
    }
    let properties = match level {
        Level::V4 => None,
        Level::V5 => v5::ConnAckProperties::read(&mut body)
            .map_err(|_| WireError("CONNACK has properties that cannot be read"))?,
    };
    let receive_max = properties.as_ref().and_then(|p| p.receive_max);
    let keep_alive = properties.as_ref().and_then(|p| p.server_keep_alive);
    Ok(Ok(Granted {
        receive_max: receive_max.unwrap_or(u16::MAX),
        keep_alive_seconds: keep_alive.unwrap_or(KEEP_ALIVE_SECONDS),
    }))
}

/// Asks for the session that the broker keeps under the client id. The buffer must be empty: the codecs set the flags
/// at a place counted from its beginning.
pub(super) fn write_connect(config: &BrokerConfig, out: &mut BytesMut) {
    let client_id = config.client_id.clone();
    // The codecs fail only on packets beyond 256 MiB.
    let _ = match config.protocol {
        Level::V4 => {
            let mut connect = v4::Connect::new(client_id);
            connect.clean_session = false;
            connect.keep_alive = KEEP_ALIVE_SECONDS;
            if let Some(Login { user, password }) = &config.login {
                connect.set_login(user, password);
            }
            connect.write(out).ok()
        }
        Level::V5 => {
            let mut properties = v5::ConnectProperties::new();
            properties.session_expiry_interval = Some(config.session_expiry_seconds());
            // What is not acknowledged lies in our queue, and the queue is bounded.
            properties.receive_maximum = Some(MAX_UNACKNOWLEDGED_MESSAGES);
            let connect = v5::Connect {
                keep_alive: KEEP_ALIVE_SECONDS,
                client_id,
                clean_start: false,
                properties: Some(properties),
            };
            let login = config.login.as_ref().map(|l| v5::Login::new(&l.user, &l.password));
            connect.write(&None, &login, out).ok()
        }
    };
}

/// Subscribes with `QoS` 1.
pub(super) fn write_subscribe(level: Level, packet: u16, filters: Vec<String>, out: &mut BytesMut) {
    let filters = filters.into_iter();
    let _ = match level {
        Level::V4 => {
            let qos = mqttbytes::QoS::AtLeastOnce;
            let filters = filters.map(|filter| v4::SubscribeFilter::new(filter, qos));
            let mut subscribe = v4::Subscribe::new_many(filters);
            subscribe.pkid = packet;
            subscribe.write(out).ok()
        }
        Level::V5 => {
            let qos = mqttbytes_v5::QoS::AtLeastOnce;
            let filters = filters.map(|filter| v5::Filter::new(filter, qos));
            let mut subscribe = v5::Subscribe::new_many(filters, None);
            subscribe.pkid = packet;
            subscribe.write(out).ok()
        }
    };
}

/// Gives subscriptions up; only MQTT 5 knows those that others would take over.
pub(super) fn write_unsubscribe(packet: u16, filters: Vec<String>, out: &mut BytesMut) {
    let unsubscribe = v5::Unsubscribe { pkid: packet, filters, properties: None };
    let _ = unsubscribe.write(out);
}

pub(super) const PING: [u8; 2] = [0xc0, 0];
pub(super) const DISCONNECT: [u8; 2] = [0xe0, 0];

#[cfg(test)]
mod tests;
