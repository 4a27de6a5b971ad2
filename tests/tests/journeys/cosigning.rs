//! A watering is posted when station and cadre have signed it, by different people with keys in force, and not before.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disclosure::key::sign;
use serde_json::{Value, json};

use crate::harness::{Answer, Site, free_port, wait_for};
use crate::township::{
    CADRES, Life, Person, STATION, Server, Township, Waiting, audit_holds, turn,
};

/// The station's operator again, enrolled as a cadre of the village with another key.
const ZHANG_AS_CADRE: Person = Person::cadre("zhang-as-cadre", "dongqu", None).also("zhang");
/// The station's operator with a second key.
const ZHANG_AGAIN: Person = Person { key: "zhang-again", ..STATION };
/// A cadre who leaves office.
const FORMER: Person = Person::cadre("dongqu-former", "dongqu", None);

/// A township whose first turn is closed and drafted.
struct Scene {
    township: Township,
    server: Server,
    life: Life,
    watering: Waiting,
}

impl Scene {
    fn set(further_people: &[Person]) -> Self {
        let township = Township::prepare(1);
        let server = Server::with_endpoint(free_port());
        let life = server.start(&township.data());
        township.found(&life.site);
        for person in further_people {
            township.enrol(&life.site, person);
        }
        township.report(&server, 12);
        let founded = log_size(&life.site);
        let watering = township.water(&life.site, "turn-1", 1);
        // The turn is long over: the log tells at once that nobody has signed in time.
        wait_for("the overdue posting", || (log_size(&life.site) > founded).then_some(()));
        Self { township, server, life, watering }
    }

    fn site(&self) -> &Site {
        &self.life.site
    }

    /// Signs the watering with the key in the file `name` and hands the signature in.
    fn sign(&self, name: &str) -> Answer {
        self.hand_in(name, &sign(&self.township.key(name), &self.watering.message))
    }

    /// Hands a signature in as that of the key in the file `name`.
    fn hand_in(&self, name: &str, sig: &[u8]) -> Answer {
        let body = json!({ "keyid": self.township.fingerprint(name), "sig": STANDARD.encode(sig) });
        self.site().post(&format!("{}/signatures", self.watering.path()), &body)
    }

    fn log_size(&self) -> u64 {
        log_size(self.site())
    }

    fn state(&self) -> String {
        self.watering.state(self.site())
    }
}

fn log_size(site: &Site) -> u64 {
    site.get("/api/v1/status").answered(200).json()["log_size"].as_u64().unwrap()
}

#[test]
fn a_watering_is_posted_only_when_both_sides_signed() {
    let scene = Scene::set(&[ZHANG_AS_CADRE, ZHANG_AGAIN, FORMER]);
    let [_, supervisor, ..] = CADRES;

    let early = scene.sign(supervisor.key).answered(409);
    assert_eq!(early.detail(), "a station signs first");
    assert_eq!(scene.state(), "draft");
    // Once and once more: the same signature again changes nothing.
    for _ in 0..2 {
        let signed = scene.sign(STATION.key).answered(200);
        assert_eq!(signed.json()["state"], "awaiting");
    }
    // The statement still names this key, but what counts is the log.
    scene.township.revoke(scene.site(), &FORMER);
    let before = scene.log_size();
    refuses_whoever_may_not_sign(&scene, before - 1);
    refuses_what_is_no_signature(&scene);
    assert_eq!(scene.state(), "awaiting");
    assert_eq!(scene.log_size(), before, "nothing was posted by all this");

    let posted = scene.sign(supervisor.key).answered(200);
    assert_eq!(posted.json()["state"], "posted");
    assert_eq!(scene.log_size(), before + 1);
    let page = scene.site().get(&format!("/postings/{before}")).answered(200).text();
    for word in ["zhang", "dongqu-supervisor", "10102"] {
        assert!(page.contains(word), "{word}");
    }
    scene.life.stop();
    let report = audit_holds(&scene.township.export(&scene.server.flags()));
    assert_eq!(report["waterings"], 1);
}

fn refuses_whoever_may_not_sign(scene: &Scene, revoked_at: u64) {
    let [director, _, other_village, _] = CADRES;
    let fingerprint = |name| scene.township.fingerprint(name);
    let twice = "zhang signed twice: each signature must come from a different person";
    scene.township.new_key("stranger");
    let refusals = [
        (ZHANG_AS_CADRE.key, twice.to_owned()),
        (ZHANG_AGAIN.key, twice.to_owned()),
        (
            other_village.key,
            "liuwan-director is enrolled for village liuwan, and this statement concerns village dongqu".to_owned(),
        ),
        (
            director.key,
            "dongqu-director is recused: household 10101 has a share in this watering".to_owned(),
        ),
        (
            FORMER.key,
            format!(
                "key {} of dongqu-former was revoked at posting {revoked_at}",
                fingerprint(FORMER.key)
            ),
        ),
        ("bureau", "a root does not sign a watering statement".to_owned()),
        (
            "stranger",
            format!("key {} is not enrolled: the log knows nobody by it", fingerprint("stranger")),
        ),
    ];
    for (key, reason) in refusals {
        let refused = scene.sign(key).answered(403);
        assert_eq!(refused.detail(), reason, "{key}");
    }
}

fn refuses_what_is_no_signature(scene: &Scene) {
    let [_, supervisor, ..] = CADRES;
    let by_another = sign(&scene.township.key("stranger"), &scene.watering.message);
    let over_other_bytes = sign(&scene.township.key(supervisor.key), b"other bytes");
    for forged in [by_another, over_other_bytes] {
        let refused = scene.hand_in(supervisor.key, &forged).answered(403);
        let reason = refused.detail();
        assert!(reason.ends_with("is not valid for this statement"), "{reason}");
    }
    scene.hand_in(supervisor.key, &[0; 63]).answered(400);
}

#[test]
fn a_watering_is_not_taken_from_outside() {
    let scene = Scene::set(&[]);
    let before = scene.log_size();
    // The very same watering, signed by both sides, but not under the server's draft.
    let file = scene.township.file("watering.json");
    std::fs::write(&file, &scene.watering.payload).unwrap();
    let envelope = scene.township.sign_file("watering", file, &["zhang", "dongqu-supervisor"]);
    let envelope = STANDARD.encode(std::fs::read(envelope).unwrap());
    let proposed = scene.site().post("/api/v1/statements", &json!({ "envelope": envelope }));
    let reason = proposed.answered(422).detail();
    assert!(reason.contains("drawn up by the station's server"), "{reason}");
    assert_eq!(scene.log_size(), before);
}

#[test]
fn a_refusal_sends_a_watering_back_with_its_reason() {
    let scene = Scene::set(&[]);
    let before = scene.log_size();
    let ask = |ask| scene.township.try_ask(scene.site(), "dongqu-supervisor", &ask);
    // A cadre may refuse, and may not ask for what is the station's to ask.
    let open = ask(turn("turn-2", 1, "g1", "2024-04-02T00:00:00Z"));
    assert_ne!(open.code, Some(0));
    assert!(open.stderr.contains("dongqu-supervisor (cadre) may not ask this"), "{}", open.stderr);

    scene.sign(STATION.key).answered(200);
    let refuse = |refusal: Value| {
        let Value::Object(mut refuse) = refusal else { panic!("{refusal}") };
        refuse.insert("statement".to_owned(), json!(scene.watering.id));
        ask(json!({ "refuse": refuse }))
    };
    let unknown = refuse(json!({ "reason": "bad-mood" }));
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.stderr.contains("unknown variant `bad-mood`"), "{}", unknown.stderr);
    let silent = refuse(json!({ "reason": "other" }));
    assert!(silent.stderr.contains("the reason other needs a note"), "{}", silent.stderr);
    let note = "水没有到地里";
    refuse(json!({ "reason": "other", "note": note })).ended_with(0);
    let refused = scene.site().get(&scene.watering.path()).answered(200).json();
    assert_eq!(refused["state"], "refused");
    let refusal = json!({ "person": "dongqu-supervisor", "reason": "other", "note": note });
    assert_eq!(refused["refusal"], refusal);
    scene.sign("dongqu-supervisor").answered(409);
    assert_eq!(scene.log_size(), before);
    // The turn is drawn up again.
    let anew = Waiting::first_in_state(scene.site(), "draft");
    assert_ne!(anew.id, scene.watering.id);
}
