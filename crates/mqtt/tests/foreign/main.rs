//! Foreign messages become readings, or are refused by name: the format page's examples, the vectors, every rule.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod chirpstack;
mod configuration;
mod mapped;
mod page;

use mqtt::adapter::config::AdapterConfig;
use mqtt::adapter::{AdapterError, Adapters, AdaptersError, ForeignReading, Taken};
use serde::Deserialize;

/// 2016-05-01T06:10:00.5Z.
const ARRIVED_MS: i64 = 1_462_083_000_500;

#[derive(Debug, Deserialize)]
struct File {
    adapter: Vec<AdapterConfig>,
}

/// The adapters of a configuration file's text.
fn adapters(toml: &str) -> Result<Adapters, AdaptersError> {
    let file: File = toml::from_str(toml).unwrap();
    Adapters::new(&file.adapter)
}

fn take(adapters: &Adapters, topic: &str, payload: &[u8]) -> Result<Taken, AdapterError> {
    adapters.take(topic, payload, ARRIVED_MS).unwrap()
}

fn reading(taken: Result<Taken, AdapterError>) -> ForeignReading {
    match taken {
        Ok(Taken::Reading(reading)) => reading,
        other => panic!("not a reading: {other:?}"),
    }
}

fn values(reading: &ForeignReading) -> Vec<(i64, i64)> {
    reading.readings.iter().map(|one| (one.at_ms, one.value)).collect()
}
