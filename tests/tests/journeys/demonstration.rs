//! The demonstration from its first start to an audited copy of its log, and what a changed byte does to that copy.

mod export;
mod flips;
mod recomputation;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Dice, Finished, Postgres, Program, Site, mingqu, wait_for};
use crate::township::audit_holds;

use export::Export;
use recomputation::Season;

struct Demonstration {
    folder: TempDir,
}

impl Demonstration {
    fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("mingqu-demo-").tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self) -> Command {
        let free = "127.0.0.1:0";
        let mut command = mingqu();
        command
            .args(["demo", "--once", "--listen", free, "--mqtt-listen", free, "--data"])
            .arg(self.data());
        command
    }

    /// The whole season; returns the figures that it prints.
    fn live(&self) -> Value {
        let demo = Finished::of(&mut self.command()).ended_with(0);
        assert!(
            demo.stderr.contains("http://127.0.0.1:"),
            "it says where to look: {}",
            demo.stderr
        );
        demo.json()
    }

    fn export(&self, name: &str) -> Export {
        let out = self.folder.path().join(name);
        let export =
            Finished::of(mingqu().args(["log", "export", "--data"]).arg(self.data()).arg(&out));
        export.ended_with(0);
        Export::read(&out)
    }

    /// Serves what is there, with `mingqu serve`.
    fn serve(&self) -> (Program, Site) {
        let free = "127.0.0.1:0";
        let mut command = mingqu();
        command.args(["serve", "--listen", free, "--mqtt-listen", free, "--data"]).arg(self.data());
        let mut program = Program::start(&mut command);
        let site = Site::new(&program.told("board   "));
        (program, site)
    }
}

/// Lives the season, lives it again, and holds every litre and fen against the raw registers.
fn season_is_posted_once_and_to_the_fen(demonstration: &Demonstration) {
    let season = Season::read();
    let first = demonstration.live();
    assert_eq!(first["bill_runs_posted"], 6);
    let export = demonstration.export("first");
    let report = audit_holds(&export.folder);
    assert_eq!(report["findings"], serde_json::json!([]));

    season.holds_for(&export);
    let bills = export.bills();
    assert_eq!(report["bills"], bills.len());

    let second = demonstration.live();
    assert_eq!((&second["statements_posted"], &second["bill_runs_posted"]), (&0.into(), &0.into()));
    assert_eq!(demonstration.export("second").files, export.files, "a second start adds nothing");

    let (server, site) = demonstration.serve();
    let copy = demonstration.folder.path().join("copy");
    let copied = Finished::of(mingqu().args(["log", "copy", site.base()]).arg(&copy));
    copied.ended_with(0);
    assert_eq!(Export::read(&copy).files, export.files, "the server publishes the same log");
    for index in 0..export.entries.len() {
        let envelope = site.get(&format!("/postings/{index}/envelope")).answered(200).body;
        assert_eq!(envelope, export.entries[index]);
        site.get(&format!("/postings/{index}")).answered(200);
    }
    pages_show_the_bills(&site, &season);
    server.stop().ended_with(0);
}

/// A household's page shows what it owes, to the fen.
fn pages_show_the_bills(site: &Site, season: &Season) {
    for household in ["10101", "20403"] {
        let page = site.get(&format!("/households/{household}?year=2016")).answered(200).text();
        let owed: Vec<i64> = season.bills_of(household);
        assert_eq!(owed.len(), 3);
        for fen in owed {
            let yuan = format!("{}.{:02}", fen / 100, fen % 100);
            assert!(page.contains(&yuan), "{household} owes {yuan}");
        }
    }
    let board = site.get("/").answered(200).text();
    assert!(board.contains("东渠村") && board.contains("柳湾村"));
}

#[test]
fn a_killed_demonstration_goes_on_where_it_ended() {
    let demonstration = Demonstration::new();
    let mut dice = Dice::new(4);
    let mut posted = 0;
    for _ in 0..3 {
        let mut demo = Program::start(&mut demonstration.command());
        let site = Site::new(&demo.told("board   "));
        let moment = posted + 1 + dice.roll(14);
        posted = wait_for("the season to go on", || {
            let status = site.get("/api/v1/status").answered(200).json();
            let entries = usize::try_from(status["log_size"].as_u64().unwrap()).unwrap();
            (entries >= moment).then_some(entries)
        });
        demo.kill();
    }
    demonstration.live();
    let export = demonstration.export("copy");
    audit_holds(&export.folder);
    Season::read().holds_for(&export);
}

#[test]
fn one_entry_is_checked_by_itself() {
    let demonstration = Demonstration::new();
    demonstration.live();
    let export = demonstration.export("copy");
    let key = String::from_utf8(export.files["log.vkey"].clone()).unwrap();
    let (server, site) = demonstration.serve();
    let save = |name: &str, bytes: &[u8]| {
        let file = demonstration.folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let (index, _) = export.statements("watering")[3];
    let receipt = site.get(&format!("/postings/{index}/receipt")).answered(200).body;
    server.stop().ended_with(0);

    let entry = save("entry", &export.entries[index]);
    let receipt = save("receipt", &receipt);
    let by_receipt = |entry: &Path| {
        let mut command = mingqu();
        command.arg("verify").arg(&receipt).args(["--log-key", key.trim_end(), "--entry"]);
        Finished::of(command.arg(entry))
    };
    by_receipt(&entry).ended_with(0);
    let other = by_receipt(&save("other", &export.entries[index + 1])).ended_with(1);
    assert!(other.stdout.contains("does not hold"), "{}", other.stdout);

    let by_log = |entry: &Path| {
        Finished::of(mingqu().arg("verify").arg(entry).arg("--log").arg(&export.folder))
    };
    by_log(&entry).ended_with(0);
    let mut forged: Value = serde_json::from_slice(&export.entries[index]).unwrap();
    forged["signatures"].as_array_mut().unwrap().pop();
    by_log(&save("one-sided", forged.to_string().as_bytes())).ended_with(1);
}

#[test]
fn on_sqlite() {
    season_is_posted_once_and_to_the_fen(&Demonstration::new());
}

#[test]
fn on_postgresql() {
    let postgres = Postgres::start();
    let demonstration = Demonstration::new();
    std::fs::create_dir_all(demonstration.data()).unwrap();
    let config = format!(
        "district = \"minghe\"\norigin = \"demo.mingqu.example/minghe\"\ndatabase = \"{}\"\n",
        postgres.database("minghe")
    );
    std::fs::write(demonstration.data().join("mingqu.toml"), config).unwrap();
    season_is_posted_once_and_to_the_fen(&demonstration);
    assert!(!demonstration.data().join("mingqu.db").exists(), "it used the database it was told");
}

fn audit(folder: &Path) -> Finished {
    Finished::of(mingqu().arg("audit").arg(folder))
}
