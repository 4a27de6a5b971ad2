//! A log is audited, verified and copied where it is served: over HTTP, and over HTTPS by whom the reader trusts.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Authority, Finished, Site, free_port, mingqu};
use crate::township::{CADRES, Life, Person, STATION, Server, Township, audit_holds};

const NEWCOMER: Person = Person::cadre("newcomer", "liuwan", None);

/// A township with one posted watering, and who audits it from elsewhere.
struct Scene {
    township: Township,
    server: Server,
    life: Life,
    authority: Authority,
}

impl Scene {
    fn set() -> Self {
        let township = Township::prepare(1);
        let server = Server::with_endpoint(free_port());
        let life = server.start(&township.data());
        township.found(&life.site);
        township.report(&server, 12);
        let watering = township.water(&life.site, "turn-1", 1);
        for key in [STATION.key, CADRES[1].key] {
            township.sign_waiting(&life.site, watering.id, key);
        }
        Self { township, server, life, authority: Authority::new() }
    }

    fn site(&self) -> &Site {
        &self.life.site
    }

    /// Where the auditor remembers what was seen.
    fn memory(&self) -> PathBuf {
        self.township.file("seen-logs.json")
    }

    fn audit(&self, place: &str) -> Command {
        let mut command = mingqu();
        command.args(["audit", place, "--json", "--state"]).arg(self.memory());
        command.args(["--log-key", &self.township.log_vkey()]);
        command
    }
}

/// An audit that must find nothing.
#[track_caller]
fn holds(command: &mut Command) -> Value {
    let report = Finished::of(command).ended_with(0).json();
    assert_eq!((&report["findings"], &report["waterings"]), (&json!([]), &json!(1)));
    report
}

/// An audit that comes to nothing; its words.
#[track_caller]
fn fails(command: &mut Command) -> String {
    let Finished { stdout, stderr, .. } = Finished::of(command).ended_with(2);
    stdout + &stderr
}

#[test]
fn a_served_log_is_audited_like_a_copy_of_it() {
    let scene = Scene::set();
    let report = holds(&mut scene.audit(scene.site().base()));
    assert_eq!(report["key_was_trusted"], json!(true));
    let size = report["size"].as_u64().unwrap();

    // It grows, and the next audit finds that it continues what was seen.
    scene.township.enrol(scene.site(), &NEWCOMER);
    let later = holds(&mut scene.audit(scene.site().base()));
    assert_eq!(later["size"], json!(size + 1));
    assert!(std::fs::read_to_string(scene.memory()).unwrap().contains("test.mingqu.example"));

    // A copy made from outside and one made by the server are the same to an audit.
    let copy = scene.township.file("copy");
    let copied = Finished::of(mingqu().args(["log", "copy", scene.site().base()]).arg(&copy));
    assert!(copied.ended_with(0).stderr.contains(&format!("wrote {} entries", size + 1)));
    let of_copy = audit_holds(&copy);
    let base = scene.site().base().to_owned();
    scene.life.stop();
    let of_export = audit_holds(&scene.township.export(&scene.server.flags()));
    assert_eq!(of_copy, of_export);

    let mut command = mingqu();
    command.args(["audit", &base, "--state"]).arg(scene.township.file("seen-logs.json"));
    let words = Finished::of(&mut command).ended_with(2).stderr;
    assert!(words.contains("cannot be reached") && words.contains("after 4 tries"), "{words}");
}

#[test]
fn https_is_spoken_with_whom_the_reader_trusts() {
    let scene = Scene::set();
    let https = scene.authority.in_front_of(scene.site().base());
    let ca = scene.authority.certificate();

    // Nobody whom browsers trust vouches for it.
    let words = fails(&mut scene.audit(&https));
    assert!(words.contains("--ca FILE"), "{words}");
    let report = holds(scene.audit(&https).arg("--ca").arg(&ca));
    holds(scene.audit(&https).env("MINGQU_CA", &ca));

    let copy = scene.township.file("copy");
    let mut command = mingqu();
    command.args(["log", "copy", &https]).arg(&copy).arg("--ca").arg(&ca);
    Finished::of(&mut command).ended_with(0);
    assert_eq!(audit_holds(&copy)["root"], report["root"]);

    // A receipt, with the entry and the key fetched the same way.
    let receipt = scene.township.file("first.tlog-proof");
    let bytes = scene.site().get("/postings/0/receipt").answered(200).body;
    std::fs::write(&receipt, bytes).unwrap();
    let mut command = mingqu();
    command.arg("verify").arg(&receipt).args(["--log", &https]).arg("--ca").arg(&ca);
    assert!(Finished::of(&mut command).ended_with(0).stdout.contains("the receipt holds"));

    // What is signed goes the same way.
    let request = scene.township.file("request.json");
    let ask = json!({ "open-round": {
        "id": "2024-2", "name": "夏灌",
        "opens_at": "2024-06-01T00:00:00Z", "closes_at": "2024-06-10T00:00:00Z",
    }});
    let body = json!({ "district": "qinghe", "asked_at": "2024-05-01T00:00:00Z", "ask": ask });
    std::fs::write(&request, body.to_string()).unwrap();
    let sign = || {
        let mut command = mingqu();
        command.args(["sign", "--kind", "request", "--hand-in", &https, "--key"]);
        command.arg(scene.township.key_file(STATION.key)).arg(&request);
        command
    };
    assert!(fails(&mut sign()).contains("--ca FILE"));
    Finished::of(sign().arg("--ca").arg(&ca)).ended_with(0);
    scene.life.stop();
}

#[test]
fn a_reader_is_sent_on_a_few_times_and_never_out_of_https() {
    let scene = Scene::set();
    let ca = scene.authority.certificate();
    let trusting = |place: &str| {
        let mut command = scene.audit(place);
        command.arg("--ca").arg(&ca);
        command
    };
    let https = scene.authority.in_front_of(scene.site().base());
    let mut place = https;
    for _ in 0..3 {
        place = scene.authority.sending_on_to(&place);
        holds(&mut trusting(&place));
    }
    let words = fails(&mut trusting(&scene.authority.sending_on_to(&place)));
    assert!(words.contains("sends on more than 3 times"), "{words}");
    let words = fails(&mut trusting(&scene.authority.sending_on_to(scene.site().base())));
    assert!(words.contains("which is not encrypted"), "{words}");
    scene.life.stop();
}
