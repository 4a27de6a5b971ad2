//! Drawing statements up, signing them with `mingqu sign`, and handing them in.

use std::path::{Path, PathBuf};

use disclosure::attachment::AttachmentRef;
use disclosure::statement::ROSTER_MEDIA_TYPE;
use serde_json::{Value, json};

use super::people::{CADRES, Person, STATION, SUPERVISOR};
use super::{DISTRICT, DRAWN_UP, Township};
use crate::harness::{Finished, Site, mingqu};

/// A village with its groups' households: (number, hundredths of a mu).
#[derive(Debug, Clone, Copy)]
pub struct Village {
    pub id: &'static str,
    pub name: &'static str,
    pub groups: &'static [(&'static str, &'static [(&'static str, i64)])],
}

impl Village {
    pub const DONGQU: Self = Self {
        id: "dongqu",
        name: "东渠村",
        groups: &[
            ("g1", &[("10101", 840), ("10102", 1170), ("10103", 990)]),
            ("g2", &[("10201", 600)]),
        ],
    };
    pub const LIUWAN: Self =
        Self { id: "liuwan", name: "柳湾村", groups: &[("g1", &[("20101", 735)])] };
}

/// A turn of the round `2024-1` at the well `jing-N` for a group of Dongqu, from `opened_at`.
pub fn turn(id: &str, well: u32, group: &str, opened_at: &str) -> Value {
    json!({ "open-turn": {
        "id": id, "round": "2024-1", "outlet": format!("jing-{well}"), "village": "dongqu",
        "group": group, "method": "area", "opened_at": opened_at,
    }})
}

impl Township {
    /// Posts everything that must stand before the first water: genesis, keys, registry, rosters, tariff.
    pub fn found(&self, site: &Site) {
        let roots = ["bureau", "office"];
        let genesis = self.data().join("genesis.json");
        let envelope = self.sign_file("district", genesis, &roots);
        self.hand_in(site, &envelope, &[]).ended_with(0);
        for person in [&STATION, &SUPERVISOR] {
            self.enrol(site, person);
        }
        self.post(site, "registry", &self.registry(), &["bureau", STATION.key], &[]);
        // A cadre is enrolled for a village that the registry knows.
        for person in &CADRES {
            self.enrol(site, person);
        }
        for (village, cadre) in [(Village::DONGQU, CADRES[0]), (Village::LIUWAN, CADRES[2])] {
            let (roster, entries) = self.roster(village, cadre);
            let file = self.file(&format!("{}.roster", village.id));
            std::fs::write(&file, entries).unwrap();
            self.post(site, "roster", &roster, &[STATION.key, cadre.key], &[file]);
        }
        self.post(site, "tariff", &self.tariff(), &["bureau", STATION.key], &[]);
    }

    /// Makes a key for somebody and enrols it with the signatures of the two who decide on it.
    pub fn enrol(&self, site: &Site, person: &Person) {
        self.new_key(person.key);
        let payload = self.enrolment(person, &self.public_key(person.key));
        self.post(site, "key", &payload, &person.approvers().map(|(_, key)| key), &[]);
    }

    /// The enrolment of a public key.
    pub fn enrolment(&self, person: &Person, key: &str) -> Value {
        let Person { code, role, village, household, .. } = person;
        json!({
            "head": self.head(&person.approvers()),
            "act": { "enrol": {
                "person": code, "role": role, "village": village, "household": household, "key": key,
            }},
        })
    }

    /// Revokes somebody's key.
    pub fn revoke(&self, site: &Site, person: &Person) {
        let payload = json!({
            "head": self.head(&person.approvers()),
            "act": { "revoke": { "key": self.fingerprint(person.key), "reason": "lost" } },
        });
        self.post(site, "key", &payload, &person.approvers().map(|(_, key)| key), &[]);
    }

    /// A request of the station, signed and handed in; returns the answer.
    pub fn ask(&self, site: &Site, ask: &Value) -> Value {
        self.try_ask(site, STATION.key, ask).ended_with(0).json()
    }

    /// A request of anybody.
    pub fn try_ask(&self, site: &Site, key: &str, ask: &Value) -> Finished {
        let request = json!({ "district": DISTRICT, "asked_at": DRAWN_UP, "ask": ask });
        let file = self.file("request.json");
        std::fs::write(&file, request.to_string()).unwrap();
        Finished::of(
            mingqu()
                .args(["sign", "--kind", "request", "--key"])
                .arg(self.key_file(key))
                .args(["--hand-in", site.base()])
                .arg(file),
        )
    }

    /// Signs a statement with all these keys, hands it in, and sees it posted.
    pub fn post(
        &self,
        site: &Site,
        kind: &str,
        payload: &Value,
        signers: &[&str],
        attachments: &[PathBuf],
    ) {
        let file = self.file("payload.json");
        std::fs::write(&file, payload.to_string()).unwrap();
        let envelope = self.sign_file(kind, file, signers);
        let id = self.hand_in(site, &envelope, attachments).ended_with(0).json();
        let statement =
            site.get(&format!("/api/v1/statements/{}", id["statement"])).answered(200).json();
        assert_eq!(statement["state"], "posted", "{statement}");
    }

    /// `mingqu sign` for each signer in turn; returns the envelope's file.
    pub fn sign_file(&self, kind: &str, payload: PathBuf, signers: &[&str]) -> PathBuf {
        let envelope = self.file("envelope.json");
        let mut input = payload;
        for (place, signer) in signers.iter().enumerate() {
            let mut command = mingqu();
            command.arg("sign").arg("--key").arg(self.key_file(signer));
            if place == 0 {
                command.args(["--kind", kind]);
            }
            Finished::of(command.arg("--out").arg(&envelope).arg(&input)).ended_with(0);
            input.clone_from(&envelope);
        }
        envelope
    }

    /// `mingqu sign --hand-in`.
    #[expect(clippy::unused_self, reason = "a township's people do it")]
    pub fn hand_in(&self, site: &Site, envelope: &Path, attachments: &[PathBuf]) -> Finished {
        let mut command = mingqu();
        command.args(["sign", "--hand-in", site.base()]);
        for attachment in attachments {
            command.arg("--attach").arg(attachment);
        }
        Finished::of(command.arg(envelope))
    }

    pub fn registry(&self) -> Value {
        let villages = [Village::DONGQU, Village::LIUWAN].map(|village| {
            let groups = village.groups.iter().map(|(id, _)| json!({ "id": id, "name": id }));
            let groups: Vec<Value> = groups.collect();
            json!({ "id": village.id, "name": village.name, "groups": groups })
        });
        let outlets: Vec<Value> = (1..=self.meters())
            .map(|well| {
                json!({
                    "id": format!("jing-{well}"), "name": format!("{well}号机井"), "canal": "地下水",
                    "village": "dongqu", "source": "ground", "gap_tolerance_seconds": 3600,
                })
            })
            .collect();
        let meters: Vec<Value> = (1..=self.meters())
            .zip(self.meter_keys())
            .map(|(well, (code, key))| {
                json!({
                    "meter": {
                        "code": code, "outlet": format!("jing-{well}"), "installed_at": DRAWN_UP,
                        "scale": { "register": { "millilitres_per_unit": 1000 } },
                    },
                    "origin": "meter-signed",
                    "keys": [{ "key": key, "from_report": 1 }],
                })
            })
            .collect();
        json!({
            "head": self.head(&[("root", "bureau"), ("station", STATION.key)]),
            "villages": villages, "outlets": outlets, "meters": meters,
        })
    }

    fn roster(&self, village: Village, cadre: Person) -> (Value, Vec<u8>) {
        let entries: Vec<Value> = village
            .groups
            .iter()
            .flat_map(|(group, households)| {
                households.iter().map(move |(household, area)| {
                    let plot = json!({ "crop": "玉米", "source": "ground", "area": area });
                    json!({ "household": household, "group": group, "plots": [plot] })
                })
            })
            .collect();
        let bytes = serde_json::to_vec(&entries).unwrap();
        let roster = json!({
            "head": self.head(&[("station", STATION.key), ("cadre", cadre.key)]),
            "village": village.id,
            "effective_from": DRAWN_UP,
            "households": entries.len(),
            "entries": serde_json::to_value(AttachmentRef::of(ROSTER_MEDIA_TYPE, &bytes)).unwrap(),
        });
        (roster, bytes)
    }

    fn tariff(&self) -> Value {
        json!({
            "head": self.head(&[("root", "bureau"), ("station", STATION.key)]),
            "tariff": {
                "id": "2024", "valid_from": "2023-12-31T16:00:00Z",
                "classes": [{ "class": "all", "other": true }],
                "basic": [{ "price": "4" }],
                "metered": [{ "price": "0.183", "whole": true }],
            },
        })
    }
}
