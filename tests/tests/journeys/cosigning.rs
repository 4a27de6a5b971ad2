//! A watering is posted when station and cadre have signed it, by different people with keys in force, and not before.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disclosure::dsse::pae;
use disclosure::key::sign;
use serde_json::{Value, json};

use crate::harness::{Answer, Site, free_port, wait_for};
use crate::township::{CADRES, Person, Server, Township, audit_holds, turn};

/// The station's operator again, enrolled as a cadre of the village with another key.
const ZHANG_AS_CADRE: Person = Person::cadre("zhang-as-cadre", "dongqu", None).also("zhang");
/// The station's operator with a second key.
const ZHANG_AGAIN: Person = Person { key: "zhang-again", ..crate::township::STATION };
/// A cadre who leaves office.
const FORMER: Person = Person::cadre("dongqu-former", "dongqu", None);

/// A statement that waits on the server.
struct Waiting {
    id: i64,
    message: Vec<u8>,
}

impl Waiting {
    fn of(statement: &Value) -> Self {
        let payload = STANDARD.decode(statement["payload"].as_str().unwrap()).unwrap();
        let message = pae(statement["payload_type"].as_str().unwrap(), &payload);
        Self { id: statement["id"].as_i64().unwrap(), message }
    }

    fn path(&self) -> String {
        format!("/api/v1/statements/{}", self.id)
    }

    /// Signs with the key in the file `name` and hands the signature in.
    fn sign(&self, township: &Township, site: &Site, name: &str) -> Answer {
        self.hand_in(site, &township.fingerprint(name), &sign(&township.key(name), &self.message))
    }

    fn hand_in(&self, site: &Site, keyid: &str, sig: &[u8]) -> Answer {
        let body = json!({ "keyid": keyid, "sig": STANDARD.encode(sig) });
        site.post(&format!("{}/signatures", self.path()), &body)
    }

    fn state(&self, site: &Site) -> Value {
        site.get(&self.path()).answered(200).json()["state"].clone()
    }
}

fn log_size(site: &Site) -> u64 {
    site.get("/api/v1/status").answered(200).json()["log_size"].as_u64().unwrap()
}

/// The one statement in a state, once it is there.
fn one_in_state(site: &Site, state: &str) -> Waiting {
    let path = format!("/api/v1/statements?state={state}");
    let statement = wait_for(&format!("a statement in state {state}"), || {
        site.get(&path).answered(200).json()["statements"].get(0).cloned()
    });
    Waiting::of(&statement)
}

fn open_a_turn_and_close_it(township: &Township, site: &Site, id: &str, well: u32) -> Waiting {
    township.ask(site, &turn(id, well, "g1", "2024-04-01T02:00:00Z"));
    let close = json!({ "close-turn": { "turn": id, "closed_at": "2024-04-01T09:30:00Z" } });
    township.ask(site, &close);
    one_in_state(site, "draft")
}

#[test]
fn a_watering_is_posted_only_when_both_sides_signed() {
    let township = Township::prepare(2);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    for person in [ZHANG_AS_CADRE, ZHANG_AGAIN, FORMER] {
        township.enrol(site, &person);
    }
    township.report(&server, 12);
    let round = json!({ "open-round": {
        "id": "2024-1", "name": "春灌", "opens_at": "2024-03-31T16:00:00Z", "closes_at": "2024-04-10T16:00:00Z",
    }});
    township.ask(site, &round);
    let watering = open_a_turn_and_close_it(&township, site, "turn-1", 1);
    // The draft still names this key: what counts is the log, not the draft.
    township.revoke(site, FORMER.key);
    let before = log_size(site);
    let [director, supervisor, other_village, _] = CADRES;

    let early = watering.sign(&township, site, supervisor.key).answered(409);
    assert_eq!(early.detail(), "a station signs first");
    assert_eq!(watering.state(site), "draft");

    let signed = watering.sign(&township, site, "zhang").answered(200);
    assert_eq!(signed.json()["state"], "awaiting");
    let again = watering.sign(&township, site, "zhang").answered(200);
    assert_eq!(again.json()["state"], "awaiting");

    let refusals = [
        (ZHANG_AS_CADRE.key, "zhang signed twice: each signature must come from a different person".to_owned()),
        (ZHANG_AGAIN.key, "zhang signed twice: each signature must come from a different person".to_owned()),
        (
            other_village.key,
            "liuwan-director is a cadre of village liuwan, and this statement concerns village dongqu".to_owned(),
        ),
        (director.key, "dongqu-director is recused: household 10101 has a share in this watering".to_owned()),
        (
            FORMER.key,
            format!("key {} of dongqu-former was revoked at posting {}", township.fingerprint(FORMER.key), before - 1),
        ),
        ("bureau", "a root does not sign a watering statement".to_owned()),
    ];
    for (key, reason) in refusals {
        let refused = watering.sign(&township, site, key).answered(403);
        assert_eq!(refused.detail(), reason, "{key}");
    }
    township.new_key("stranger");
    let unknown = watering.sign(&township, site, "stranger").answered(403).detail();
    assert_eq!(
        unknown,
        format!(
            "key {} is not enrolled: the log knows nobody by it",
            township.fingerprint("stranger")
        )
    );
    let forged = sign(&township.key("stranger"), &watering.message);
    let forged =
        watering.hand_in(site, &township.fingerprint(supervisor.key), &forged).answered(403);
    assert!(forged.detail().ends_with("is not valid for this statement"), "{}", forged.detail());
    let other_bytes = sign(&township.key(supervisor.key), b"other bytes");
    watering.hand_in(site, &township.fingerprint(supervisor.key), &other_bytes).answered(403);

    assert_eq!(watering.state(site), "awaiting");
    assert_eq!(log_size(site), before, "nothing was posted by all this");

    let posted = watering.sign(&township, site, supervisor.key).answered(200);
    assert_eq!(posted.json()["state"], "posted");
    assert_eq!(log_size(site), before + 1);
    let page = site.get(&format!("/postings/{before}")).answered(200).text();
    for word in ["zhang", "dongqu-supervisor", "10102"] {
        assert!(page.contains(word), "{word}");
    }
    life.stop();
    let report = audit_holds(&township.export(&server.flags()));
    assert_eq!(report["waterings"], 1);
}

#[test]
fn what_the_server_draws_up_is_not_taken_from_outside_and_a_refusal_sends_it_back() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    township.report(&server, 12);
    let round = json!({ "open-round": {
        "id": "2024-1", "name": "春灌", "opens_at": "2024-03-31T16:00:00Z", "closes_at": "2024-04-10T16:00:00Z",
    }});
    township.ask(site, &round);
    let watering = open_a_turn_and_close_it(&township, site, "turn-1", 1);
    let before = log_size(site);

    // The very same watering, signed by both sides, but not through the server's draft.
    let drafted = site.get(&watering.path()).answered(200).json();
    let payload = STANDARD.decode(drafted["payload"].as_str().unwrap()).unwrap();
    let file = township.file("watering.json");
    std::fs::write(&file, payload).unwrap();
    let envelope = township.sign_file("watering", file, &["zhang", "dongqu-supervisor"]);
    let envelope = STANDARD.encode(std::fs::read(envelope).unwrap());
    let proposed = site.post("/api/v1/statements", &json!({ "envelope": envelope })).answered(422);
    assert!(
        proposed.detail().contains("drawn up by the station's server"),
        "{}",
        proposed.detail()
    );

    // A cadre may refuse, but not ask for what is the station's to ask.
    let by_cadre = township.try_ask(
        site,
        "dongqu-supervisor",
        &turn("turn-2", 1, "g1", "2024-04-02T00:00:00Z"),
    );
    assert_ne!(by_cadre.code, Some(0));
    assert!(
        by_cadre.stderr.contains("dongqu-supervisor (cadre) may not ask this"),
        "{}",
        by_cadre.stderr
    );
    watering.sign(&township, site, "zhang").answered(200);
    let refuse = json!({ "refuse": { "statement": watering.id, "reason": "水没有到地里" } });
    township.try_ask(site, "dongqu-supervisor", &refuse).ended_with(0);
    let refused = site.get(&watering.path()).answered(200).json();
    assert_eq!(refused["state"], "refused");
    assert_eq!(refused["refusal"]["reason"], "水没有到地里");
    let late = watering.sign(&township, site, "dongqu-supervisor").answered(409);
    assert!(!late.detail().is_empty());
    assert_eq!(log_size(site), before);
}
