//! Messages of devices that do not sign, on an adapter's topics.

use mqtt::adapter::Ignored;
use service::ForeignReason;

use crate::site::{Raw, Site};

const ADAPTER: &str = "kind = \"chirpstack\"\ndevices = { 24e124136b502217 = \"well-1\" }\n\
    value = { pointer = \"/object/total_m3\", scale = \"10\" }\n";
const UP: &[u8] = include_bytes!("../../vectors/chirpstack/up-object.json");
const JOIN: &[u8] = include_bytes!("../../vectors/chirpstack/join.json");

/// A PUBLISH with `QoS` 1 in MQTT 3.1.1.
async fn publish(raw: &mut Raw, event: &str, payload: &[u8], packet: u8) {
    let topic = format!("application/17c8/device/24e124136b502217/event/{event}");
    let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
    body.extend_from_slice(topic.as_bytes());
    body.extend_from_slice(&[0, packet]);
    body.extend_from_slice(payload);
    let length = body.len();
    let mut bytes = vec![0x32];
    bytes.push(u8::try_from(length % 128).unwrap() | 0x80);
    bytes.push(u8::try_from(length / 128).unwrap());
    raw.send(&[bytes, body].concat()).await;
}

#[tokio::test]
async fn a_gateways_messages_are_read_ignored_or_kept_apart_and_acknowledged() {
    let site = Site::with_adapter(ADAPTER).await;
    let mut gateway = site.raw_v4("chirpstack").await;
    publish(&mut gateway, "up", UP, 1).await;
    publish(&mut gateway, "join", JOIN, 2).await;
    publish(&mut gateway, "up", &[b'x'; 200], 3).await;
    for packet in [1, 2, 3] {
        gateway.expect(&[0x40, 2, 0, packet]).await;
    }
    let stored = site.stored(2).await;
    let reading = stored[0].foreign.as_ref().unwrap();
    assert_eq!((stored[0].meter.as_str(), &stored[0].payload[..]), ("well-1", UP));
    assert_eq!(reading.readings[0].value, 47_206);
    let refused = stored[1].refused.as_ref().unwrap();
    assert_eq!(refused.reason.code(), ForeignReason::NotJson.code());
    assert_eq!(stored[1].payload, [b'x'; 200]);
    assert!(site.counts().ignored.contains(&(Ignored::Event, 1)));
}
