//! Somebody wants a log, a signature or a past that is not theirs.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::harness::{Finished, free_port, mingqu};
use crate::township::{STATION, Server, Township};

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_stranger_cannot_found_the_district() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.new_key("stranger");
    let genesis = fs::read_to_string(township.data().join("genesis.json")).unwrap();
    let mut forged = genesis;
    for root in ["bureau", "office"] {
        let (own, other) = (township.public_key(root), township.public_key("stranger"));
        forged = forged.replace(&own, &other);
        forged = forged.replace(&township.fingerprint(root), &township.fingerprint("stranger"));
    }
    let mut forged: serde_json::Value = serde_json::from_str(&forged).unwrap();
    forged["roots"].as_array_mut().unwrap().truncate(1);
    forged["head"]["signers"].as_array_mut().unwrap().truncate(1);
    for rule in forged["policy"].as_array_mut().unwrap() {
        for need in rule["needs"].as_array_mut().unwrap() {
            need["count"] = 1.into();
        }
    }
    let payload = township.file("forged.json");
    fs::write(&payload, forged.to_string()).unwrap();
    let envelope = township.sign_file("district", payload, &["stranger"]);
    let refused = township.hand_in(&life.site, &envelope, &[]).ended_with(2);
    assert!(refused.stderr.contains("genesis in the server's data folder"), "{}", refused.stderr);
    assert_eq!(life.site.get("/api/v1/status").answered(200).json()["log_size"], 0);
    township.found(&life.site);
    life.stop();
}

#[test]
fn an_exchanged_database_is_noticed_at_the_start_and_by_whoever_copied_the_log() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.found(&life.site);
    life.stop();
    let backup = township.file("backup");
    copy_folder(&township.data(), &backup);

    let life = server.start(&township.data());
    let person = crate::township::Person::cadre("late", "liuwan", None);
    township.enrol(&life.site, &person);
    let copy = township.file("copy");
    let log_copy = |base: &str| Finished::of(mingqu().args(["log", "copy", base]).arg(&copy));
    log_copy(life.site.base()).ended_with(0);
    life.stop();

    // The old database comes back; the data folder remembers what was published.
    for name in ["mingqu.db", "mingqu.db-wal", "mingqu.db-shm"] {
        drop(fs::remove_file(township.data().join(name)));
    }
    fs::copy(backup.join("mingqu.db"), township.data().join("mingqu.db")).unwrap();
    let mut serve = mingqu();
    serve.args(["serve", "--data"]).arg(township.data()).args(server.flags());
    let refused = Finished::of(serve.args(["--listen", "127.0.0.1:0"])).ended_with(2);
    assert!(refused.stderr.contains("an old or empty database is in use"), "{}", refused.stderr);

    // Whoever restores the whole folder is found out by the copy that somebody else has.
    let restored = server.start(&backup);
    let rewritten = log_copy(restored.site.base()).ended_with(1);
    assert!(rewritten.stdout.contains("the log was rewritten"), "{}", rewritten.stdout);
    restored.stop();
    let mut export = mingqu();
    let exported = Finished::of(export.args(["log", "export", "--data"]).arg(&backup).arg(&copy));
    assert!(exported.ended_with(1).stdout.contains("the log was rewritten"));
    crate::township::audit_holds(&copy);
}

#[test]
fn a_server_cannot_get_a_request_signed_as_a_statement() {
    let township = Township::prepare(1);
    township.new_key(STATION.key);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let liar = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 1024];
        assert!(stream.read(&mut asked).unwrap() > 0);
        let body = serde_json::json!({
            "id": 10,
            "payload_type": "application/vnd.mingqu.request.v1+json",
            "payload": BASE64.encode(br#"{"district":"qinghe"}"#),
        })
        .to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    });
    let mut sign = mingqu();
    sign.args(["sign", "--server", &base, "--statement", "10", "--yes", "--key"]);
    let refused = Finished::of(sign.arg(township.key_file(STATION.key))).ended_with(2);
    assert!(refused.stderr.contains("is not a statement, and is not signed"), "{}", refused.stderr);
    liar.join().unwrap();
}

#[test]
fn nothing_is_signed_unseen() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.found(&life.site);
    township.report(&server, 12);
    let watering = township.water(&life.site, "turn-1", 1);
    let mut sign = mingqu();
    sign.args(["sign", "--server", life.site.base(), "--statement", &watering.id.to_string()]);
    sign.arg("--key").arg(township.key_file(STATION.key)).stdin(std::process::Stdio::null());
    let refused = Finished::of(&mut sign).ended_with(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(watering.state(&life.site), "draft");
    life.stop();
}

#[test]
fn a_lost_log_key_is_asked_for_and_never_made_anew() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.found(&life.site);
    life.stop();
    let key = township.data().join("log.key");
    fs::remove_file(&key).unwrap();
    let mut serve = mingqu();
    serve.args(["serve", "--data"]).arg(township.data()).args(server.flags());
    let mut export = mingqu();
    export.args(["log", "export", "--data"]).arg(township.data()).arg(township.file("out"));
    for command in [serve.args(["--listen", "127.0.0.1:0"]), &mut export] {
        let refused = Finished::of(command).ended_with(2);
        assert!(refused.stderr.contains("the log's key is needed"), "{}", refused.stderr);
        assert!(!key.exists(), "another key would be another log");
    }
}
