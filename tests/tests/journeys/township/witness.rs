//! `mingqu witness`, through any number of lives.

use std::path::PathBuf;

use super::Township;
use crate::harness::{Program, Site, free_port, mingqu};

/// A witness of the township's log.
#[derive(Debug)]
pub struct Witness {
    name: String,
    folder: PathBuf,
    port: u16,
    log: String,
    program: Option<Program>,
}

impl Witness {
    /// Starts a new one, which makes its key.
    pub fn start(township: &Township, name: &str, log: &str) -> Self {
        let folder = township.file(&format!("witness-{name}"));
        let mut witness =
            Self { name: name.into(), folder, port: free_port(), log: log.into(), program: None };
        witness.restart();
        witness
    }

    /// A new life on what is left on disk, under the same address.
    pub fn restart(&mut self) {
        let mut command = mingqu();
        command.arg("witness").arg("--data").arg(&self.folder).args(["--log", &self.log]);
        command.args(["--name", &self.name, "--listen", &format!("127.0.0.1:{}", self.port)]);
        let mut program = Program::start(&mut command);
        program.told("for the policy");
        self.program = Some(program);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    /// SIGTERM; it must end well.
    pub fn stop(&mut self) {
        self.program.take().unwrap().stop().ended_with(0);
    }

    pub fn site(&self) -> Site {
        Site::new(&format!("http://127.0.0.1:{}", self.port))
    }

    /// Its line in a policy by which it is asked at this address.
    pub fn line_at(&self, address: &str) -> String {
        let vkey = std::fs::read_to_string(self.folder.join("witness.vkey")).unwrap();
        format!("witness {} {} {address}\n", self.name, vkey.trim_end())
    }

    /// Whether it keeps the proof that the log was forked.
    pub fn saw_a_fork(&self) -> bool {
        self.folder.join("forks").exists()
    }

    /// Entries that it has cosigned.
    pub fn size(&self) -> u64 {
        let metrics = self.site().get("/metrics").answered(200).text();
        let mark = "mingqu_witness_cosigned_entries{";
        let line = metrics.lines().find(|line| line.starts_with(mark)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    /// Whether a checkpoint is on its disk.
    pub fn stored(&self) -> bool {
        let mut files = std::fs::read_dir(self.folder.join("logs")).unwrap();
        files.any(|file| file.unwrap().path().extension().is_none())
    }
}
