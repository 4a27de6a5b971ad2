//! What is handed in is acknowledged, and the acknowledgement is held against the log.

use std::fs;

use crate::harness::{Finished, free_port, mingqu};
use crate::township::{CADRES, STATION, Server, Township};

/// Signs the waiting statement by the command line and keeps the receipt; returns its file.
fn sign(township: &Township, base: &str, statement: &str, key: &str) -> std::path::PathBuf {
    let receipt = township.file(&format!("receipt-{key}.json"));
    let mut command = mingqu();
    command.args(["sign", "--server", base, "--statement", statement, "--yes", "--key"]);
    command.arg(township.key_file(key)).arg("--receipt").arg(&receipt);
    Finished::of(&mut command).ended_with(0);
    receipt
}

#[test]
fn a_log_is_held_against_what_its_server_promised() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.found(&life.site);
    township.report(&server, 12);
    let watering = township.water(&life.site, "turn-1", 1);
    let base = life.site.base().to_owned();
    let id = watering.path().rsplit('/').next().unwrap().to_owned();
    let [_, cadre, ..] = CADRES;

    let first = sign(&township, &base, &id, STATION.key);
    let earlier = township.file("earlier");
    Finished::of(mingqu().args(["log", "copy", &base]).arg(&earlier)).ended_with(0);
    let last = sign(&township, &base, &id, cadre.key);
    let audit = |place: &str, receipts: &[&std::path::Path]| {
        let mut command = mingqu();
        command.args(["audit", place, "--json", "--state"]).arg(township.file("seen.json"));
        for receipt in receipts {
            command.arg("--submission").arg(receipt);
        }
        Finished::of(&mut command)
    };
    let held = audit(&base, &[&first, &last]).ended_with(0).json();
    assert_eq!((&held["promises"], &held["promises_kept"]), (&2.into(), &2.into()));

    // The log as it was before has kept nothing, and need not yet.
    fs::remove_file(township.file("seen.json")).unwrap();
    let held = audit(earlier.to_str().unwrap(), &[&last]).ended_with(0).json();
    assert_eq!((&held["promises"], &held["promises_kept"]), (&1.into(), &0.into()));

    // A receipt that another log signed, or nobody, is none.
    let text = fs::read_to_string(&last).unwrap();
    let forged = township.file("forged.json");
    fs::write(&forged, text.replacen("\"sig\":\"", "\"sig\":\"AAAA", 1)).unwrap();
    audit(&base, &[&forged]).ended_with(2);
}
