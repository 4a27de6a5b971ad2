//! The W3C `WebDriver` protocol to a chromedriver of a journey's own, over the client that journeys have already.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, Site};
use super::port::free_port;
use super::program::Program;
use super::wait::{DEADLINE, wait_for, wait_until};

/// How long Chromium may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(10);

/// Chromedriver and its one Chromium, both ended when dropped.
#[derive(Debug)]
pub struct Session {
    /// Killed when dropped.
    _driver: Program,
    site: Site,
    path: String,
    browser_pid: u64,
    /// Chromium's profile: its databases, cookies and caches.
    _profile: TempDir,
}

/// What chromedriver says of a command that it did not do.
#[derive(Debug)]
pub struct Failure {
    /// The protocol's word for it.
    pub error: String,
    words: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error, self.words)
    }
}

impl Session {
    /// Starts both, in a window of a phone of this many pixels.
    pub fn start((width, height): (u32, u32)) -> Self {
        let profile = tempfile::Builder::new().prefix("mingqu-browser-").tempdir().unwrap();
        let port = free_port();
        let mut driver =
            Program::start(Command::new(installed("chromedriver")).arg(format!("--port={port}")));
        let site = Site::within(&format!("http://127.0.0.1:{port}"), DEADLINE);
        wait_for("chromedriver to take commands", || {
            assert!(driver.ended().is_none(), "chromedriver ended by itself");
            site.try_get("/status").ok().filter(|answer| answer.status == 200)
        });
        let asked = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": installed("chromium"),
                "args": arguments(profile.path()),
                "mobileEmulation": { "deviceMetrics": {
                    "width": width, "height": height, "pixelRatio": 1.0, "touch": true, "mobile": true,
                }},
            },
        }}});
        let begun = site.post("/session", &asked).answered(200).json();
        let id = begun["value"]["sessionId"].as_str().unwrap();
        let browser_pid = begun["value"]["capabilities"]["goog:processID"].as_u64().unwrap();
        Self {
            _driver: driver,
            path: format!("/session/{id}"),
            site,
            browser_pid,
            _profile: profile,
        }
    }

    /// Chromium's process.
    pub fn browser_pid(&self) -> u64 {
        self.browser_pid
    }

    /// A command that changes or runs something.
    pub fn post(&self, command: &str, body: &Value) -> Result<Value, Failure> {
        value(&self.site.post(&format!("{}/{command}", self.path), body))
    }

    /// A command of the Chrome `DevTools` protocol.
    pub fn devtools(&self, method: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": method, "params": parameters });
        self.post("goog/cdp/execute", &body).unwrap_or_else(|failure| panic!("{failure}"))
    }
}

fn value(answer: &Answer) -> Result<Value, Failure> {
    let value = answer.json()["value"].take();
    if answer.status == 200 {
        return Ok(value);
    }
    let words = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Err(Failure { error: words("error"), words: words("message") })
}

fn arguments(profile: &Path) -> Vec<String> {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--accept-lang=zh-CN".to_owned(),
        "--disable-gpu".to_owned(),
        // Containers often have little shared memory.
        "--disable-dev-shm-usage".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    let root = std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0);
    if root {
        // Chromium's sandbox refuses root.
        arguments.push("--no-sandbox".to_owned());
    }
    arguments
}

/// A program on the search path.
fn installed(name: &str) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name));
    found.into_iter().find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("{name} is not installed: run tests/run, or install Debian's chromium and chromium-driver")
    })
}

impl Drop for Session {
    fn drop(&mut self) {
        // Chromium ends with its session; where it does not, by its number.
        let _ = self.site.try_delete(&self.path);
        let process = PathBuf::from(format!("/proc/{}", self.browser_pid));
        let gone = || (!process.exists()).then_some(());
        if wait_until(Instant::now() + FAREWELL, gone).is_none() {
            let _ = Command::new("kill").args(["-KILL", &self.browser_pid.to_string()]).status();
        }
    }
}
