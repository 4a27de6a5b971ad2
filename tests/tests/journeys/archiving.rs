//! Old reports are archived while the server runs: what was posted holds without them, what is under way keeps them.

use std::path::Path;

use disclosure::key::sign;
use serde_json::{Value, json};

use crate::harness::{Finished, Site, free_port, mingqu};
use crate::township::{CADRES, STATION, Server, Township, Waiting, audit_holds};

/// `mingqu archive` over the township's data, with these flags; what it printed, by line.
#[track_caller]
fn archive(township: &Township, flags: &[&str]) -> Vec<Value> {
    let done = Finished::of(mingqu().arg("archive").arg("--data").arg(township.data()).args(flags));
    let done = done.ended_with(0).stdout;
    done.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn post(township: &Township, site: &Site, watering: &Waiting) {
    let [_, supervisor, ..] = CADRES;
    for (key, state) in [(STATION.key, "awaiting"), (supervisor.key, "posted")] {
        let sig = sign(&township.key(key), &watering.message);
        let body = json!({
            "keyid": township.fingerprint(key),
            "sig": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sig),
        });
        let signed = site.post(&format!("{}/signatures", watering.path()), &body).answered(200);
        assert_eq!(signed.json()["state"], state);
    }
}

/// Reports that are stored and not archived, by a look into the data folder of a running server.
fn reports_on_page(site: &Site) -> u64 {
    let status = site.get("/api/v1/status").answered(200).json();
    status["stored_reports"].as_u64().unwrap()
}

#[test]
fn old_reports_are_archived_under_a_running_server() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    township.report(&server, 12);
    let watering = township.water(site, "turn-1", 1);

    // The turn from 02:00 is not posted: its reports stay, from the one that tells 02:00.
    let before = ["--before", "2024-05-01"];
    let done = archive(&township, &["--before", "2024-05-01", "--dry-run"]);
    assert_eq!(
        done[0],
        json!({ "kept_for": { "turns": "jing-1" }, "from": "2024-04-01T02:00:00Z" })
    );
    assert_eq!((&done[1]["month"], &done[1]["reports"]), (&json!("2024-04"), &json!(2)));
    assert!(!township.data().join("archive").exists());
    assert_eq!(archive(&township, &before)[1]["reports"], 2);

    post(&township, site, &watering);
    let done = archive(&township, &before);
    assert_eq!((done.len(), &done[0]["reports"]), (1, &json!(9)));
    assert_eq!(archive(&township, &before), Vec::<Value>::new());

    // The meter sends everything again and is told that everything is there.
    township.report(&server, 12);
    assert_eq!(reports_on_page(site), 12);
    life.stop();
    assert_eq!(audit_holds(&township.export(&server.flags()))["waterings"], 1);

    // A second life finds everything in order; the reports come back from the two files.
    let life = server.start(&township.data());
    let mut restored = 0;
    for number in 1..=2 {
        let manifest = township.data().join(format!("archive/2024-04/{number:04}.json"));
        let back = archive(&township, &["--restore", manifest.to_str().unwrap()]);
        restored += back[0]["restored"].as_u64().unwrap();
    }
    assert_eq!(restored, 11);
    assert_eq!(archive(&township, &before)[0]["reports"], 11);
    life.stop();
}

#[test]
fn rejects_an_archive_of_young_reports() {
    let township = Township::prepare(1);
    let refused = |flags: &[&str]| {
        let mut command = mingqu();
        Finished::of(command.arg("archive").arg("--data").arg(township.data()).args(flags))
            .ended_with(2)
            .stderr
    };
    assert!(refused(&[]).contains("give --before YYYY-MM-DD"));
    let young = refused(&["--before", "2199-01-01"]);
    assert!(young.contains("at least 90 days"), "{young}");
    assert!(refused(&["--before", "yesterday"]).contains("--before"));
    assert!(!Path::new(&township.data().join("archive")).exists());
    // A served district refuses a policy that keeps too little, too.
    let file = township.data().join("mingqu.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("# [retention]\n# keep_days = 400", "[retention]\nkeep_days = 7"),
    )
    .unwrap();
    let served = Finished::of(mingqu().arg("serve").arg("--data").arg(township.data()));
    let told = served.ended_with(2).stderr;
    assert!(told.contains("retention.keep_days = 7") && told.contains("90"), "{told}");
}
