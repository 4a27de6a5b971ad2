//! MQTT 3.1.1.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4;
use rumqttc::mqttbytes::{Error, QoS};

use super::{Connect, Level, Packet, Qos, Will, WireError};
use crate::endpoint::MAX_PACKET_BYTES;

pub(super) fn connect(frame: BytesMut) -> Result<Connect, WireError> {
    let v4::Packet::Connect(connect) = read(frame)? else {
        return Err(WireError::Protocol("the first packet is not CONNECT"));
    };
    Ok(Connect {
        level: Level::V4,
        client_id: connect.client_id,
        clean: connect.clean_session,
        keep_alive_seconds: connect.keep_alive,
        will: connect.last_will.map(|will| Will {
            topic: will.topic,
            payload: will.message,
            qos2: will.qos == QoS::ExactlyOnce,
        }),
        receive_max: u16::MAX,
        max_packet_bytes: u32::MAX,
        wants_auth: false,
    })
}

pub(super) fn packet(frame: BytesMut) -> Result<Packet, WireError> {
    match read(frame)? {
        v4::Packet::Publish(publish) => Ok(Packet::Publish {
            topic: publish.topic,
            payload: publish.payload,
            packet: publish.pkid,
        }),
        v4::Packet::PubAck(ack) => Ok(Packet::PubAck(ack.pkid)),
        v4::Packet::Subscribe(subscribe) => Ok(Packet::Subscribe {
            packet: subscribe.pkid,
            filters: subscribe.filters.into_iter().map(|f| (f.path, granted(f.qos))).collect(),
        }),
        v4::Packet::Unsubscribe(unsubscribe) => {
            Ok(Packet::Unsubscribe { packet: unsubscribe.pkid, filters: unsubscribe.topics })
        }
        v4::Packet::PingReq => Ok(Packet::Ping),
        v4::Packet::Disconnect => Ok(Packet::Disconnect { publish_will: false }),
        v4::Packet::Connect(_) => Err(WireError::Protocol("a second CONNECT")),
        _ => Err(WireError::Protocol("a packet that only servers or QoS 2 send")),
    }
}

fn read(mut frame: BytesMut) -> Result<v4::Packet, WireError> {
    v4::Packet::read(&mut frame, MAX_PACKET_BYTES).map_err(|error: Error| malformed(&error))
}

fn malformed(error: &Error) -> WireError {
    WireError::Malformed(error.to_string())
}

/// A client that asks for `QoS` 2 is granted 1 (MQTT 3.1.1 §3.8.4).
fn granted(qos: QoS) -> Qos {
    if qos == QoS::AtMostOnce { Qos::AtMostOnce } else { Qos::AtLeastOnce }
}
