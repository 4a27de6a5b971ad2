//! A real broker of a journey's own.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use tempfile::TempDir;

use super::port::free_port;
use super::program::Program;
use super::wait::wait_for;

/// Mosquitto on a free port with its state in a temporary folder; ended when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    port: u16,
    folder: TempDir,
    program: Option<Program>,
}

impl Mosquitto {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("mingqu-mosquitto-").tempdir().unwrap();
        let port = free_port();
        // Every queued message is kept for a server that is away, and the state is written often.
        let config = format!(
            "listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence true\n\
             persistence_location {}/\n\
             autosave_interval 1\n\
             max_queued_messages 0\n\
             max_inflight_messages 0\n\
             user root\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let mut broker = Self { port, folder, program: None };
        broker.restart();
        broker
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// SIGKILL, then a new start on what is left on disk.
    pub fn kill_and_restart(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
        self.restart();
    }

    fn restart(&mut self) {
        let config = self.folder.path().join("mosquitto.conf");
        let mut program = Program::start(Command::new(path()).arg("-c").arg(config));
        wait_for("Mosquitto to take connections", || {
            assert!(program.ended().is_none(), "{}", said(&mut program));
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()
        });
        self.program = Some(program);
    }
}

fn said(program: &mut Program) -> String {
    program.ended().map_or_else(String::new, |status| format!("Mosquitto ended with {status}"))
}

fn path() -> String {
    let known = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];
    let installed = known.into_iter().find(|path| std::path::Path::new(path).is_file());
    installed.unwrap_or("mosquitto").to_owned()
}
