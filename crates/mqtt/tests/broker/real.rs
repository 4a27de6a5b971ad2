//! A real Mosquitto between meters and the server.

use std::time::Duration;

use mqtt::{Level, Refusal};
use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, QoS};
use service::{DeviceState, QuarantineReason};
use tokio::sync::Semaphore;

use crate::mosquitto::Mosquitto;
use crate::server::Server;
use crate::store::soon;

/// A meter that is connected and subscribed to its receipts.
struct Meter {
    id: &'static str,
    client: AsyncClient,
    events: EventLoop,
}

impl Meter {
    async fn connect(broker: &Mosquitto, id: &'static str) -> Self {
        Self::with(MqttOptions::new(id, "127.0.0.1", broker.port), id).await
    }

    /// A meter whose last will says that it is offline.
    async fn mortal(broker: &Mosquitto, id: &'static str) -> Self {
        let mut options = MqttOptions::new(id, "127.0.0.1", broker.port);
        let status = format!("mingqu/v1/d/{id}/status");
        options.set_last_will(LastWill::new(status, "offline", QoS::AtLeastOnce, true));
        Self::with(options, id).await
    }

    async fn with(mut options: MqttOptions, id: &'static str) -> Self {
        options.set_keep_alive(Duration::from_secs(30));
        let (client, events) = AsyncClient::new(options, 2_000);
        let mut meter = Self { id, client, events };
        let stored = format!("mingqu/v1/d/{id}/stored");
        meter.client.subscribe(stored, QoS::AtLeastOnce).await.unwrap();
        meter.until(|packet| matches!(packet, Packet::SubAck(_)).then_some(())).await;
        meter
    }

    /// Publishes and waits until the broker has it.
    async fn publish(&mut self, leaf: &str, payload: &str) {
        let topic = format!("mingqu/v1/d/{}/{leaf}", self.id);
        self.client.publish(topic, QoS::AtLeastOnce, leaf == "status", payload).await.unwrap();
        self.until(|packet| matches!(packet, Packet::PubAck(_)).then_some(())).await;
    }

    /// Waits for a receipt that says so.
    async fn receipt(&mut self, stored: &str) {
        self.until(|packet| match packet {
            Packet::Publish(publish) => (publish.payload == stored.as_bytes()).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn until<T>(&mut self, mut wanted: impl FnMut(Packet) -> Option<T>) -> T {
        soon(async {
            loop {
                if let Event::Incoming(packet) = self.events.poll().await.unwrap()
                    && let Some(found) = wanted(packet)
                {
                    return found;
                }
            }
        })
        .await
    }
}

in_both_versions!(
    a_killed_broker_comes_back_to_a_renewed_subscription,
    a_last_will_reaches_the_server_and_the_next_one_hears_it_again,
    reports_reach_the_store_and_receipts_the_meter,
    what_a_stopped_server_did_not_store_is_delivered_to_the_next,
    what_is_no_status_is_shown_to_the_operator,
    what_is_stored_and_acknowledged_is_not_delivered_to_the_next,
);

/// Starts a server and waits until its subscriptions stand: the retained status of a meter comes after them.
async fn subscribed(broker: &Mosquitto, protocol: Level, commits: usize) -> Server {
    Meter::connect(broker, "first").await.publish("status", "online").await;
    let server = Server::start(broker.port, protocol, commits);
    server.hears("first", DeviceState::Online).await;
    server
}

async fn reports_reach_the_store_and_receipts_the_meter(protocol: Level) {
    let broker = Mosquitto::start();
    let server = subscribed(&broker, protocol, Semaphore::MAX_PERMITS).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    for number in 1..=5 {
        meter.publish("report", &number.to_string()).await;
    }
    meter.receipt("5").await;
    let stored: Vec<_> = server.store.stored(5).await.into_iter().map(|a| a.payload).collect();
    assert_eq!(stored, [b"1", b"2", b"3", b"4", b"5"]);
    server.stop().await;
}

async fn what_a_stopped_server_did_not_store_is_delivered_to_the_next(protocol: Level) {
    let broker = Mosquitto::start();
    let first = subscribed(&broker, protocol, 0).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    for number in 0..20 {
        meter.publish("report", &number.to_string()).await;
    }
    first.until(|counts| counts.received == 20).await;
    // Its store fails for good: it stops without having acknowledged anything.
    first.store.fail(true);
    first.store.commits.add_permits(1);
    first.stop().await;
    let second = Server::start(broker.port, protocol, Semaphore::MAX_PERMITS);
    meter.receipt("20").await;
    let stored: Vec<_> = second.store.stored(20).await.into_iter().map(|a| a.payload).collect();
    let sent: Vec<_> = (0..20).map(|number| number.to_string().into_bytes()).collect();
    assert_eq!(stored, sent);
    second.stop().await;
}

async fn what_is_stored_and_acknowledged_is_not_delivered_to_the_next(protocol: Level) {
    let broker = Mosquitto::start();
    let first = subscribed(&broker, protocol, Semaphore::MAX_PERMITS).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    meter.publish("report", "one").await;
    meter.receipt("1").await;
    first.stop().await;
    meter.publish("report", "two").await;
    let second = Server::start(broker.port, protocol, Semaphore::MAX_PERMITS);
    let stored = second.store.stored(1).await;
    assert_eq!(stored[0].payload, b"two");
    second.stop().await;
}

async fn a_killed_broker_comes_back_to_a_renewed_subscription(protocol: Level) {
    let mut broker = Mosquitto::start();
    let server = subscribed(&broker, protocol, 0).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    for _ in 0..3 {
        meter.publish("report", "before").await;
    }
    server.until(|counts| counts.received == 3).await;
    broker.kill();
    broker.restart();
    server.until(|counts| counts.broker_connections == 2).await;
    // The commits come too late for the broker that is gone: their acknowledgements must not go to the new one.
    server.store.commits.add_permits(Semaphore::MAX_PERMITS);
    let counts = server.until(|counts| counts.acknowledged == 3).await;
    assert_eq!(counts.stale_acknowledgements, 3);
    // The subscription may be a moment younger than the connection.
    let mut again = Meter::connect(&broker, "m1").await;
    soon(async {
        while server.store.arrivals.borrow().len() == 3 {
            again.publish("report", "after").await;
        }
    })
    .await;
    assert_eq!(server.store.stored(4).await[3].payload, b"after");
    again.until(|packet| matches!(packet, Packet::Publish(_)).then_some(())).await;
    server.stop().await;
}

async fn a_last_will_reaches_the_server_and_the_next_one_hears_it_again(protocol: Level) {
    let broker = Mosquitto::start();
    let first = subscribed(&broker, protocol, Semaphore::MAX_PERMITS).await;
    let mut meter = Meter::mortal(&broker, "m1").await;
    meter.publish("status", "online").await;
    first.hears("m1", DeviceState::Online).await;
    // Dropped without a goodbye.
    drop(meter);
    first.hears("m1", DeviceState::Offline).await;
    first.stop().await;
    let second = Server::start(broker.port, protocol, Semaphore::MAX_PERMITS);
    second.hears("m1", DeviceState::Offline).await;
    second.hears("first", DeviceState::Online).await;
    second.stop().await;
}

async fn what_is_no_status_is_shown_to_the_operator(protocol: Level) {
    let broker = Mosquitto::start();
    let server = subscribed(&broker, protocol, Semaphore::MAX_PERMITS).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    meter.publish("status", "asleep").await;
    meter.publish("report", "good").await;
    let stored = server.store.stored(2).await;
    assert_eq!((stored[0].meter.as_str(), &stored[0].payload[..]), ("m1", &b"asleep"[..]));
    let refused = stored[0].refused.as_ref().unwrap();
    assert_eq!(refused.reason, QuarantineReason::BadStatus);
    assert!(refused.detail.contains("online or offline"), "{}", refused.detail);
    assert_eq!(stored[1].refused, None);
    assert_eq!(
        server.until(|counts| counts.acknowledged == 1).await.refused_for(Refusal::Status),
        1
    );
    server.stop().await;
    // It was acknowledged too: the next server gets it as a retained message and no other way.
    let next = Server::start(broker.port, protocol, Semaphore::MAX_PERMITS);
    assert_eq!(next.store.stored(1).await[0].payload, b"asleep");
    next.stop().await;
}
