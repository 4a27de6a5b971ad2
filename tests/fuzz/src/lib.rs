//! What the fuzz targets do with their bytes.

mod targets;

pub use targets::{
    add_checkpoint, bundle, chirpstack, csv, envelope, log_path, mapped_json, memory, mqtt_packets,
    note, receipt, report, request, statement, submission, verifier_key, witness_policy, xlsx,
};
