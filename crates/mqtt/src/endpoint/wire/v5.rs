//! MQTT 5.

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::v5;
use rumqttc::v5::mqttbytes::{Error, QoS};

use super::{Connect, Level, Packet, Qos, Will, WireError};
use crate::endpoint::{MAX_INFLIGHT_MESSAGES, MAX_PACKET_BYTES};

/// A DISCONNECT without a reason (MQTT 5 §3.14.2.1), which the codec takes for an error.
const PLAIN_DISCONNECT: [u8; 2] = [0xe0, 0];
/// The reason "disconnect with will message" (§3.14.2.1).
const WILL_REASON: u8 = 0x04;
const DISCONNECT_WITH_WILL: v5::DisconnectReasonCode =
    v5::DisconnectReasonCode::DisconnectWithWillMessage;

pub(super) fn connect(frame: BytesMut) -> Result<Connect, WireError> {
    let v5::Packet::Connect(connect, will, _login) = read(frame)? else {
        return Err(WireError::Protocol("the first packet is not CONNECT"));
    };
    let properties = connect.properties.unwrap_or_default();
    if properties.receive_maximum == Some(0) || properties.max_packet_size == Some(0) {
        return Err(WireError::Protocol("a receive maximum or packet size of 0"));
    }
    let will = will
        .map(|will| {
            Ok(Will {
                topic: text(&will.topic)?,
                payload: will.message,
                qos2: will.qos == QoS::ExactlyOnce,
            })
        })
        .transpose()?;
    Ok(Connect {
        level: Level::V5,
        client_id: connect.client_id,
        clean: connect.clean_start,
        keep_alive_seconds: connect.keep_alive,
        will,
        receive_max: properties.receive_maximum.unwrap_or(u16::MAX),
        max_packet_bytes: properties.max_packet_size.unwrap_or(u32::MAX),
        wants_auth: properties.authentication_method.is_some(),
    })
}

pub(super) fn packet(frame: BytesMut) -> Result<Packet, WireError> {
    if frame[..] == PLAIN_DISCONNECT {
        return Ok(Packet::Disconnect { publish_will: false });
    }
    if frame.first() == Some(&0xe0) && frame.len() == 3 {
        // A reason without properties, which the codec takes for an error too.
        return Ok(Packet::Disconnect { publish_will: frame[2] == WILL_REASON });
    }
    match read(frame)? {
        v5::Packet::Publish(publish) => {
            if publish.properties.is_some_and(|properties| properties.topic_alias.is_some()) {
                return Err(WireError::TopicAlias);
            }
            Ok(Packet::Publish {
                topic: text(&publish.topic)?,
                payload: publish.payload,
                packet: publish.pkid,
            })
        }
        v5::Packet::PubAck(ack) => Ok(Packet::PubAck(ack.pkid)),
        v5::Packet::Subscribe(subscribe) => {
            if subscribe.properties.is_some_and(|properties| properties.id.is_some()) {
                return Err(WireError::Protocol("a subscription identifier"));
            }
            Ok(Packet::Subscribe {
                packet: subscribe.pkid,
                filters: subscribe.filters.into_iter().map(|f| (f.path, granted(f.qos))).collect(),
            })
        }
        v5::Packet::Unsubscribe(unsubscribe) => {
            Ok(Packet::Unsubscribe { packet: unsubscribe.pkid, filters: unsubscribe.filters })
        }
        v5::Packet::PingReq(_) => Ok(Packet::Ping),
        v5::Packet::Disconnect(disconnect) => {
            Ok(Packet::Disconnect { publish_will: disconnect.reason_code == DISCONNECT_WITH_WILL })
        }
        v5::Packet::Connect(..) => Err(WireError::Protocol("a second CONNECT")),
        _ => Err(WireError::Protocol("a packet that only servers or QoS 2 send")),
    }
}

/// Accepts a connection, and says what this endpoint does not do (MQTT 5 §3.2.2.3).
pub(super) fn write_connected(
    assigned: Option<&str>,
    keep_alive_seconds: Option<u16>,
    out: &mut BytesMut,
) {
    let accepted = v5::ConnAck {
        session_present: false,
        code: v5::ConnectReturnCode::Success,
        properties: Some(v5::ConnAckProperties {
            session_expiry_interval: Some(0),
            receive_max: u16::try_from(MAX_INFLIGHT_MESSAGES).ok(),
            max_qos: Some(1),
            retain_available: Some(1),
            max_packet_size: u32::try_from(MAX_PACKET_BYTES).ok(),
            assigned_client_identifier: assigned.map(str::to_owned),
            topic_alias_max: None,
            reason_string: None,
            user_properties: Vec::new(),
            wildcard_subscription_available: Some(1),
            subscription_identifiers_available: Some(0),
            shared_subscription_available: Some(0),
            server_keep_alive: keep_alive_seconds,
            response_information: None,
            server_reference: None,
            authentication_method: None,
            authentication_data: None,
        }),
    };
    // The codec fails only on packets beyond 256 MiB.
    let _ = accepted.write(out);
}

fn read(mut frame: BytesMut) -> Result<v5::Packet, WireError> {
    let limit = u32::try_from(MAX_PACKET_BYTES).ok();
    v5::Packet::read(&mut frame, limit).map_err(|error: Error| malformed(&error))
}

fn malformed(error: &Error) -> WireError {
    WireError::Malformed(error.to_string())
}

fn text(bytes: &Bytes) -> Result<String, WireError> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| WireError::Malformed("a topic is not UTF-8".into()))
}

/// A client that asks for `QoS` 2 is granted 1 (MQTT 5 §3.8.4).
fn granted(qos: QoS) -> Qos {
    if qos == QoS::AtMostOnce { Qos::AtMostOnce } else { Qos::AtLeastOnce }
}
