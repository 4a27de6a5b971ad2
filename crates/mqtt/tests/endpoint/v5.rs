//! MQTT 5 with rumqttc's client.

use std::time::Duration;

use mqtt::Refusal;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    DisconnectReasonCode, Filter, LastWill, Packet, PubAckReason, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};

use service::DeviceState;

use crate::site::{Site, soon};

fn client(site: &Site, id: &str, set: impl FnOnce(&mut MqttOptions)) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", site.address.port());
    options.set_keep_alive(Duration::from_secs(30));
    set(&mut options);
    AsyncClient::new(options, 2_000)
}

fn meter(site: &Site, id: &str) -> (AsyncClient, EventLoop) {
    client(site, id, |_| ())
}

async fn until<T>(events: &mut EventLoop, mut wanted: impl FnMut(Packet) -> Option<T>) -> T {
    soon(async {
        loop {
            if let Event::Incoming(packet) = events.poll().await.unwrap()
                && let Some(found) = wanted(packet)
            {
                return found;
            }
        }
    })
    .await
}

async fn puback(events: &mut EventLoop) -> PubAckReason {
    until(events, |packet| match packet {
        Packet::PubAck(ack) => Some(ack.reason),
        _ => None,
    })
    .await
}

/// Polls until the endpoint ends the connection, and returns the reason that it gave.
async fn goodbye(events: &mut EventLoop) -> DisconnectReasonCode {
    soon(async {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::Disconnect(disconnect))) => {
                    return disconnect.reason_code;
                }
                Ok(_) => {}
                Err(ConnectionError::MqttState(StateError::ServerDisconnect {
                    reason_code,
                    ..
                })) => return reason_code,
                Err(error) => panic!("closed without a reason: {error}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_endpoint_says_what_it_does_and_does_not() {
    let site = Site::open().await;
    let (_client, mut events) = meter(&site, "m1");
    let properties = until(&mut events, |packet| match packet {
        Packet::ConnAck(ack) => ack.properties,
        _ => None,
    })
    .await;
    assert_eq!(properties.max_qos, Some(1));
    assert_eq!(properties.receive_max.map(usize::from), Some(mqtt::MAX_INFLIGHT_MESSAGES));
    assert_eq!(properties.max_packet_size.map(|n| n as usize), Some(mqtt::MAX_PACKET_BYTES));
    assert_eq!(properties.shared_subscription_available, Some(0));
    assert_eq!(properties.session_expiry_interval, Some(0));
}

#[tokio::test]
async fn a_nameless_client_is_given_an_id() {
    let site = Site::open().await;
    let (_client, mut events) = meter(&site, "");
    let assigned = until(&mut events, |packet| match packet {
        Packet::ConnAck(ack) => ack.properties.and_then(|p| p.assigned_client_identifier),
        _ => None,
    })
    .await;
    assert!(!assigned.is_empty());
}

#[tokio::test]
async fn a_report_is_stored_acknowledged_and_receipted() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    client.subscribe("mingqu/v1/d/m1/stored", QoS::AtLeastOnce).await.unwrap();
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "one").await.unwrap();
    let mut acknowledged = None;
    let mut receipt = None;
    while acknowledged.is_none() || receipt.is_none() {
        until(&mut events, |packet| {
            match packet {
                Packet::PubAck(ack) => acknowledged = Some(ack.reason),
                Packet::Publish(publish) => receipt = Some((publish.topic, publish.payload)),
                _ => return None,
            }
            Some(())
        })
        .await;
    }
    assert_eq!(acknowledged, Some(PubAckReason::Success));
    assert_eq!(receipt, Some(("mingqu/v1/d/m1/stored".into(), "1".into())));
    assert_eq!(site.stored(1).await[0].payload, b"one");
}

#[tokio::test]
async fn a_wrong_topic_is_refused_with_a_reason_and_the_rest_goes_on() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    client.publish("mingqu/v1/d/m1/stored", QoS::AtLeastOnce, false, "5").await.unwrap();
    assert_eq!(puback(&mut events).await, PubAckReason::TopicNameInvalid);
    client.publish("mingqu/v1/d/m1/status", QoS::AtLeastOnce, false, "sleepy").await.unwrap();
    assert_eq!(puback(&mut events).await, PubAckReason::PayloadFormatInvalid);
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "one").await.unwrap();
    assert_eq!(puback(&mut events).await, PubAckReason::Success);
    site.refused(Refusal::Topic, 1).await;
    site.refused(Refusal::Status, 1).await;
}

#[tokio::test]
async fn a_refusal_waits_its_turn_behind_an_earlier_report() {
    let site = Site::held().await;
    let (client, mut events) = meter(&site, "m1");
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "one").await.unwrap();
    client.publish("nowhere", QoS::AtLeastOnce, false, "two").await.unwrap();
    tokio::select! {
        _ = puback(&mut events) => panic!("answered out of turn"),
        () = site.refused(Refusal::Topic, 1) => {}
    }
    site.store.commits.add_permits(1);
    assert_eq!(puback(&mut events).await, PubAckReason::Success);
    assert_eq!(puback(&mut events).await, PubAckReason::TopicNameInvalid);
}

#[tokio::test]
async fn other_subscriptions_are_refused_with_a_reason() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    let filters = ["mingqu/v1/d/+/stored", "mingqu/v1/d/#", "$share/g/mingqu/v1/d/+/stored"]
        .map(|path| Filter::new(path, QoS::AtLeastOnce));
    client.subscribe_many(filters).await.unwrap();
    let codes = until(&mut events, |packet| match packet {
        Packet::SubAck(ack) => Some(ack.return_codes),
        _ => None,
    })
    .await;
    let refused = SubscribeReasonCode::TopicFilterInvalid;
    assert_eq!(codes, [SubscribeReasonCode::Success(QoS::AtLeastOnce), refused, refused]);
    site.refused(Refusal::Filter, 2).await;
}

#[tokio::test]
async fn a_takeover_is_told_to_the_older_connection() {
    let site = Site::open().await;
    let (_older, mut older_events) = meter(&site, "m1");
    until(&mut older_events, |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    let (_newer, mut newer_events) = meter(&site, "m1");
    until(&mut newer_events, |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    assert_eq!(goodbye(&mut older_events).await, DisconnectReasonCode::SessionTakenOver);
}

#[tokio::test]
async fn a_shutdown_is_told_to_the_meters() {
    let mut site = Site::open().await;
    let (_client, mut events) = meter(&site, "m1");
    until(&mut events, |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    site.stop();
    assert_eq!(goodbye(&mut events).await, DisconnectReasonCode::ServerShuttingDown);
    site.stopped().await;
}

#[tokio::test]
async fn a_last_will_is_carried_out_on_an_abrupt_end() {
    let site = Site::open().await;
    let will = LastWill::new("mingqu/v1/d/m1/status", "offline", QoS::AtLeastOnce, true, None);
    let (client, mut events) = client(&site, "m1", |options| {
        options.set_last_will(will);
    });
    client.publish("mingqu/v1/d/m1/status", QoS::AtLeastOnce, true, "online").await.unwrap();
    assert_eq!(puback(&mut events).await, PubAckReason::Success);
    site.status("m1", Some(DeviceState::Online)).await;
    drop((client, events));
    site.status("m1", Some(DeviceState::Offline)).await;
}
