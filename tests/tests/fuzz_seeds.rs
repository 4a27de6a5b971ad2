//! The fuzz targets, run over the seeds from which fuzzing starts and over what it once found.
//!
//! `tests/fuzz` links the same functions with libFuzzer; its README says how.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(clippy::indexing_slicing, reason = "a target that breaks its law fails")]
#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

/// Runs a target over the files of its folder.
fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        target(&std::fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{name} has no seeds");
}

#[test]
fn reports() {
    replay("report", targets::report);
}

#[test]
fn chirpstack_events() {
    replay("chirpstack", targets::chirpstack);
}

#[test]
fn mapped_json() {
    replay("mapped_json", targets::mapped_json);
}

#[test]
fn csv_files() {
    replay("csv", targets::csv);
}

#[test]
fn workbooks() {
    replay("xlsx", targets::xlsx);
}

#[test]
fn mqtt_packets() {
    replay("mqtt_packets", targets::mqtt_packets);
}

#[test]
fn memories() {
    replay("memory", targets::memory);
}

#[test]
fn requests_to_witnesses() {
    replay("add_checkpoint", targets::add_checkpoint);
}

#[test]
fn requests_of_people() {
    replay("request", targets::request);
}

#[test]
fn policies_of_witnesses() {
    replay("witness_policy", targets::witness_policy);
}

#[test]
fn envelopes() {
    replay("envelope", targets::envelope);
}

#[test]
fn statements() {
    replay("statement", targets::statement);
}

#[test]
fn submission_receipts() {
    replay("submission", targets::submission);
}

#[test]
fn notes_and_checkpoints() {
    replay("note", targets::note);
}

#[test]
fn receipts() {
    replay("receipt", targets::receipt);
}

#[test]
fn bundles() {
    replay("bundle", targets::bundle);
}

#[test]
fn paths_into_a_log() {
    replay("log_path", targets::log_path);
}

#[test]
fn verifier_keys() {
    replay("verifier_key", targets::verifier_key);
}
