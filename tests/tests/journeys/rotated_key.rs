//! Somebody puts a new key in the place of theirs: from that posting on the new one signs and the old one does not.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::harness::{Finished, Site, free_port, mingqu, wait_for};
use crate::township::{CADRES, STATION, Server, Township, Waiting, audit_holds};

const WORDS: &str = "渠水 runs in the open";

/// `mingqu keys rotate` from the key of that name to a new one, with a passphrase in a file.
fn rotate(township: &Township, site: &Site, old: &str, new: &str) -> Command {
    let mut command = mingqu();
    command.args(["keys", "rotate", "--server", site.base(), "--key"]);
    command.arg(township.key_file(old)).arg("--new").arg(township.key_file(new));
    command.arg("--new-passphrase-file").arg(passphrase(township));
    command
}

fn passphrase(township: &Township) -> PathBuf {
    let file = township.file("passphrase");
    std::fs::write(&file, format!("{WORDS}\n")).unwrap();
    file
}

#[test]
fn the_new_key_signs_and_the_old_one_is_refused() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    township.report(&server, 12);
    let watering = township.water(site, "turn-1", 1);
    let old = township.fingerprint(STATION.key);

    let rotated =
        Finished::of(&mut rotate(&township, site, STATION.key, "zhang-2024")).ended_with(0);
    let said = rotated.json();
    let index = said["posted_index"].as_u64().unwrap_or_else(|| panic!("{said}"));
    assert_eq!((&said["state"], &said["replaces"]), (&json!("posted"), &json!(old)));
    assert_eq!((&said["person"], &said["role"]), (&json!("zhang"), &json!("station")));
    let pem = std::fs::read_to_string(township.key_file("zhang-2024")).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");

    // What waited for the old key names the new one instead.
    let new = said["fingerprint"].as_str().unwrap();
    wait_for("the draft to be drawn up anew", || {
        let statement = site.get(&watering.path()).answered(200).json();
        Waiting::of(&statement).body()["head"].to_string().contains(new).then_some(())
    });
    let draft = watering.id;
    let refused = Finished::of(&mut township.sign_command(site, draft, STATION.key)).ended_with(2);
    let revoked = format!("key {old} of zhang was revoked at posting {index}");
    assert!(refused.stderr.contains(&revoked), "{}", refused.stderr);
    // The new key, which its passphrase opens and nothing else does.
    let plain = Finished::of(&mut township.sign_command(site, draft, "zhang-2024")).ended_with(2);
    assert!(plain.stderr.contains("needs a passphrase"), "{}", plain.stderr);
    let wrong = Finished::of(
        township.sign_command(site, draft, "zhang-2024").env("MINGQU_PASSPHRASE", "渠"),
    );
    assert!(wrong.ended_with(2).stderr.contains("the passphrase does not open"));
    let signed = Finished::of(
        township.sign_command(site, draft, "zhang-2024").env("MINGQU_PASSPHRASE", WORDS),
    );
    assert_eq!(signed.ended_with(0).stdout.trim(), "awaiting");
    assert_eq!(township.sign_waiting(site, draft, CADRES[1].key), "posted");

    // As if the answer had been lost: the same command again.
    let again = Finished::of(&mut rotate(&township, site, STATION.key, "zhang-2024")).ended_with(0);
    assert!(again.stderr.contains("was enrolled before, and signs"), "{}", again.stderr);
    // A root's key is the genesis's.
    let root = Finished::of(&mut rotate(&township, site, "bureau", "bureau-2024")).ended_with(2);
    assert!(root.stderr.contains("the genesis names it"), "{}", root.stderr);
    assert!(!township.key_file("bureau-2024").exists());
    life.stop();
    let report = audit_holds(&township.export(&server.flags()));
    assert_eq!((&report["waterings"], &report["keys_revoked"]), (&json!(1), &json!(1)));
}
