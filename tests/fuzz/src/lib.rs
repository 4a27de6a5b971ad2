//! What the fuzz targets do with their bytes.

mod targets;

pub use targets::{chirpstack, csv, mapped_json, memory, mqtt_packets, report, xlsx};
