//! MQTT 3.1.1 with rumqttc's client.

use std::time::Duration;

use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, Publish, QoS, SubscribeReasonCode,
};

use service::DeviceState;

use crate::site::{Site, publish_v4, soon, subscribe_v4};

fn meter(site: &Site, id: &str) -> (AsyncClient, EventLoop) {
    client(site, id, |options| {
        options.set_clean_session(false);
    })
}

fn client(site: &Site, id: &str, set: impl FnOnce(&mut MqttOptions)) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", site.address.port());
    options.set_keep_alive(Duration::from_secs(30));
    options.set_max_packet_size(100_000, 100_000);
    set(&mut options);
    AsyncClient::new(options, 2_000)
}

/// Polls until a packet is what is looked for.
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

async fn puback(events: &mut EventLoop) -> u16 {
    until(events, |packet| match packet {
        Packet::PubAck(ack) => Some(ack.pkid),
        _ => None,
    })
    .await
}

async fn publish(events: &mut EventLoop) -> Publish {
    until(events, |packet| match packet {
        Packet::Publish(publish) => Some(publish),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_report_is_acknowledged_after_its_commit() {
    let site = Site::held().await;
    let (client, mut events) = meter(&site, "m1");
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "one").await.unwrap();
    let acknowledged = tokio::select! {
        packet = puback(&mut events) => Some(packet),
        () = site.received(1) => None,
    };
    assert_eq!(acknowledged, None);
    assert_eq!(site.counts().acknowledged, 0);
    site.store.commits.add_permits(1);
    puback(&mut events).await;
    let arrivals = site.stored(1).await;
    assert_eq!(arrivals[0].payload, b"one");
    assert_eq!(arrivals[0].meter, "m1");
    assert_eq!(arrivals[0].topic, "mingqu/v1/d/m1/report");
}

#[tokio::test]
async fn no_session_is_promised() {
    let site = Site::open().await;
    let (_client, mut events) = meter(&site, "m1");
    let present = until(&mut events, |packet| match packet {
        Packet::ConnAck(ack) => Some(ack.session_present),
        _ => None,
    })
    .await;
    assert!(!present);
}

#[tokio::test]
async fn many_reports_are_acknowledged_in_their_order() {
    let site = Site::open().await;
    let (client, mut events) = client(&site, "m1", |options| {
        options.set_inflight(500);
    });
    for number in 0..1_500_u16 {
        client
            .publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, number.to_be_bytes())
            .await
            .unwrap();
    }
    let mut acknowledged = Vec::new();
    while acknowledged.len() < 1_500 {
        acknowledged.push(puback(&mut events).await);
    }
    let expected: Vec<u16> = (1..=500).cycle().take(1_500).collect();
    assert_eq!(acknowledged, expected);
    let stored: Vec<_> = site.stored(1_500).await.into_iter().map(|a| a.payload).collect();
    let sent: Vec<_> = (0..1_500_u16).map(|number| number.to_be_bytes().to_vec()).collect();
    assert_eq!(stored, sent);
}

#[tokio::test]
async fn a_store_that_is_away_holds_up_acknowledgements_and_loses_nothing() {
    let site = Site::open().await;
    site.store.fail(true);
    let (client, mut events) = meter(&site, "m1");
    for _ in 0..3 {
        client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "r").await.unwrap();
    }
    let failed = async {
        while site.counts().failed_batches == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = puback(&mut events) => panic!("acknowledged what was not stored"),
        () = soon(failed) => {}
    }
    site.store.fail(false);
    for _ in 0..3 {
        puback(&mut events).await;
    }
    assert_eq!(site.stored(3).await.len(), 3);
}

#[tokio::test]
async fn receipts_reach_their_subscribers() {
    let site = Site::open().await;
    let (own, mut own_events) = meter(&site, "m1");
    let (every, mut every_events) = meter(&site, "gateway");
    let (other, mut other_events) = meter(&site, "m2");
    own.subscribe("mingqu/v1/d/m1/stored", QoS::AtLeastOnce).await.unwrap();
    every.subscribe("mingqu/v1/d/+/stored", QoS::AtMostOnce).await.unwrap();
    other.subscribe("mingqu/v1/d/m2/stored", QoS::AtLeastOnce).await.unwrap();
    for events in [&mut own_events, &mut every_events, &mut other_events] {
        until(events, |packet| matches!(packet, Packet::SubAck(_)).then_some(())).await;
    }
    own.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "r").await.unwrap();
    let receipt = publish(&mut own_events).await;
    assert_eq!(
        (receipt.topic.as_str(), &receipt.payload[..]),
        ("mingqu/v1/d/m1/stored", &b"1"[..])
    );
    assert_eq!(receipt.qos, QoS::AtLeastOnce);
    let receipt = publish(&mut every_events).await;
    assert_eq!((receipt.topic.as_str(), receipt.qos), ("mingqu/v1/d/m1/stored", QoS::AtMostOnce));
    other.publish("mingqu/v1/d/m2/report", QoS::AtLeastOnce, false, "r").await.unwrap();
    assert_eq!(publish(&mut other_events).await.topic, "mingqu/v1/d/m2/stored");
}

#[tokio::test]
async fn a_gateway_hears_the_receipts_of_all_its_meters_at_once() {
    const METERS: u16 = 600;
    let site = Site::held().await;
    let mut gateway = site.raw_v4("gateway").await;
    gateway.send(&subscribe_v4("mingqu/v1/d/+/stored")).await;
    gateway.expect(&[0x90, 3, 0, 1, 0]).await;
    for meter in 1..=METERS {
        gateway.send(&publish_v4(&format!("mingqu/v1/d/m{meter}/report"), meter, b"r")).await;
    }
    site.received(METERS.into()).await;
    site.store.commits.add_permits(9);
    let mut heard = std::collections::BTreeSet::new();
    while heard.len() < METERS.into() {
        if let (0x30, body) = gateway.packet().await {
            heard.insert(body);
        }
    }
}

#[tokio::test]
async fn an_ended_subscription_gets_no_more_receipts() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    client.subscribe("mingqu/v1/d/m1/stored", QoS::AtLeastOnce).await.unwrap();
    client.unsubscribe("mingqu/v1/d/m1/stored").await.unwrap();
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "r").await.unwrap();
    let first = until(&mut events, |packet| match packet {
        Packet::PubAck(_) => Some("acknowledged"),
        Packet::Publish(_) => Some("receipt"),
        _ => None,
    })
    .await;
    assert_eq!(first, "acknowledged");
    assert_eq!(site.counts().receipts, 0);
}

#[tokio::test]
async fn other_subscriptions_get_the_failure_code() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    let filters = ["mingqu/v1/d/+/command", "#", "mingqu/v1/d/m2/report", "mingqu/v1/e/m1/stored"]
        .map(|path| rumqttc::SubscribeFilter::new(path.into(), QoS::ExactlyOnce));
    client.subscribe_many(filters).await.unwrap();
    let codes = until(&mut events, |packet| match packet {
        Packet::SubAck(ack) => Some(ack.return_codes),
        _ => None,
    })
    .await;
    let refused = SubscribeReasonCode::Failure;
    let granted = SubscribeReasonCode::Success(QoS::AtLeastOnce);
    assert_eq!(codes, [granted, refused, refused, refused]);
}

#[tokio::test]
async fn status_and_last_will_are_kept() {
    let site = Site::open().await;
    let (client, mut events) = client(&site, "m1", |options| {
        options.set_last_will(LastWill::new(
            "mingqu/v1/d/m1/status",
            "offline",
            QoS::AtLeastOnce,
            true,
        ));
    });
    client.publish("mingqu/v1/d/m1/status", QoS::AtLeastOnce, true, "online").await.unwrap();
    puback(&mut events).await;
    site.status("m1", Some(DeviceState::Online)).await;
    // Dropped without a goodbye.
    drop((client, events));
    site.status("m1", Some(DeviceState::Offline)).await;
}

#[tokio::test]
async fn a_goodbye_cancels_the_last_will() {
    let site = Site::open().await;
    let will = LastWill::new("mingqu/v1/d/m1/status", "offline", QoS::AtMostOnce, true);
    let (client, mut events) = client(&site, "m1", |options| {
        options.set_last_will(will);
    });
    client.publish("mingqu/v1/d/m1/status", QoS::AtLeastOnce, true, "online").await.unwrap();
    puback(&mut events).await;
    client.disconnect().await.unwrap();
    soon(async { while events.poll().await.is_ok() {} }).await;
    soon(async {
        while site.counts().open_connections > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    site.status("m1", Some(DeviceState::Online)).await;
}

#[tokio::test]
async fn a_second_connection_with_the_same_id_takes_over() {
    let site = Site::open().await;
    let will = LastWill::new("mingqu/v1/d/m1/status", "offline", QoS::AtMostOnce, true);
    let (older, mut older_events) = client(&site, "m1", |options| {
        options.set_last_will(will);
    });
    older.publish("mingqu/v1/d/m1/status", QoS::AtLeastOnce, true, "online").await.unwrap();
    puback(&mut older_events).await;
    let (newer, mut newer_events) = meter(&site, "m1");
    until(&mut newer_events, |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    // The older one's will was carried out before the newer one was accepted.
    site.status("m1", Some(DeviceState::Offline)).await;
    soon(async { while older_events.poll().await.is_ok() {} }).await;
    newer.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "r").await.unwrap();
    puback(&mut newer_events).await;
    site.refused(mqtt::Refusal::TakenOver, 1).await;
}

#[tokio::test]
async fn a_shutdown_acknowledges_what_it_still_stores() {
    let mut site = Site::held().await;
    let mut meter = site.raw_v4("m1").await;
    for number in 1..=3 {
        meter.send(&publish_v4("mingqu/v1/d/m1/report", number, b"r")).await;
    }
    site.received(3).await;
    site.stop();
    site.store.commits.add_permits(9);
    assert_eq!(meter.rest().await, [0x40, 2, 0, 1, 0x40, 2, 0, 2, 0x40, 2, 0, 3]);
    site.stopped().await;
    assert_eq!(site.stored(3).await.len(), 3);
}

#[tokio::test]
async fn a_report_too_large_to_be_one_is_handed_on_for_the_quarantine() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    let large = vec![7; telemetry::MAX_REPORT_BYTES * 10];
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, large.clone()).await.unwrap();
    puback(&mut events).await;
    assert_eq!(site.stored(1).await[0].payload, large);
}

#[tokio::test]
async fn a_misplaced_report_is_handed_on_for_the_quarantine() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    for topic in ["mingqu/v1/elsewhere/m1/report", "mingqu/v1/d/M 1/report"] {
        client.publish(topic, QoS::AtLeastOnce, false, "r").await.unwrap();
        puback(&mut events).await;
    }
    let arrivals = site.stored(2).await;
    assert_eq!(arrivals[0].topic, "mingqu/v1/elsewhere/m1/report");
    assert_eq!(arrivals[1].meter, "M 1");
}

#[tokio::test]
async fn reports_without_acknowledgement_are_stored_too() {
    let site = Site::open().await;
    let (client, mut events) = meter(&site, "m1");
    client.publish("mingqu/v1/d/m1/report", QoS::AtMostOnce, false, "zero").await.unwrap();
    client.publish("mingqu/v1/d/m1/report", QoS::AtLeastOnce, false, "one").await.unwrap();
    puback(&mut events).await;
    assert_eq!(site.stored(2).await[0].payload, b"zero");
}
