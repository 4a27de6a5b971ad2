//! A statement that waits on the server for signatures.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disclosure::dsse::pae;
use serde_json::{Value, json};

use super::{Township, turn};
use crate::harness::{Finished, Site, mingqu, wait_for};

/// A statement as the API shows it.
pub struct Waiting {
    pub id: i64,
    /// The exact bytes of the statement.
    pub payload: Vec<u8>,
    /// The bytes that are signed.
    pub message: Vec<u8>,
    pub posted_index: Option<u64>,
}

impl Waiting {
    pub fn of(statement: &Value) -> Self {
        let payload = STANDARD.decode(statement["payload"].as_str().unwrap()).unwrap();
        Self {
            id: statement["id"].as_i64().unwrap(),
            message: pae(statement["payload_type"].as_str().unwrap(), &payload),
            payload,
            posted_index: statement["posted_index"].as_u64(),
        }
    }

    /// The newest statement in a state, once there is one.
    pub fn first_in_state(site: &Site, state: &str) -> Self {
        let path = format!("/api/v1/statements?state={state}");
        let statement = wait_for(&format!("a statement in state {state}"), || {
            site.get(&path).answered(200).json()["statements"].get(0).cloned()
        });
        Self::of(&statement)
    }

    pub fn path(&self) -> String {
        format!("/api/v1/statements/{}", self.id)
    }

    /// How far it has come.
    pub fn state(&self, site: &Site) -> String {
        site.get(&self.path()).answered(200).json()["state"].as_str().unwrap().to_owned()
    }

    /// What it says.
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

impl Township {
    /// `mingqu sign` of what waits on the server.
    pub fn sign_command(&self, site: &Site, id: i64, key: &str) -> Command {
        let mut command = mingqu();
        let id = id.to_string();
        command.args(["sign", "--server", site.base(), "--statement", &id, "--yes", "--key"]);
        command.arg(self.key_file(key));
        command
    }

    /// Signs what waits on the server; returns how far it has come.
    #[track_caller]
    pub fn sign_waiting(&self, site: &Site, id: i64, key: &str) -> String {
        let signed = Finished::of(&mut self.sign_command(site, id, key)).ended_with(0);
        assert!(signed.stderr.contains("\"district\": \"qinghe\""), "it shows what is signed");
        signed.stdout.trim_end().to_owned()
    }

    /// Opens the round, and a turn of group 1 at a well; closes it, and waits for the draft. The meter must have
    /// reported the first twelve hours.
    pub fn water(&self, site: &Site, id: &str, well: u32) -> Waiting {
        self.ask(
            site,
            &json!({ "open-round": {
                "id": "2024-1", "name": "春灌",
                "opens_at": "2024-03-31T16:00:00Z", "closes_at": "2024-04-10T16:00:00Z",
            }}),
        );
        self.ask(site, &turn(id, well, "g1", "2024-04-01T02:00:00Z"));
        let closed_at = "2024-04-01T09:30:00Z";
        self.ask(site, &json!({ "close-turn": { "turn": id, "closed_at": closed_at } }));
        Waiting::first_in_state(site, "draft")
    }
}
