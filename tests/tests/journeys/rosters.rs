//! A village's roster from a clerk's table to the board, with names that stay masked.

use serde_json::{Value, json};

use crate::harness::{Finished, Site, free_port, gbk, mingqu};
use crate::township::{CADRES, STATION, Server, Township, audit_holds};

const HEADINGS: &str = "户号,社,户主,面积(亩),作物,水源,水权(方)\r\n";
/// As the township's roster, but: 10101 has wheat besides, 10103 moved to another group, 10201 is gone, 10104 is new.
const ROWS: &str = "10101,g1,张小明,8.4,玉米,地下水,\r\n10101,g1,张小明,2.5,小麦,渠水,\r\n\
    10102,g1,王芳,11.70,玉米,井水,\r\n10103,g2,,9.9,玉米,地下水,\r\n10104,g1,马超群,1,蔬菜,地下水,2160\r\n";

/// `mingqu import roster roster.csv --village dongqu --effective-from 2024-06-01`, with further arguments.
fn import(township: &Township, rest: &[&str]) -> Finished {
    let mut command = mingqu();
    command.args(["import", "roster"]).arg(township.file("roster.csv"));
    command.args(["--village", "dongqu", "--effective-from", "2024-06-01", "--statement"]);
    Finished::of(command.arg(township.file("roster.json")).args(rest))
}

fn write_table(township: &Township, rows: &str) {
    std::fs::write(township.file("roster.csv"), gbk(&format!("{HEADINGS}{rows}"))).unwrap();
}

/// Signs what was written by both sides and hands it in.
fn sign_and_hand_in(township: &Township, site: &Site, written: &Value) {
    let statement = written["statement"].as_str().unwrap().into();
    let envelope = township.sign_file("roster", statement, &[STATION.key, CADRES[0].key]);
    let entries = written["entries"].as_str().unwrap().into();
    let id = township.hand_in(site, &envelope, &[entries]).ended_with(0).json();
    let path = format!("/api/v1/statements/{}", id["statement"]);
    assert_eq!(site.get(&path).answered(200).json()["state"], "posted");
}

#[test]
fn a_clerks_table_becomes_the_roster_in_force_and_no_name_leaves_it() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    let site = &life.site;
    township.found(site);
    let on_server = ["--server", site.base()];

    write_table(&township, &ROWS.replace("10103,g2", "10103,g9").replace("渠水", "雨水"));
    let wrong = import(&township, &on_server).ended_with(1);
    assert!(wrong.stderr.contains("row 3, column 水源: \"雨水\""), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("row 5, column 社: \"g9\""), "{}", wrong.stderr);
    assert!(wrong.stdout.starts_with("2 wrong: nothing was written"), "{}", wrong.stdout);
    assert!(!township.file("roster.json").exists());

    write_table(&township, ROWS);
    let dry = import(&township, &[&on_server[..], &["--dry-run", "--json"]].concat());
    let diff = dry.ended_with(0).json()["diff"].clone();
    let counts = ["new", "gone", "changed"].map(|list| diff[list].as_array().unwrap().len());
    assert_eq!((counts, &diff["unchanged"]), ([1, 1, 2], &json!(1)), "{diff}");
    assert_eq!(diff["before"], json!({ "households": 4, "mu": "36.00" }));
    assert_eq!(diff["after"], json!({ "households": 4, "mu": "33.50" }));
    assert!(!township.file("roster.json").exists());

    let key = township.key_file(STATION.key);
    let key = ["--json", "--key", key.to_str().unwrap()];
    let done = import(&township, &[&on_server[..], &key].concat()).ended_with(0).json();
    assert_eq!(done["holders"], 3);
    let written = &done["written"];
    for file in ["statement", "entries"] {
        let text = std::fs::read_to_string(written[file].as_str().unwrap()).unwrap();
        assert!(!text.contains('张') && !text.contains('*'), "{text}");
    }
    sign_and_hand_in(&township, site, written);
    let page = site.get("/households/10101").answered(200).text();
    assert!(page.contains("张*明") && !page.contains("张小明"), "{page}");
    assert!(page.contains("玉米、小麦"), "{page}");
    let unmasked = json!({ "holders": [{ "household": "10101", "name": "张小明" }] });
    township.try_ask(site, STATION.key, &unmasked).ended_with(2);
    life.stop();

    let log = township.export(&server.flags());
    let log_flags = ["--log", log.to_str().unwrap(), "--dry-run"];
    let again = import(&township, &log_flags).ended_with(0);
    assert!(again.stdout.contains("0 new, 0 gone, 0 changed, 4 as before"), "{}", again.stdout);
    audit_holds(&log);
}
