use mqtt::adapter::{AdaptersError, MAX_ADAPTERS};

use super::{File, adapters};

const JSON: &str = "[[adapter]]\nkind = \"json\"\ntopic = \"acme/data\"\n\
    meter = { fixed = \"w1\" }\nvalue = { pointer = \"/v\" }\ntime = { form = \"arrival\" }\n";
const CHIRPSTACK: &str = "[[adapter]]\nkind = \"chirpstack\"\n\
    devices = { 24e124136b502217 = \"w1\" }\nvalue = { pointer = \"/object/v\" }\n";

/// What is said of a configuration in which this was replaced by that.
fn refusal(toml: &str, this: &str, that: &str) -> String {
    assert!(toml.contains(this), "{this}");
    adapters(&toml.replace(this, that)).unwrap_err().to_string()
}

#[test]
fn the_least_configurations_work() {
    assert!(adapters(JSON).is_ok());
    assert!(adapters(CHIRPSTACK).is_ok());
    assert!(adapters(&format!("{JSON}{CHIRPSTACK}")).is_ok());
}

#[test]
fn rejects_with_the_adapters_topic_and_what_is_allowed() {
    let value = "value = { pointer = \"/v\" }";
    for (this, that, words) in [
        ("acme/data", "acme/#/data", ["acme/#/data", "wildcard"]),
        ("acme/data", "mingqu/#", ["mingqu/#", "signed reports"]),
        ("\"/v\"", "\"v\"", ["acme/data", "JSON pointer"]),
        (value, "value = { pointer = \"/v\", scale = \"1/3\" }", ["value.scale", "exact decimal"]),
        (value, "value = { pointer = \"/v\", scale = \"0.0\" }", ["value.scale", "the same"]),
        (value, "value = {}", ["value.pointer", "value.data"]),
        (value, "value = { data = { from = 0, bytes = 4 } }", ["value.data", "chirpstack alone"]),
        ("\"arrival\"", "\"arrival\", pointer = \"/t\"", ["time needs", "arrival"]),
        ("\"arrival\"", "\"rfc3339\"", ["time needs", "arrival"]),
        ("\"arrival\" }", "\"arrival\" }\nsamples = \"/s\"", ["samples", "time each"]),
        ("fixed = \"w1\"", "", ["fixed", "topic_level"]),
        ("fixed = \"w1\"", "topic_level = 0", ["fixed", "counted from 1"]),
        ("fixed = \"w1\"", "fixed = \"W 1\"", ["meter.fixed", "a-z"]),
        ("\"arrival\" }", "\"arrival\" }\ndevices = { a = \"b\" }", ["devices", "meter.fixed"]),
    ] {
        let message = refusal(JSON, this, that);
        for word in words {
            assert!(message.contains(word), "{that}: {message}");
        }
    }
}

#[test]
fn rejects_what_no_chirpstack_server_has() {
    let first = "kind = \"chirpstack\"";
    let value = "{ pointer = \"/object/v\" }";
    for (this, that, word) in [
        (
            first,
            "kind = \"chirpstack\"\ntopic = \"application/+/device/+/event/join\"",
            "/event/up",
        ),
        (first, "kind = \"chirpstack\"\nbattery_low_below_percent = 101", "0 to 100"),
        ("24e124136b502217", "24e1", "16 hexadecimal digits"),
        ("24e124136b502217 = \"w1\"", "", "devices is empty"),
        ("24e124136b502217", "24E124136B502217 = \"w2\", 24e124136b502217", "upper and lower case"),
        (value, "{ data = { from = 0, bytes = 9 } }", "1 to 8"),
    ] {
        let message = refusal(CHIRPSTACK, this, that);
        assert!(message.contains(word), "{that}: {message}");
    }
}

#[test]
fn rejects_unknown_keys_by_name() {
    for (toml, line) in [
        (JSON, "ports = [1]"),
        (CHIRPSTACK, "message_id = \"/n\""),
        (JSON, "flags = { batery = 1 }"),
    ] {
        let error = toml::from_str::<File>(&format!("{toml}{line}\n")).unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{error}");
    }
    let error = toml::from_str::<File>(&JSON.replace("\"json\"", "\"xml\"")).unwrap_err();
    assert!(error.to_string().contains("`chirpstack` or `json`"), "{error}");
}

#[test]
fn rejects_adapters_that_would_take_the_same_messages() {
    let both = format!("{JSON}{}", JSON.replace("acme/data", "acme/+"));
    let error = adapters(&both).unwrap_err();
    assert!(matches!(error, AdaptersError::Overlap { .. }), "{error}");
}

#[test]
fn rejects_one_adapter_too_many() {
    let many = |count: usize| -> String {
        (0..count).map(|at| JSON.replace("acme/data", &format!("acme/{at}"))).collect()
    };
    assert!(adapters(&many(MAX_ADAPTERS)).is_ok());
    assert_eq!(adapters(&many(MAX_ADAPTERS + 1)).err(), Some(AdaptersError::TooMany));
}
