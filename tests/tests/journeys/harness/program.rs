//! The built programs, started as anyone would start them.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::wait::wait_for;

/// A command of `mingqu`.
pub fn mingqu() -> Command {
    command("mingqu")
}

/// A command of `firmware-sim`.
pub fn firmware_sim() -> Command {
    command("firmware-sim")
}

fn command(name: &str) -> Command {
    let mut command = Command::new(built(name));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("MINGQU_") {
            command.env_remove(key);
        }
    }
    // What an audit remembers is not to be found in the folders of whoever runs the tests.
    command.env("XDG_STATE_HOME", built(name).with_file_name("journeys-state"));
    command.stdin(Stdio::null());
    command
}

/// The program in the target folder that this test was built into.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is not built: run `cargo build --workspace --bins` first, or tests/run",
        program.display()
    );
    program
}

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails unless the exit code is this one.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr)
        })
    }
}

/// A program that runs until it ends, is stopped or killed, or is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    stdout: Listener,
    stderr: Listener,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = Listener::new(child.stdout.take().unwrap());
        let stderr = Listener::new(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// What stands behind `mark` in a line of stderr, once such a line is there; fails if the program ends before.
    pub fn told(&mut self, mark: &str) -> String {
        let found = wait_for(&format!("a line with {mark:?}"), || {
            let ended = self.child.try_wait().unwrap();
            let behind = |text: String| {
                text.lines().find_map(|line| Some(line.split_once(mark)?.1.trim().to_owned()))
            };
            match (behind(self.stderr.heard()), ended) {
                (Some(found), _) => Some(Ok(found)),
                (None, Some(status)) => Some(Err(status)),
                (None, None) => None,
            }
        });
        found.unwrap_or_else(|status| panic!("ended with {status}: {}", self.stderr.heard()))
    }

    /// SIGKILL: no farewell, no cleaning up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then waits for the end.
    pub fn stop(mut self) -> Finished {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        self.wait()
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Finished {
        self.wait()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn wait(&mut self) -> Finished {
        let status = wait_for("a program to end", || self.child.try_wait().unwrap());
        Finished { code: status.code(), stdout: self.stdout.all(), stderr: self.stderr.all() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps what a program says, so that it never waits for a reader.
#[derive(Debug)]
struct Listener {
    heard: Arc<Mutex<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn new(pipe: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Mutex::new(String::new()));
        let keep = Arc::clone(&heard);
        let thread = std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                keep.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { heard, thread: Some(thread) }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }

    /// All of it, once the program has ended.
    fn all(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.heard()
    }
}
