//! From an empty folder to the first bill, with the command line alone, as `docs/first-district.md` tells it.

use serde_json::json;
use service::request::Request;

use crate::harness::{free_port, workspace};
use crate::township::{
    CADRES, Person, STATION, SUPERVISOR, Server, Township, Waiting, audit_holds,
};

#[test]
fn from_an_empty_folder_to_the_first_bill() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    township.report(&server, 12);

    let watering = township.water(site, "turn-1", 1);
    assert_eq!(township.sign_waiting(site, watering.id, STATION.key), "awaiting");
    assert_eq!(township.sign_waiting(site, watering.id, CADRES[1].key), "posted");

    let settle = json!({ "settle": { "village": "dongqu", "round": "2024-1" } });
    let drafted = township.ask(site, &settle);
    let run = drafted["drafted"]["statement"].as_i64().unwrap();
    assert_eq!(township.ask(site, &settle), drafted, "asked twice, drawn up once");
    assert_eq!(township.sign_waiting(site, run, STATION.key), "awaiting");
    assert_eq!(township.sign_waiting(site, run, CADRES[0].key), "posted");
    let run = Waiting::of(&site.get(&format!("/api/v1/statements/{run}")).answered(200).json());
    assert_eq!(township.ask(site, &settle), json!({ "posted": { "index": run.posted_index } }));

    let total = run.body()["total_fen"].as_i64().unwrap();
    let page = site.get("/households/10102?year=2024").answered(200).text();
    assert!(page.contains("turn-1") || page.contains("1号机井"), "the watering is on the page");
    life.stop();
    let report = audit_holds(&township.export(&server.flags()));
    assert_eq!((&report["bills"], &report["billed_fen"]), (&json!(4), &json!(total)));
}

#[test]
fn a_statement_waits_for_the_signatures_that_it_lacks() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    for (place, name) in ["first", "second"].into_iter().enumerate() {
        township.new_key(name);
        let person = Person::cadre(name, "liuwan", None);
        let file = township.file("enrolment.json");
        let payload = township.enrolment(&person, &township.public_key(name));
        std::fs::write(&file, payload.to_string()).unwrap();
        let one_sided = township.sign_file("key", file.clone(), &[STATION.key]);
        let id = township.hand_in(site, &one_sided, &[]).ended_with(0).json();
        let id = id["statement"].as_i64().unwrap();
        let waiting = Waiting::of(&site.get(&format!("/api/v1/statements/{id}")).json());
        assert_eq!(waiting.state(site), "awaiting");
        if place == 0 {
            assert_eq!(township.sign_waiting(site, id, SUPERVISOR.key), "posted");
        } else {
            // The supervisor may as well hand the whole envelope in once more.
            let both = township.sign_file("key", file, &[STATION.key, SUPERVISOR.key]);
            let again = township.hand_in(site, &both, &[]).ended_with(0).json();
            assert_eq!(again, json!({ "statement": id }));
        }
        assert_eq!(waiting.state(site), "posted");
    }
    life.stop();
    audit_holds(&township.export(&server.flags()));
}

#[test]
fn the_requests_in_the_document_are_requests() {
    let document = std::fs::read_to_string(workspace().join("docs/first-district.md")).unwrap();
    let requests = document.lines().filter(|line| line.starts_with("{\"district\":"));
    let kinds: Vec<&str> = requests
        .map(|line| {
            let request: Request =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            request.ask.code()
        })
        .collect();
    assert_eq!(kinds, ["open-round", "open-turn", "close-turn", "settle"]);
}
