use std::iter;

use chrono::{DateTime, SecondsFormat};
use service::ForeignReason;
use telemetry::Flags;

use super::{ForeignReading, adapters, reading, take};

const PAGE: &str = include_str!("../../../../docs/formats/foreign.md");

/// The block of the page that is fenced as this.
fn block(name: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```{name}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

fn shown(reading: &ForeignReading) -> String {
    let mut text = reading.meter.to_string();
    for (flag, word) in [(Flags::LOW_BATTERY, " low-battery"), (Flags::TAMPER, " tamper")] {
        if reading.flags.contains(flag) {
            text += word;
        }
    }
    let lines = reading.readings.iter().map(|one| {
        let at = DateTime::from_timestamp_millis(one.at_ms).unwrap();
        format!("{} {}", at.to_rfc3339_opts(SecondsFormat::AutoSi, true), one.value)
    });
    iter::once(text).chain(lines).collect::<Vec<_>>().join("\n")
}

const EVENT_TOPIC: &str =
    "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/24e124136b502217/event/up";

#[test]
fn every_example_on_the_page_is_true() {
    for (toml, topic, json, text) in [
        ("chirpstack", EVENT_TOPIC, "chirpstack", "chirpstack"),
        ("chirpstack-data", EVENT_TOPIC, "chirpstack", "chirpstack-data"),
        ("json", "acme/AC-0042/data", "json", "json"),
    ] {
        let adapters = adapters(block(&format!("toml {toml}"))).unwrap();
        let payload = block(&format!("json {json}")).as_bytes();
        let reading = reading(take(&adapters, topic, payload));
        assert_eq!(shown(&reading), block(&format!("text {text}")), "{toml}");
    }
}

#[test]
fn the_page_names_every_reason() {
    let mut listed: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `foreign-"))
        .map(|rest| rest.split('`').next().unwrap())
        .collect();
    listed.sort_unstable();
    let known = ForeignReason::ALL.map(|reason| reason.code().strip_prefix("foreign-").unwrap());
    let mut known = Vec::from(known);
    known.sort_unstable();
    assert_eq!(listed, known);
}
