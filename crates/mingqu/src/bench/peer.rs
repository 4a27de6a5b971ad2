//! The script that most people would write, as a measure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use disclosure::key::PublicKey;

use super::fleet::Fleet;
use super::process::{Process, Says};

const SCRIPT: &str = include_str!("../../bench/peer.py");
const READY: Duration = Duration::from_secs(30);
const DONE: Duration = Duration::from_mins(15);

/// The script with all that it needs, in a folder.
pub struct Peer<'a> {
    python: &'a str,
    folder: &'a Path,
    district: &'a str,
    broker: SocketAddr,
}

impl<'a> Peer<'a> {
    /// Lays the script and the fleet's keys into the folder; an error says what to install.
    pub fn new(
        python: &'a str,
        folder: &'a Path,
        district: &'a str,
        broker: SocketAddr,
        fleet: &Fleet,
    ) -> anyhow::Result<Self> {
        let imports = Command::new(python).args(["-c", "import cbor2, nacl, paho.mqtt"]).output();
        match imports {
            Ok(output) if output.status.success() => {}
            _ => bail!(
                "{python} does not have what it needs: `pip install paho-mqtt pynacl cbor2`, or name another with --python"
            ),
        }
        let keys = fleet.keys().map(|(meter, key)| {
            Ok((meter.to_string(), PublicKey::from_bytes(key.as_bytes())?.to_hex()))
        });
        let keys: BTreeMap<String, String> = keys.collect::<anyhow::Result<_>>()?;
        std::fs::write(folder.join("peer.py"), SCRIPT)
            .and_then(|()| {
                std::fs::write(folder.join("peer-keys.json"), serde_json::to_vec(&keys)?)
            })
            .context("cannot write the peer's script")?;
        Ok(Self { python, folder, district, broker })
    }

    /// Starts it on a database and with a client id of its own, and waits until it listens.
    pub fn start(&self, name: &str, reports: usize) -> anyhow::Result<Process> {
        let mut command = Command::new(self.python);
        command.current_dir(self.folder).arg("peer.py");
        command.arg(self.broker.ip().to_string()).arg(self.broker.port().to_string());
        command.arg(self.district).arg("peer-keys.json").arg(format!("{name}.sqlite"));
        command.arg(name).arg(reports.to_string());
        let process = Process::start(&mut command, Says::Stdout)?;
        process.told("ready", READY).context("starting the peer script")?;
        Ok(process)
    }

    /// Waits until it has stored all its reports; returns how long that took from the first one.
    pub fn finish(process: &Process) -> anyhow::Result<Duration> {
        let said = process.told("stored all in ", DONE)?;
        let seconds = said.strip_suffix(" s").and_then(|seconds| seconds.parse().ok());
        Ok(Duration::from_secs_f64(
            seconds.context("the peer script does not say how long it took")?,
        ))
    }
}
