use mqtt::adapter::{AdapterError, Adapters, Ignored, MAX_FOREIGN_BYTES, Taken, TopicFilter};
use telemetry::{Flags, MeterId};

use super::{adapters, reading, take, values};

const UP_OBJECT: &str = include_str!("../../vectors/chirpstack/up-object.json");
const UP_RESTARTED: &str = include_str!("../../vectors/chirpstack/up-restarted.json");
const UP_DATA: &str = include_str!("../../vectors/chirpstack/up-data.json");
const UP_NO_PAYLOAD: &str = include_str!("../../vectors/chirpstack/up-no-payload.json");
const UP_OTHER_PORT: &str = include_str!("../../vectors/chirpstack/up-other-port.json");
const UP_HISTORY: &str = include_str!("../../vectors/chirpstack/up-history.json");
const STATUS: &str = include_str!("../../vectors/chirpstack/status.json");
const STATUS_FULL: &str = include_str!("../../vectors/chirpstack/status-full.json");
const STATUS_EMPTY: &str = include_str!("../../vectors/chirpstack/status-empty.json");
const STATUS_MAINS: &str = include_str!("../../vectors/chirpstack/status-mains.json");
const OTHER_EVENTS: [(&str, &str); 6] = [
    ("join", include_str!("../../vectors/chirpstack/join.json")),
    ("ack", include_str!("../../vectors/chirpstack/ack.json")),
    ("txack", include_str!("../../vectors/chirpstack/txack.json")),
    ("log", include_str!("../../vectors/chirpstack/log.json")),
    ("location", include_str!("../../vectors/chirpstack/location.json")),
    ("integration", include_str!("../../vectors/chirpstack/integration.json")),
];

fn topic(event: &str) -> String {
    format!("application/17c82e96/device/24e124136b502217/event/{event}")
}

/// An adapter of one well with what a test adds at the top.
fn well(more: &str) -> Adapters {
    let toml = format!(
        "[[adapter]]\nkind = \"chirpstack\"\n{more}\n\
         [adapter.devices]\n\"24E124136B502217\" = \"well-1\"\n\
         [adapter.value]\npointer = \"/object/total_m3\"\nscale = \"10\"\n\
         [adapter.flags]\nbattery = {{ pointer = \"/object/battery_v\", low_below = \"3.2\" }}\n\
         tamper = \"/object/tamper\"\n"
    );
    adapters(&toml).unwrap()
}

fn up(adapters: &Adapters, event: &str) -> Result<Taken, AdapterError> {
    take(adapters, &topic("up"), event.as_bytes())
}

#[test]
fn an_uplink_with_a_codec_becomes_a_reading() {
    let reading = reading(up(&well(""), UP_OBJECT));
    assert_eq!(reading.meter, MeterId::new("well-1").unwrap());
    // Cut to the second; 4720.6 m³ in units of 100 L.
    assert_eq!(values(&reading), [(1_462_082_400_000, 47_206)]);
    assert_eq!(reading.flags, Flags::NONE);
    assert_eq!(reading.message_id.as_deref(), Some("3ac7e3c4-4401-4b8d-9386-a5c902f9202d"));
}

#[test]
fn a_frame_counter_that_starts_again_changes_nothing() {
    let adapters = well("ports = [2]");
    assert_eq!(values(&reading(up(&adapters, UP_OBJECT))).len(), 1);
    let again = reading(up(&adapters, UP_RESTARTED));
    // Zero is a value inside the object; the counter, zero too, is left out of the event.
    assert_eq!(values(&again), [(1_462_086_001_000, 0)]);
    assert_eq!(again.flags, Flags::LOW_BATTERY.union(Flags::TAMPER));
}

#[test]
fn buffered_samples_come_out_by_time() {
    let toml = "[[adapter]]\nkind = \"chirpstack\"\nsamples = \"/object/history\"\n\
        devices = { 24e124136b502217 = \"well-1\" }\n\
        value = { pointer = \"/total\", scale = \"10\" }\n\
        time = { form = \"unix-seconds\", pointer = \"/at\" }\n";
    let reading = reading(up(&adapters(toml).unwrap(), UP_HISTORY));
    let expected =
        [(1_462_075_200_000, 47_061), (1_462_078_800_000, 47_132), (1_462_082_400_000, 47_206)];
    assert_eq!(values(&reading), expected);
}

#[test]
fn a_device_without_a_codec_is_read_by_its_bytes() {
    let toml = "[[adapter]]\nkind = \"chirpstack\"\n\
        devices = { 24e124136b502217 = \"well-1\" }\n\
        value = { data = { from = 3, bytes = 3 }, offset = \"-6\" }\n";
    let reading = reading(up(&adapters(toml).unwrap(), UP_DATA));
    assert_eq!(values(&reading), [(1_462_082_400_000, 0x12_3456 - 6)]);
}

#[test]
fn what_carries_no_reading_is_ignored() {
    let adapters = well("ports = [2]");
    for (event, payload) in OTHER_EVENTS {
        let taken = take(&adapters, &topic(event), payload.as_bytes());
        assert_eq!(taken, Ok(Taken::Ignored(Ignored::Event)), "{event}");
    }
    // Not even asked for.
    let status = take(&adapters, &topic("status"), STATUS.as_bytes());
    assert_eq!(status, Ok(Taken::Ignored(Ignored::Event)));
    assert_eq!(up(&adapters, UP_OTHER_PORT), Ok(Taken::Ignored(Ignored::Port)));
    assert_eq!(up(&adapters, UP_NO_PAYLOAD), Ok(Taken::Ignored(Ignored::Port)));
    assert_eq!(up(&well(""), UP_NO_PAYLOAD), Ok(Taken::Ignored(Ignored::Empty)));
}

#[test]
fn what_the_network_says_of_a_battery_holds_until_it_says_otherwise() {
    let adapters = well("battery_low_below_percent = 20");
    let flags = || reading(up(&adapters, UP_OBJECT)).flags;
    let say = |status: &str| take(&adapters, &topic("status"), status.as_bytes()).unwrap();
    let meter = MeterId::new("well-1").unwrap();
    assert_eq!(flags(), Flags::NONE);
    assert_eq!(say(STATUS), Taken::Battery { meter: meter.clone(), low: true });
    assert_eq!((flags(), flags()), (Flags::LOW_BATTERY, Flags::LOW_BATTERY));
    say(STATUS_FULL);
    assert_eq!(flags(), Flags::NONE);
    // A level of zero is left out of the event.
    say(STATUS_EMPTY);
    assert_eq!(flags(), Flags::LOW_BATTERY);
    assert_eq!(say(STATUS_MAINS), Taken::Battery { meter, low: false });
    assert_eq!(flags(), Flags::NONE);
}

#[test]
fn listens_to_its_own_topics_alone() {
    let adapters = well("");
    assert_eq!(adapters.take("application/1/device/2/command/down", b"", 0), None);
    assert_eq!(adapters.take("mingqu/v1/d/m/report", b"", 0), None);
    let filters: Vec<_> = adapters.filters().map(TopicFilter::as_str).collect();
    assert_eq!(filters, ["application/+/device/+/event/+"]);
}

#[test]
fn rejects_an_event_without_its_object() {
    let missing = AdapterError::MissingPointer("/object/total_m3".into());
    assert_eq!(up(&well(""), UP_DATA), Err(missing));
}

#[test]
fn rejects_a_device_that_stands_for_no_meter() {
    let other = UP_OBJECT.replace("24e124136b502217", "24e124136b502218");
    let topic = topic("up").replace("24e124136b502217", "24E124136B502218");
    let refused = take(&well(""), &topic, other.as_bytes());
    assert_eq!(refused, Err(AdapterError::UnknownDevice("24e124136b502218".into())));
}

#[test]
fn rejects_an_event_under_another_devices_topic() {
    let other = UP_OBJECT.replace("24e124136b502217", "24e124136b502218");
    assert!(matches!(up(&well(""), &other), Err(AdapterError::OtherDevicesTopic { .. })));
    let upper = UP_OBJECT.replace("24e124136b502217", "24E124136B502217");
    assert!(up(&well(""), &upper).is_ok());
}

#[test]
fn rejects_a_topic_that_names_no_event() {
    let adapters = well("topic = \"application/#\"");
    let refused = take(&adapters, "application/device/24e124136b502217", UP_OBJECT.as_bytes());
    assert!(matches!(refused, Err(AdapterError::TopicShape(_))), "{refused:?}");
}

#[test]
fn rejects_a_time_that_is_missing_unreadable_or_absurd() {
    let at = |time: &str| {
        let event = UP_OBJECT.replace("\"2016-05-01T06:00:00.775023242+00:00\"", time);
        up(&well(""), &event)
    };
    assert_eq!(at("null"), Err(AdapterError::TimeMissing("/time".into())));
    for time in ["\"2016-05-01 6:00\"", "\"\"", "7", "{}"] {
        assert!(matches!(at(time), Err(AdapterError::TimeUnreadable { .. })), "{time}");
    }
    for time in ["\"1970-01-01T00:00:00Z\"", "\"2200-01-01T00:00:00Z\""] {
        assert!(matches!(at(time), Err(AdapterError::TimeOutOfRange { .. })), "{time}");
    }
}

#[test]
fn rejects_a_message_that_is_too_long() {
    let long = UP_OBJECT.replace("机井 1", &"x".repeat(MAX_FOREIGN_BYTES));
    assert_eq!(up(&well(""), &long), Err(AdapterError::Oversize));
}
