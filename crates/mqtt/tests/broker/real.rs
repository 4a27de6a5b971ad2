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

#[tokio::test]
async fn reports_reach_the_store_and_receipts_the_meter() {
    let broker = Mosquitto::start();
    let server = Server::start(broker.port, Semaphore::MAX_PERMITS);
    server.until(|counts| counts.broker_connections == 1).await;
    let mut meter = Meter::connect(&broker, "m1").await;
    meter.publish("report", "warm-up").await;
    // The server's subscription may have come after the first message; from the first receipt on it stands.
    soon(async {
        while server.store.arrivals.borrow().is_empty() {
            meter.publish("report", "warm-up").await;
        }
    })
    .await;
    meter.publish("report", "one").await;
    let mut arrivals = server.store.arrivals.subscribe();
    soon(arrivals.wait_for(|all| all.last().is_some_and(|a| a.payload == b"one"))).await.unwrap();
    let number = server.store.arrivals.borrow().len();
    meter.receipt(&number.to_string()).await;
    server.stop().await;
}

#[tokio::test]
async fn a_retained_status_is_heard_by_a_server_that_comes_later() {
    let broker = Mosquitto::start();
    let mut meter = Meter::connect(&broker, "m1").await;
    meter.publish("status", "online").await;
    let server = Server::start(broker.port, Semaphore::MAX_PERMITS);
    let id = MeterId::new("m1").unwrap();
    let mut version = server.statuses.version();
    soon(version.wait_for(|version| *version > 0)).await.unwrap();
    assert_eq!(server.statuses.get(&id), Some(DeviceStatus::Online));
    server.stop().await;
}

#[tokio::test]
async fn what_a_stopped_server_did_not_store_is_delivered_to_the_next() {
    let broker = Mosquitto::start();
    let first = Server::start(broker.port, 0);
    let mut meter = Meter::connect(&broker, "m1").await;
    // Until one arrives, the subscription may not stand yet.
    let mut sent = 0;
    soon(async {
        while first.until(|_| true).await.received == 0 {
            meter.publish("report", "r").await;
            sent += 1;
        }
    })
    .await;
    let before = first.until(|_| true).await.received;
    for _ in 0..20 {
        meter.publish("report", "r").await;
    }
    let received = first.until(|counts| counts.received >= before + 20).await.received;
    assert!(received <= sent + 20);
    // Its store never commits: it stops without having acknowledged anything.
    first.store.fail(true);
    first.store.commits.add_permits(1);
    first.stop().await;
    let second = Server::start(broker.port, Semaphore::MAX_PERMITS);
    let number = usize::try_from(received).unwrap();
    assert_eq!(second.store.stored(number).await.len(), number);
    meter.receipt(&received.to_string()).await;
    second.stop().await;
}

#[tokio::test]
async fn a_killed_broker_comes_back_to_a_renewed_subscription() {
    let mut broker = Mosquitto::start();
    let server = Server::start(broker.port, 0);
    let mut meter = Meter::connect(&broker, "m1").await;
    soon(async {
        while server.until(|_| true).await.received == 0 {
            meter.publish("report", "before").await;
        }
    })
    .await;
    broker.kill();
    broker.restart();
    server.until(|counts| counts.broker_connections >= 2).await;
    // The commits come too late for the broker that is gone: their acknowledgements must not go to the new one.
    server.store.commits.add_permits(Semaphore::MAX_PERMITS);
    let counts = server.until(|counts| counts.received == counts.acknowledged).await;
    assert_eq!(counts.stale_acknowledgements, counts.received);
    let mut again = Meter::connect(&broker, "m1").await;
    let before = server.store.arrivals.borrow().len();
    soon(async {
        while server.store.arrivals.borrow().len() == before {
            again.publish("report", "after").await;
        }
    })
    .await;
    let stored = server.store.arrivals.borrow().last().cloned().unwrap();
    assert_eq!(stored.payload, b"after");
    again.until(|packet| matches!(packet, Packet::Publish(_)).then_some(())).await;
    server.stop().await;
}
