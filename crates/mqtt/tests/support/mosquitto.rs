//! A real Mosquitto for one test: a process of its own on a free port of the loopback, gone when the test is.
//!
//! A machine without Mosquitto fails these tests: `apt-get install mosquitto`, or any package that has the program.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const PROGRAMS: [&str; 3] = ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];

/// A running broker.
pub struct Mosquitto {
    pub port: u16,
    folder: TempDir,
    process: Child,
}

impl Mosquitto {
    /// Starts a broker and waits until it listens. It keeps nothing on disk.
    pub fn start() -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence false\n\
             max_inflight_messages 0\n\
             max_queued_messages 100000\n\
             log_dest stderr\n\
             log_type all\n"
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        Self::on(port, folder)
    }

    /// Starts a broker with the `mosquitto.conf` in a folder of its own, where the server is to find it on a port.
    pub fn on(port: u16, folder: TempDir) -> Self {
        let process = spawn(&folder);
        Self { port, folder, process }
    }

    /// The folder that the broker runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the broker: whatever it remembered is gone.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on the same port, empty.
    pub fn restart(&mut self) {
        self.process = spawn(&self.folder);
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &TempDir) -> Child {
    let config = folder.path().join("mosquitto.conf");
    let start = |program: &&str| {
        Command::new(program)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()
    };
    let mut process = PROGRAMS.iter().find_map(start).expect("mosquitto is not installed");
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    loop {
        let line =
            log.next().unwrap_or_else(|| panic!("mosquitto did not start: {said:?}")).unwrap();
        if line.contains(" running") {
            break;
        }
        said.push(line);
    }
    // Its pipe must not fill up.
    std::thread::spawn(move || log.for_each(drop));
    process
}
