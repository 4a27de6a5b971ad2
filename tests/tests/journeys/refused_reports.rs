//! What no meter should send is acknowledged, kept apart with its reason, counted, and shown; and the good goes on.

use std::time::Instant;

use ed25519_dalek::SigningKey;
use firmware_sim::{Device, device_key, synthetic_meter};
use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};
use telemetry::{Flags, Kind, MeterId, Reading, Report};

use crate::harness::{DEADLINE, Mosquitto, Site, free_port, wait_for};
use crate::township::{DISTRICT, FIRST_READING, METER_SEED, Server, Township};

/// A raw MQTT client: it sends what it is told to.
struct Sender {
    client: Client,
    connection: Connection,
}

impl Sender {
    fn connect(address: &str) -> Self {
        let (host, port) = address.split_once(':').unwrap();
        let mut options = MqttOptions::new("a-broken-meter", host, port.parse().unwrap());
        options.set_max_packet_size(64 * 1024, 64 * 1024);
        let (client, connection) = Client::new(options, 16);
        Self { client, connection }
    }

    /// Publishes and waits for the acknowledgement.
    fn publish(&mut self, meter: &str, payload: &[u8]) {
        let topic = format!("mingqu/v1/{DISTRICT}/{meter}/report");
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).unwrap();
        self.wait_for_packet(|packet| matches!(packet, Packet::PubAck(_)).then_some(()));
    }

    /// What a receipt for the meter says, after a report of it was published.
    fn receipt(&mut self, meter: &str, payload: &[u8]) -> String {
        self.client
            .subscribe(format!("mingqu/v1/{DISTRICT}/{meter}/stored"), QoS::AtLeastOnce)
            .unwrap();
        self.wait_for_packet(|packet| matches!(packet, Packet::SubAck(_)).then_some(()));
        let topic = format!("mingqu/v1/{DISTRICT}/{meter}/report");
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).unwrap();
        self.wait_for_packet(|packet| match packet {
            Packet::Publish(receipt) => Some(String::from_utf8(receipt.payload.to_vec()).unwrap()),
            _ => None,
        })
    }

    fn wait_for_packet<T>(&mut self, mut look: impl FnMut(&Packet) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.checked_duration_since(Instant::now()).unwrap_or_default();
            match self.connection.recv_timeout(left) {
                Ok(Ok(Event::Incoming(packet))) => {
                    if let Some(found) = look(&packet) {
                        return found;
                    }
                }
                Ok(Ok(Event::Outgoing(_))) => {}
                other => panic!("the connection ended: {other:?}"),
            }
        }
    }
}

fn meter(number: u32) -> MeterId {
    synthetic_meter(number).unwrap()
}

fn signed(meter: &MeterId, seq: u64, at: &str, value: i64, key: &SigningKey) -> Vec<u8> {
    let at_ms = chrono::DateTime::parse_from_rfc3339(at).unwrap().timestamp_millis();
    let report = Report {
        meter: meter.clone(),
        seq,
        boot: 0,
        previous: telemetry::ChainHash::FIRST,
        kind: Kind::Register,
        readings: vec![Reading { at_ms, value }],
        flags: Flags::NONE,
    };
    telemetry::sign(&report, key).unwrap()
}

/// Every way of being refused: (reason, the topic's meter, the payload).
fn bad_messages(stored: &[u8]) -> Vec<(&'static str, String, Vec<u8>)> {
    let own_key = |number: u32| device_key(METER_SEED, meter(number).as_str());
    let one = meter(1).to_string();
    let stranger = MeterId::new("sim-999999").unwrap();
    let stranger_key = device_key(METER_SEED, stranger.as_str());
    vec![
        (
            "unknown-meter",
            stranger.to_string(),
            signed(&stranger, 1, FIRST_READING, 5, &stranger_key),
        ),
        ("bad-signature", one.clone(), signed(&meter(1), 2, FIRST_READING, 5, &own_key(2))),
        ("sequence-reused", one.clone(), signed(&meter(1), 1, FIRST_READING, 999_999, &own_key(1))),
        ("time-ahead", one.clone(), signed(&meter(1), 3, "2199-01-01T00:00:00Z", 5, &own_key(1))),
        ("other-meters-topic", one.clone(), signed(&meter(2), 1, FIRST_READING, 5, &own_key(2))),
        ("malformed", one.clone(), b"not a report".to_vec()),
        ("malformed", one.clone(), stored[..stored.len() - 1].to_vec()),
        ("malformed", one.clone(), Vec::new()),
        ("oversize", one, vec![0xff; 5_000]),
    ]
}

/// How often each reason was counted.
fn counted(site: &Site) -> Value {
    site.get("/api/v1/status").answered(200).json()["quarantine"].clone()
}

fn bad_reports_are_kept_apart(server: &Server) {
    let township = Township::prepare(2);
    let life = server.start(&township.data());
    township.found(&life.site);
    let mut sender = Sender::connect(&server.meters);
    let mut device = Device::new(METER_SEED, meter(1));
    let at_ms = chrono::DateTime::parse_from_rfc3339(FIRST_READING).unwrap().timestamp_millis();
    let first = device.report(vec![Reading { at_ms, value: 10 }], Flags::NONE).unwrap();
    assert_eq!(sender.receipt("sim-000001", &first.bytes), "1");

    for (_, topic, payload) in bad_messages(&first.bytes) {
        sender.publish(&topic, &payload);
    }
    let expected = json!({
        "unknown-meter": 1, "bad-signature": 1, "sequence-reused": 1, "time-ahead": 1,
        "other-meters-topic": 1, "malformed": 3, "oversize": 1,
    });
    let site = life.site.clone();
    // A broker acknowledges before the server has it.
    wait_for("every refusal to be counted", || (counted(&site) == expected).then_some(()));
    let page = site.get("/quarantine?lang=en").answered(200).text();
    for (reason, topic, _) in bad_messages(&first.bytes) {
        assert!(page.contains(reason), "{reason} is not shown");
        assert!(page.contains(&topic), "{topic} is not shown");
    }
    // The good goes on, and what was stored before is as it was.
    let second =
        device.report(vec![Reading { at_ms: at_ms + 1000, value: 11 }], Flags::NONE).unwrap();
    assert_eq!(sender.receipt("sim-000001", &second.bytes), "2");
    drop(sender);
    life.stop();

    // Nothing of it comes again.
    let life = server.start(&township.data());
    let mut sender = Sender::connect(&server.meters);
    let third =
        device.report(vec![Reading { at_ms: at_ms + 2000, value: 12 }], Flags::NONE).unwrap();
    assert_eq!(sender.receipt("sim-000001", &third.bytes), "3");
    assert_eq!(counted(&life.site), expected);
    let status = life.site.get("/api/v1/status").answered(200).json();
    assert_eq!(status["stored_reports"], 3);
    drop(sender);
    life.stop();
}

#[test]
fn bad_reports_are_kept_apart_at_the_endpoint() {
    bad_reports_are_kept_apart(&Server::with_endpoint(free_port()));
}

#[test]
fn bad_reports_are_kept_apart_behind_a_broker() {
    let broker = Mosquitto::start();
    bad_reports_are_kept_apart(&Server::with_broker(broker.address()));
}
