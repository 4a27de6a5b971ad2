//! What the fuzz targets do with their bytes.

mod targets;

pub use targets::{
    add_checkpoint, chirpstack, csv, mapped_json, memory, mqtt_packets, report, request,
    witness_policy, xlsx,
};
