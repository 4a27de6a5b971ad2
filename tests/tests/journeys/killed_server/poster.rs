//! Somebody who posts all the while, and repeats what got no answer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disclosure::dsse::Envelope;
use disclosure::key::PublicKey;
use disclosure::statement::Kind;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Site, wait_until};
use crate::township::{Person, Township};

/// How long a statement waits for the fleet to get on before it is posted anyway.
const PACE: Duration = Duration::from_millis(100);

/// What came of it.
pub struct Posted {
    /// Statements that the server said it has taken.
    pub statements: u64,
    /// Every checkpoint seen, in order.
    pub checkpoints: Vec<Vec<u8>>,
}

/// A thread that enrols one cadre after the other.
pub struct Poster {
    site: Arc<Mutex<Site>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Posted>,
}

impl Poster {
    /// Starts to post, one statement whenever the fleet's ledger grew.
    pub fn start(township: &Township, site: &Site, ledger: &Path) -> Self {
        let cadre = Person::cadre("cadre", "dongqu", None);
        let approvers = cadre.approvers().map(|(_, key)| township.key(key));
        let template = township.enrolment(&cadre, "");
        let site = Arc::new(Mutex::new(site.clone()));
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            approvers,
            template,
            site: Arc::clone(&site),
            stop: Arc::clone(&stop),
            ledger: ledger.to_path_buf(),
        };
        Self { site, stop, thread: std::thread::spawn(move || work.run()) }
    }

    /// The server lives on under another address.
    pub fn moved_to(&self, site: &Site) {
        *self.site.lock().unwrap() = site.clone();
    }

    /// Ends after the statement under way is taken.
    pub fn stop(self) -> Posted {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

struct Work {
    approvers: [SigningKey; 2],
    template: Value,
    site: Arc<Mutex<Site>>,
    stop: Arc<AtomicBool>,
    ledger: PathBuf,
}

impl Work {
    fn run(self) -> Posted {
        let mut posted = Posted { statements: 0, checkpoints: Vec::new() };
        while !self.stop.load(Ordering::Relaxed) {
            let body = json!({ "envelope": STANDARD.encode(self.envelope(posted.statements)) });
            self.post(&body, &mut posted.checkpoints);
            posted.statements += 1;
            self.wait_for_the_fleet();
        }
        posted
    }

    /// The enrolment of the cadre with this number, signed by station and supervisor.
    fn envelope(&self, number: u64) -> Vec<u8> {
        let secret: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
        let mut payload = self.template.clone();
        payload["act"]["enrol"]["person"] = json!(format!("cadre-{number}"));
        payload["act"]["enrol"]["key"] =
            json!(PublicKey::of(&SigningKey::from_bytes(&secret)).to_hex());
        let mut envelope = Envelope::unsigned(Kind::Key.payload_type(), payload.to_string());
        for key in &self.approvers {
            envelope.sign_with(key).unwrap();
        }
        envelope.to_json()
    }

    /// Hands it in until the server says that it has it, and looks at the log then.
    fn post(&self, body: &Value, checkpoints: &mut Vec<Vec<u8>>) {
        loop {
            let site = self.site.lock().unwrap().clone();
            match site.try_post("/api/v1/statements", body) {
                Ok(answer) if answer.status == 201 => {
                    if let Ok(checkpoint) = site.try_get("/checkpoint") {
                        checkpoints.push(checkpoint.answered(200).body);
                    }
                    return;
                }
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                // It is being killed just now.
                Err(_) => self.wait_for_the_fleet(),
            }
        }
    }

    fn wait_for_the_fleet(&self) {
        let length = || std::fs::metadata(&self.ledger).map_or(0, |file| file.len());
        let before = length();
        wait_until(Instant::now() + PACE, || (length() > before).then_some(()));
    }
}
