//! A small township, set up as a township would: through the command line, with keys in files.
//!
//! Two villages, a few wells with a synthetic meter each (`sim-000001` and on), four households, and
//! the people who sign. Every instant is fixed, so that a repeated statement has the same bytes.

mod people;
mod server;
mod statements;
mod waiting;
mod witness;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Finished, firmware_sim, mingqu};

pub use people::{CADRES, Person, STATION, SUPERVISOR};
pub use server::{Life, Server};
pub use statements::turn;
pub use waiting::Waiting;
pub use witness::Witness;

/// The district's code; it stands in the topics.
pub const DISTRICT: &str = "qinghe";
/// When everything was drawn up.
pub const DRAWN_UP: &str = "2024-03-01T00:00:00Z";
/// When the meters' first readings are.
pub const FIRST_READING: &str = "2024-04-01T00:00:00Z";
/// What the meters' keys follow from.
pub const METER_SEED: u64 = 7;

/// The folders of one township.
#[derive(Debug)]
pub struct Township {
    folder: TempDir,
    meters: u32,
}

impl Township {
    /// Makes the roots' keys and the data folder of a district with so many wells.
    pub fn prepare(meters: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("mingqu-township-").tempdir().unwrap();
        let township = Self { folder, meters };
        for root in ["bureau", "office"] {
            township.new_key(root);
        }
        let root = |name: &str| format!("{name}={}", township.public_key(name));
        let init = Finished::of(
            mingqu()
                .arg("init")
                .arg("--data")
                .arg(township.data())
                .args(["--district", DISTRICT, "--name", "清河灌区"])
                .args(["--origin", "test.mingqu.example/qinghe"])
                .args(["--root", &root("bureau"), "--root", &root("office")]),
        );
        let genesis = init.ended_with(0).stdout;
        assert_eq!(Path::new(genesis.trim()), township.data().join("genesis.json"));
        township
    }

    /// The server's data folder.
    pub fn data(&self) -> PathBuf {
        self.file("data")
    }

    /// The data folder of one more server of the district.
    pub fn another_data(&self) -> PathBuf {
        let other = self.file("another-data");
        std::fs::create_dir(&other).unwrap();
        for name in ["mingqu.toml", "log.key", "genesis.json"] {
            std::fs::copy(self.data().join(name), other.join(name)).unwrap();
        }
        other
    }

    /// The log's verifier key, as the genesis names it.
    pub fn log_vkey(&self) -> String {
        let genesis = std::fs::read(self.data().join("genesis.json")).unwrap();
        let genesis: Value = serde_json::from_slice(&genesis).unwrap();
        genesis["log_key"].as_str().unwrap().to_owned()
    }

    /// A file beside the data folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How many wells there are.
    pub fn meters(&self) -> u32 {
        self.meters
    }

    /// Public keys of the meters by id.
    pub fn meter_keys(&self) -> Vec<(String, String)> {
        let printed = Finished::of(
            firmware_sim()
                .args(["keys", "--meters", &self.meters.to_string()])
                .args(["--seed", &METER_SEED.to_string()]),
        );
        let keys: Value = printed.ended_with(0).json();
        let keys = keys.as_object().unwrap();
        keys.iter().map(|(id, key)| (id.clone(), key.as_str().unwrap().to_owned())).collect()
    }

    /// `mingqu log export`, with the server's own flags.
    pub fn export(&self, flags: &[&str]) -> PathBuf {
        let out = self.file("export");
        let export = mingqu()
            .args(["log", "export", "--data"])
            .arg(self.data())
            .args(flags)
            .arg(&out)
            .output();
        let export = export.unwrap();
        assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
        out
    }
}

/// `mingqu audit`, which must say that the log holds.
#[track_caller]
pub fn audit_holds(export: &Path) -> Value {
    let report = Finished::of(mingqu().arg("audit").arg("--json").arg(export)).ended_with(0).json();
    assert_eq!(report["findings"], serde_json::json!([]));
    let words = Finished::of(mingqu().arg("audit").arg(export)).ended_with(0).stdout;
    assert!(words.contains("the log holds"), "{words}");
    report
}
