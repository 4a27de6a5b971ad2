//! The programs that a benchmark runs beside itself, and what they cost.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::ground::Ground;

/// How long a program may take to start or to stop.
const PATIENCE: Duration = Duration::from_mins(2);
const MOSQUITTO: [&str; 3] = ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];

/// A running program; killed when dropped.
pub struct Process {
    child: Child,
    /// What it says on stderr or stdout, line by line.
    lines: mpsc::Receiver<String>,
}

/// Which of a program's outputs is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Process {
    /// Starts a program.
    pub fn start(command: &mut Command, says: Says) -> anyhow::Result<Self> {
        let program = command.get_program().display().to_string();
        let (stdout, stderr) = match says {
            // Whoever speaks on stdout says on stderr what went wrong.
            Says::Stdout => (Stdio::piped(), Stdio::inherit()),
            Says::Stderr => (Stdio::null(), Stdio::piped()),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let (sender, lines) = mpsc::channel();
        let output: Option<Box<dyn std::io::Read + Send>> = match says {
            Says::Stdout => child.stdout.take().map(|out| Box::new(out) as _),
            Says::Stderr => child.stderr.take().map(|out| Box::new(out) as _),
        };
        let output = output.context("a program's output is missing")?;
        // Ends with the program; a program must never wait for its reader.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for a line with this mark, and returns what stands behind it.
    pub fn told(&self, mark: &str, within: Duration) -> anyhow::Result<String> {
        let deadline = Instant::now() + within;
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => match line.split_once(mark) {
                    Some((_, behind)) => return Ok(behind.trim().to_owned()),
                    None => said.push(line),
                },
                Err(_) => bail!("it did not say {mark:?}, but: {}", said.join("\n")),
            }
        }
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().context("cannot run kill")?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("process {id} does not stop");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Resident memory now and at its highest, in bytes; `None` where /proc does not say.
    pub fn memory_bytes(&self) -> Option<(usize, usize)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        Some((status_bytes(&status, "VmRSS:")?, status_bytes(&status, "VmHWM:")?))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server on a district.
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where meters connect to it; `None` when they connect to a broker.
    pub meters: Option<SocketAddr>,
    /// From its start to its greeting.
    pub started_in: Duration,
}

impl Server {
    /// Starts `mingqu serve` on a district; meters connect to it, or to a broker.
    pub fn start(ground: &Ground, broker: Option<&str>) -> anyhow::Result<Self> {
        let mut command =
            Command::new(std::env::current_exe().context("this program's own file is gone")?);
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("MINGQU_") {
                command.env_remove(key);
            }
        }
        command.arg("serve").arg("--data").arg(&ground.data);
        command.args(["--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0"]);
        command.args(["--database", &ground.database]);
        if let Some(broker) = broker {
            command.args(["--broker", broker]);
        }
        let began = Instant::now();
        let process = Process::start(&mut command, Says::Stderr)?;
        let meters =
            process.told("meters connect to ", PATIENCE).context("starting mingqu serve")?;
        let started_in = began.elapsed();
        let meters = meters.strip_prefix("mqtt://").map(str::parse).transpose()?;
        Ok(Self { process, meters, started_in })
    }

    /// Where meters connect to the server itself.
    pub fn endpoint(&self) -> anyhow::Result<SocketAddr> {
        self.meters.context("the server has no endpoint: it listens to a broker")
    }
}

/// A Mosquitto of the benchmark's own, which keeps everything it is given in memory.
pub struct Mosquitto {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Mosquitto {
    /// Starts one in a folder; `None` when it is not installed.
    pub fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Some((program, _)) = installed_mosquitto() else { return Ok(None) };
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence false\n\
             set_tcp_nodelay true\n\
             max_inflight_messages 0\n\
             max_queued_messages 0\n\
             connection_messages false\n\
             log_dest stderr\n",
            address.port()
        );
        std::fs::write(&config, text)?;
        let process = Process::start(Command::new(program).arg("-c").arg(&config), Says::Stderr)?;
        process.told(" running", PATIENCE).context("starting mosquitto")?;
        Ok(Some(Self { process, address }))
    }
}

/// Mosquitto's program and what it says of its version; `None` when it is not installed.
pub fn installed_mosquitto() -> Option<(&'static str, String)> {
    MOSQUITTO.into_iter().find_map(|program| Some((program, version_of(program, "-h")?)))
}

/// The first line that a program prints when it is asked for its version.
pub fn version_of(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8(text).ok()?.lines().next()?.trim().to_owned())
}

/// The highest resident memory that a process ever had; `None` where /proc does not say.
pub fn highest_memory_bytes(id: u32) -> Option<usize> {
    status_bytes(&std::fs::read_to_string(format!("/proc/{id}/status")).ok()?, "VmHWM:")
}

/// A field of /proc/PID/status that is given in KiB.
fn status_bytes(status: &str, field: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_memory_as_linux_writes_it() {
        let status = "Name:\tmingqu\nVmHWM:\t   61440 kB\nVmRSS:\t   51200 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), Some(50 << 20));
        assert_eq!(status_bytes(status, "VmSwap:"), None);
    }

    #[test]
    fn hears_what_a_program_says_and_misses_what_it_does_not() {
        let said = Process::start(Command::new("echo").arg("port: 17"), Says::Stdout).unwrap();
        assert_eq!(said.told("port: ", PATIENCE).unwrap(), "17");
        let silent = Process::start(Command::new("echo").arg("no"), Says::Stdout).unwrap();
        let error = silent.told("port: ", PATIENCE).unwrap_err().to_string();
        assert!(error.contains("no"), "{error}");
        assert!(Process::start(&mut Command::new("mingqu-is-not-this"), Says::Stdout).is_err());
        assert_eq!(version_of("mingqu-is-not-this", "--version"), None);
    }
}
