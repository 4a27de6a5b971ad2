//! People who sign on their phones: the key made there, the statement read there, the signature made there.

mod cosigning;
mod no_reception;
mod tampering;

use serde_json::{Value, json};

use crate::harness::{Browser, Finished, Site, free_port, mingqu};
use crate::township::{Life, STATION, SUPERVISOR, Server, Township, Waiting};

/// What a phone's console says while it has no session yet, or one that was ended.
const NO_SESSION: &str =
    "/api/v1/session - Failed to load resource: the server responded with a status of 401";
/// What it says while its key is not approved yet.
const NOT_APPROVED: &str =
    "/api/v1/session - Failed to load resource: the server responded with a status of 403";
/// What the cadre unlocks a software key with.
const PIN: &str = "246810";

/// A township with its server, and meters that have reported for a day.
struct Scene {
    township: Township,
    server: Server,
    life: Life,
}

impl Scene {
    fn set() -> Self {
        let township = Township::prepare(2);
        let server = Server::with_endpoint(free_port());
        let life = server.start(&township.data());
        township.found(&life.site);
        township.report(&server, 12);
        let round = json!({ "open-round": {
            "id": "2024-1", "name": "春灌",
            "opens_at": "2024-03-31T16:00:00Z", "closes_at": "2024-04-10T16:00:00Z",
        }});
        township.ask(&life.site, &round);
        Self { township, server, life }
    }

    fn site(&self) -> &Site {
        &self.life.site
    }

    /// Has the operator log a turn of group 1 that is over; waits until its watering is drawn up.
    fn log_turn(&self, id: &str, well: u32, from: &str, to: &str) -> Waiting {
        let turn = json!({
            "id": id, "round": "2024-1", "outlet": format!("jing-{well}"), "village": "dongqu",
            "group": "g1", "method": "area", "opened_at": from,
        });
        let log = json!({ "log-turn": { "turn": turn, "closed_at": to } });
        self.township.ask(self.site(), &log);
        Waiting::first_in_state(self.site(), "draft")
    }

    /// Signs a statement with a key in a file, on a computer.
    fn sign(&self, statement: i64, key: &str) {
        let mut command = mingqu();
        command.args(["sign", "--server", self.site().base(), "--yes"]);
        command.args(["--statement", &statement.to_string(), "--key"]);
        Finished::of(command.arg(self.township.key_file(key))).ended_with(0);
    }

    /// A cadre's phone with its key approved, which finds the server at `base`.
    fn cadre(&self, browser: Browser, base: &str) -> Phone {
        let cadre = Phone::new(browser, base);
        let invitation = self.invitation(base, SUPERVISOR.key, "cadre-ma", "cadre", Some("dongqu"));
        let enrolment = cadre.enrol(&invitation);
        for key in [STATION.key, SUPERVISOR.key] {
            self.sign(enrolment, key);
        }
        cadre
    }

    fn statement(&self, id: i64) -> Value {
        self.site().get(&format!("/api/v1/statements/{id}")).answered(200).json()
    }

    /// The address that a person's one-time code opens.
    fn invitation(
        &self,
        base: &str,
        by: &str,
        person: &str,
        role: &str,
        village: Option<&str>,
    ) -> String {
        let invite = json!({ "invite": { "person": person, "role": role, "village": village } });
        let invited = self.township.try_ask(self.site(), by, &invite).ended_with(0).json();
        format!("{base}/enrol#{}", invited["invited"]["code"].as_str().unwrap())
    }
}

/// Somebody's phone, on which the pages for signing are used.
struct Phone {
    browser: Browser,
    /// Where it finds the server.
    base: String,
    /// What opens its key, where that is a software key.
    pin: Option<&'static str>,
}

impl Phone {
    fn new(mut browser: Browser, base: &str) -> Self {
        browser.expect_error(NO_SESSION);
        browser.expect_error(NOT_APPROVED);
        Self { browser, base: base.to_owned(), pin: None }
    }

    /// Makes the key by an invitation; returns the statement that enrols it, which waits for approval.
    fn enrol(&self, invitation: &str) -> i64 {
        self.browser.open(invitation);
        if let Some(pin) = self.pin {
            self.browser.fill("#pin", pin);
            self.browser.fill("#pin-again", pin);
        }
        self.browser.press("做一把签字钥匙");
        self.browser.sees("钥匙已做好，等待批准");
        let statement = self.in_the_key("return key.enrolment.statement");
        statement.as_i64().unwrap()
    }

    /// Opens what waits for a signature, with the key unlocked.
    fn open(&self) {
        self.browser.open(&format!("{}/sign", self.base));
        if let Some(pin) = self.pin {
            self.browser.fill("#pin", pin);
            self.browser.press("打开");
        }
    }

    /// Reads a statement's card and signs it.
    fn sign(&self, statement: i64) {
        self.browser.press_within(&card(statement), "签字");
        self.browser.press_within(&card(statement), "确认签字");
    }

    /// Waits until what was signed or refused here has come so far.
    fn delivered(&self, statement: i64, state: &str) {
        let item = "return document.querySelector(`.outbox [data-statement='${arguments[0]}'][data-state='${arguments[1]}']`) \
             ? true : null";
        self.browser.until(&format!("{statement} {state}"), item, &json!([statement, state]));
    }

    /// Runs a script that sees the key as the browser keeps it, as `key`.
    fn in_the_key(&self, script: &str) -> Value {
        let read = format!(
            "const database = await new Promise((resolve, reject) => {{ \
                 const opening = indexedDB.open('mingqu'); \
                 opening.onsuccess = () => resolve(opening.result); opening.onerror = reject; }}); \
             const key = await new Promise((resolve, reject) => {{ \
                 const reading = database.transaction('key').objectStore('key').get('own'); \
                 reading.onsuccess = () => resolve(reading.result); reading.onerror = reject; }}); \
             database.close(); {script}"
        );
        let within = format!("return (async () => {{ {read} }})()");
        self.browser.run(&within, &json!([]))
    }
}

/// Where a statement's card stands on the page.
fn card(statement: i64) -> String {
    format!("#statement-{statement}")
}
