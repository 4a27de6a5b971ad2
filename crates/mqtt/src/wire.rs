//! What both sides write to the bytes of a connection: the endpoint to meters, the client to a broker.

use bytes::{BufMut, BytesMut};

/// A fixed header is one byte and up to three of length, for packets below 2 MiB.
pub(crate) const MAX_HEADER_BYTES: usize = 4;

/// The protocol version that a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// MQTT 3.1.1.
    V4,
    /// MQTT 5.
    V5,
}

/// Acknowledges a message; a reason other than 0 exists in MQTT 5 alone.
pub(crate) fn write_puback(packet: u16, reason: u8, out: &mut BytesMut) {
    if reason == 0 {
        out.put_slice(&[0x40, 2]);
        out.put_u16(packet);
    } else {
        out.put_slice(&[0x40, 3]);
        out.put_u16(packet);
        out.put_u8(reason);
    }
}

/// Publishes a message; `packet` is 0 for `QoS` 0.
pub(crate) fn write_publish(
    level: Level,
    topic: &str,
    payload: &[u8],
    packet: u16,
    out: &mut BytesMut,
) {
    let id_bytes = if packet == 0 { 0 } else { 2 };
    let property_bytes = usize::from(level == Level::V5);
    out.put_u8(if packet == 0 { 0x30 } else { 0x32 });
    write_length(2 + topic.len() + id_bytes + property_bytes + payload.len(), out);
    write_length_prefixed(topic, out);
    if packet != 0 {
        out.put_u16(packet);
    }
    if level == Level::V5 {
        out.put_u8(0);
    }
    out.put_slice(payload);
}

/// The bytes that [`write_publish`] takes for a message of this size, at most.
pub(crate) fn publish_bytes(topic: &str, payload: &[u8]) -> usize {
    MAX_HEADER_BYTES + 2 + topic.len() + 2 + 1 + payload.len()
}

fn write_length_prefixed(text: &str, out: &mut BytesMut) {
    // Topics are far below 64 KiB; a longer text would be cut rather than break the frame.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.put_u16(length);
    out.put_slice(&text.as_bytes()[..usize::from(length)]);
}

/// A remaining length (MQTT 5 §1.5.5): seven bits a byte, least significant first.
pub(crate) fn write_length(mut length: usize, out: &mut BytesMut) {
    loop {
        let low = u8::try_from(length % 128).unwrap_or(0);
        length /= 128;
        if length == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}
