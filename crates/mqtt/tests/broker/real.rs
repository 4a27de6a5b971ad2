//! A real Mosquitto between meters and the server.

use std::time::Duration;

use mqtt::DeviceStatus;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use telemetry::MeterId;
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
        let mut options = MqttOptions::new(id, "127.0.0.1", broker.port);
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

/// Starts a server and waits until its subscriptions stand: the retained status of a meter comes after them.
async fn subscribed(broker: &Mosquitto, commits: usize) -> Server {
    Meter::connect(broker, "first").await.publish("status", "online").await;
    let server = Server::start(broker.port, commits);
    heard(&server).await;
    server
}

/// Waits until the retained status of the first meter came in.
async fn heard(server: &Server) {
    let first = MeterId::new("first").unwrap();
    let mut version = server.statuses.version();
    soon(async {
        while server.statuses.get(&first) != Some(DeviceStatus::Online) {
            version.changed().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn reports_reach_the_store_and_receipts_the_meter() {
    let broker = Mosquitto::start();
    let server = subscribed(&broker, Semaphore::MAX_PERMITS).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    for number in 1..=5 {
        meter.publish("report", &number.to_string()).await;
    }
    meter.receipt("5").await;
    let stored: Vec<_> = server.store.stored(5).await.into_iter().map(|a| a.payload).collect();
    assert_eq!(stored, [b"1", b"2", b"3", b"4", b"5"]);
    server.stop().await;
}

#[tokio::test]
async fn what_a_stopped_server_did_not_store_is_delivered_to_the_next() {
    let broker = Mosquitto::start();
    let first = subscribed(&broker, 0).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    for number in 0..20 {
        meter.publish("report", &number.to_string()).await;
    }
    first.until(|counts| counts.received == 20).await;
    // Its store fails for good: it stops without having acknowledged anything.
    first.store.fail(true);
    first.store.commits.add_permits(1);
    first.stop().await;
    let second = Server::start(broker.port, Semaphore::MAX_PERMITS);
    meter.receipt("20").await;
    let stored: Vec<_> = second.store.stored(20).await.into_iter().map(|a| a.payload).collect();
    let sent: Vec<_> = (0..20).map(|number| number.to_string().into_bytes()).collect();
    assert_eq!(stored, sent);
    second.stop().await;
}

#[tokio::test]
async fn what_is_stored_and_acknowledged_is_not_delivered_to_the_next() {
    let broker = Mosquitto::start();
    let first = subscribed(&broker, Semaphore::MAX_PERMITS).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    meter.publish("report", "one").await;
    meter.receipt("1").await;
    first.stop().await;
    meter.publish("report", "two").await;
    let second = Server::start(broker.port, Semaphore::MAX_PERMITS);
    let stored = second.store.stored(1).await;
    assert_eq!(stored[0].payload, b"two");
    second.stop().await;
}

#[tokio::test]
async fn a_killed_broker_comes_back_to_a_renewed_subscription() {
    let mut broker = Mosquitto::start();
    let server = subscribed(&broker, 0).await;
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
