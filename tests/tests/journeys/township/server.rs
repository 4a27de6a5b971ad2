//! `mingqu serve` over a township's data, through any number of lives.

use std::path::Path;
use std::process::Command;

use super::{DISTRICT, FIRST_READING, METER_SEED, Township};
use crate::harness::{Finished, Program, Site, firmware_sim, mingqu};

/// How the server is reached, the same in each of its lives.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where meters connect: HOST:PORT.
    pub meters: String,
    flags: Vec<String>,
}

/// One life of the server.
#[derive(Debug)]
pub struct Life {
    pub program: Program,
    pub site: Site,
}

impl Server {
    /// Meters connect to the program itself.
    pub fn with_endpoint(meters_port: u16) -> Self {
        let meters = format!("127.0.0.1:{meters_port}");
        let flags = vec!["--mqtt-listen".to_owned(), meters.clone()];
        Self { meters, flags }
    }

    /// Meters connect to a broker.
    pub fn with_broker(address: String) -> Self {
        let flags = vec!["--broker".to_owned(), address.clone()];
        Self { meters: address, flags }
    }

    /// The same over another database than the data folder's own.
    pub fn over(mut self, database: &str) -> Self {
        self.flags.extend(["--database".to_owned(), database.to_owned()]);
        self
    }

    /// One of several servers that divide the reports among them.
    pub fn sharing(mut self, client_id: &str) -> Self {
        let flags = ["--broker-share", "qinghe", "--broker-client-id", client_id];
        self.flags.extend(flags.map(str::to_owned));
        self
    }

    /// What the command line says beside the data folder.
    pub fn flags(&self) -> Vec<&str> {
        self.flags.iter().map(String::as_str).collect()
    }

    /// Starts it; it has its ports when this returns.
    pub fn start(&self, data: &Path) -> Life {
        let mut command = mingqu();
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        let mut program = Program::start(command.args(&self.flags));
        let site = Site::new(&program.told("board   "));
        Life { program, site }
    }
}

impl Life {
    /// SIGTERM; it must end well.
    pub fn stop(self) {
        self.program.stop().ended_with(0);
    }
}

impl Township {
    /// A fleet of all the township's meters that sends so many reports each, with the further flags.
    pub fn fleet(&self, server: &Server, reports: u32, flags: &[&str]) -> Command {
        let mut command = firmware_sim();
        command
            .args(["fleet", "--meters", &self.meters().to_string()])
            .args(["--reports", &reports.to_string(), "--seed", &METER_SEED.to_string()])
            .args(["--start", FIRST_READING, "--broker", &server.meters, "--district", DISTRICT])
            .args(["--give-up-after", "300"])
            .args(flags);
        command
    }

    /// Sends reports of all meters and waits for the receipts.
    pub fn report(&self, server: &Server, reports: u32) {
        let sums = Finished::of(&mut self.fleet(server, reports, &[])).ended_with(0).json();
        assert_eq!(sums["receipted"], serde_json::json!(self.meters() * reports));
    }
}
