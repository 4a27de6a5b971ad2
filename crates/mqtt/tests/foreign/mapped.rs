use mqtt::adapter::{AdapterError, Adapters, MAX_MESSAGE_ID_CHARS, Taken};
use telemetry::{Flags, MAX_READINGS};

use super::{ARRIVED_MS, adapters, reading, take, values};

const LEAST: &str = "[[adapter]]\nkind = \"json\"\ntopic = \"acme/+/data\"\n";
const BY_TOPIC: &str = "meter = { topic_level = 2 }\n";
const BY_POINTER: &str = "meter = { pointer = \"/id\" }\n";
const VALUE: &str = "value = { pointer = \"/v\" }\n";
const SECONDS: &str = "time = { form = \"unix-seconds\", pointer = \"/t\" }\n";
const ARRIVAL: &str = "time = { form = \"arrival\" }\n";

fn mapped(parts: &[&str]) -> Adapters {
    adapters(&format!("{LEAST}{}", parts.concat())).unwrap()
}

fn say(adapters: &Adapters, message: &str) -> Result<Taken, AdapterError> {
    take(adapters, "acme/m7/data", message.as_bytes())
}

fn refused(parts: &[&str], message: &str) -> AdapterError {
    say(&mapped(parts), message).unwrap_err()
}

#[test]
fn a_message_names_its_meter_in_three_ways() {
    let meter = |parts: &[&str], message: &str| {
        reading(say(&mapped(&[parts, &[VALUE, ARRIVAL]].concat()), message)).meter.to_string()
    };
    assert_eq!(meter(&[BY_TOPIC], r#"{"v":1}"#), "m7");
    assert_eq!(meter(&["meter = { fixed = \"well-9\" }\n"], r#"{"v":1}"#), "well-9");
    assert_eq!(meter(&[BY_POINTER], r#"{"v":1,"id":"w2"}"#), "w2");
    assert_eq!(meter(&[BY_POINTER], r#"{"v":1,"id":42}"#), "42");
    let devices = "devices = { 42 = \"w42\", \"表 1\" = \"w1\" }\n";
    assert_eq!(meter(&[BY_POINTER, devices], r#"{"v":1,"id":42}"#), "w42");
    assert_eq!(meter(&[BY_POINTER, devices], r#"{"v":1,"id":"\u8868 1"}"#), "w1");
}

#[test]
fn every_form_of_time_is_the_same_instant() {
    for (form, time) in [
        ("rfc3339", "\"2016-05-01T14:00:00.999+08:00\""),
        ("unix-seconds", "1462082400"),
        ("unix-seconds", "1462082400.75"),
        ("unix-seconds", "\"1462082400\""),
        ("unix-milliseconds", "1462082400999"),
        ("beijing", "\"2016-05-01 14:00:00\""),
    ] {
        let config = format!("time = {{ form = \"{form}\", pointer = \"/t\" }}\n");
        let adapters = mapped(&[BY_TOPIC, VALUE, &config]);
        let reading = reading(say(&adapters, &format!("{{\"v\":5,\"t\":{time}}}")));
        assert_eq!(values(&reading), [(1_462_082_400_000, 5)], "{form}");
    }
    let arrived = reading(say(&mapped(&[BY_TOPIC, VALUE, ARRIVAL]), r#"{"v":5}"#));
    assert_eq!(values(&arrived), [(ARRIVED_MS - 500, 5)]);
}

#[test]
fn samples_may_be_pairs() {
    let parts = [
        BY_TOPIC,
        "samples = \"/s\"\n",
        "value = { pointer = \"/1\", scale = \"0.1\", rounding = \"nearest\" }\n",
        "time = { form = \"unix-seconds\", pointer = \"/0\" }\n",
    ];
    let reading = reading(say(&mapped(&parts), r#"{"s":[[1462082460,25],[1462082400,14]]}"#));
    assert_eq!(values(&reading), [(1_462_082_400_000, 1), (1_462_082_460_000, 3)]);
}

#[test]
fn flags_are_set_by_what_is_there() {
    let flags =
        "flags = { battery = { pointer = \"/b\", low_below = \"3.30\" }, tamper = \"/c\" }\n";
    let adapters = mapped(&[BY_TOPIC, VALUE, ARRIVAL, flags]);
    for (message, expected) in [
        (r#"{"v":1}"#, Flags::NONE),
        (r#"{"v":1,"b":3.3,"c":false}"#, Flags::NONE),
        (r#"{"v":1,"b":"3.29","c":0}"#, Flags::LOW_BATTERY),
        (r#"{"v":1,"b":null,"c":1}"#, Flags::TAMPER),
    ] {
        assert_eq!(reading(say(&adapters, message)).flags, expected, "{message}");
    }
}

#[test]
fn a_message_id_may_be_a_number() {
    let adapters = mapped(&["message_id = \"/n\"\n", BY_TOPIC, VALUE, ARRIVAL]);
    let id = |message| reading(say(&adapters, message)).message_id;
    assert_eq!(id(r#"{"v":1,"n":77}"#).as_deref(), Some("77"));
    assert_eq!(id(r#"{"v":1,"n":"a-1"}"#).as_deref(), Some("a-1"));
    assert_eq!(id(r#"{"v":1}"#), None);
    let long = format!("{{\"v\":1,\"n\":\"{}\"}}", "n".repeat(MAX_MESSAGE_ID_CHARS + 1));
    assert!(matches!(say(&adapters, &long), Err(AdapterError::WrongType { .. })));
}

#[test]
fn rejects_what_is_not_json() {
    for message in ["", "v=1", "{\"v\":1}{", "\u{feff}{\"v\":1}"] {
        assert_eq!(refused(&[BY_TOPIC, VALUE, ARRIVAL], message), AdapterError::NotJson);
    }
}

#[test]
fn rejects_a_value_that_is_missing_or_of_another_type() {
    let of = |message: &str| refused(&[BY_TOPIC, VALUE, ARRIVAL], message);
    for message in ["{}", r#"{"v":null}"#, "[1]", "1"] {
        assert_eq!(of(message), AdapterError::MissingPointer("/v".into()), "{message}");
    }
    for message in [r#"{"v":{}}"#, r#"{"v":[1]}"#, r#"{"v":true}"#] {
        assert!(matches!(of(message), AdapterError::WrongType { .. }), "{message}");
    }
}

#[test]
fn rejects_numbers_that_cannot_be_the_meters_unit() {
    let of = |message: &str| refused(&[BY_TOPIC, VALUE, ARRIVAL], message);
    assert!(matches!(of(r#"{"v":"12,5"}"#), AdapterError::NotANumber { .. }));
    assert!(matches!(of(r#"{"v":12.5}"#), AdapterError::Fraction { .. }));
    for number in ["9223372036854775808", "1000000000000001", "1e30", "-1e30", "1e999"] {
        let message = format!("{{\"v\":{number}}}");
        assert!(matches!(of(&message), AdapterError::OutOfRange { .. }), "{number}");
    }
}

#[test]
fn rejects_times_in_another_form() {
    for (form, time) in [
        ("unix-seconds", "\"2016-05-01T06:00:00Z\""),
        ("unix-seconds", "true"),
        ("beijing", "\"2016-05-01T06:00:00Z\""),
        ("beijing", "\"2016-02-30 06:00:00\""),
        ("rfc3339", "1462082400"),
    ] {
        let config = format!("time = {{ form = \"{form}\", pointer = \"/t\" }}\n");
        let error = refused(&[BY_TOPIC, VALUE, &config], &format!("{{\"v\":5,\"t\":{time}}}"));
        assert!(matches!(error, AdapterError::TimeUnreadable { .. }), "{form} {error:?}");
    }
}

#[test]
fn rejects_milliseconds_taken_for_seconds_and_the_other_way_round() {
    let milliseconds = "time = { form = \"unix-milliseconds\", pointer = \"/t\" }\n";
    for (config, time) in [(SECONDS, "1462082400000"), (milliseconds, "1462082400")] {
        let error = refused(&[BY_TOPIC, VALUE, config], &format!("{{\"v\":5,\"t\":{time}}}"));
        assert!(matches!(error, AdapterError::TimeOutOfRange { .. }), "{error:?}");
    }
}

#[test]
fn rejects_a_device_that_stands_for_no_meter() {
    let unknown = |name: &str| AdapterError::UnknownDevice(name.into());
    let parts = [BY_POINTER, VALUE, ARRIVAL];
    assert_eq!(refused(&parts, r#"{"v":1,"id":"Not A Code"}"#), unknown("Not A Code"));
    let parts = [BY_POINTER, "devices = { a = \"w1\" }\n", VALUE, ARRIVAL];
    assert_eq!(refused(&parts, r#"{"v":1,"id":"w1"}"#), unknown("w1"));
}

#[test]
fn rejects_a_topic_that_ends_before_the_level() {
    let toml = "[[adapter]]\nkind = \"json\"\ntopic = \"acme/#\"\nmeter = { topic_level = 3 }\n";
    let adapters = adapters(&format!("{toml}{VALUE}{ARRIVAL}")).unwrap();
    let refused = take(&adapters, "acme/m7", br#"{"v":1}"#);
    assert!(matches!(refused, Err(AdapterError::TopicShape(_))), "{refused:?}");
}

#[test]
fn rejects_no_samples_and_too_many() {
    let parts = [BY_TOPIC, "samples = \"/s\"\n", VALUE, SECONDS];
    assert_eq!(refused(&parts, r#"{"s":[]}"#), AdapterError::NoSamples("/s".into()));
    assert!(matches!(refused(&parts, r#"{"s":{}}"#), AdapterError::WrongType { .. }));
    let many = |count: usize| {
        let samples: Vec<_> =
            (0..count).map(|at| format!("{{\"v\":{at},\"t\":{}}}", 1_462_082_400 + at)).collect();
        format!("{{\"s\":[{}]}}", samples.join(","))
    };
    assert_eq!(reading(say(&mapped(&parts), &many(MAX_READINGS))).readings.len(), MAX_READINGS);
    assert_eq!(refused(&parts, &many(MAX_READINGS + 1)), AdapterError::TooManySamples);
}

#[test]
fn rejects_a_key_that_stands_twice() {
    let error = refused(&[BY_TOPIC, VALUE, ARRIVAL], r#"{"v":1,"v":2}"#);
    assert_eq!(error, AdapterError::DuplicateKey("/v".into()));
}

#[test]
fn rejects_flags_of_another_type() {
    let flags = "flags = { tamper = \"/c\" }\n";
    let error = refused(&[BY_TOPIC, VALUE, ARRIVAL, flags], r#"{"v":1,"c":"yes"}"#);
    assert!(matches!(error, AdapterError::WrongType { .. }));
}
