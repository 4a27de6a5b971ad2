//! A wrong configuration is one message that says which key, which value, and what is allowed.

use std::net::TcpListener;
use std::path::Path;

use crate::harness::{Finished, mingqu};
use crate::township::Township;

fn serve(data: &Path, flags: &[&str]) -> Finished {
    Finished::of(mingqu().arg("serve").arg("--data").arg(data).args(flags))
}

/// One line on stderr that names all of this, and exit code 2.
#[track_caller]
fn complains(finished: Finished, words: &[&str]) {
    let finished = finished.ended_with(2);
    let message = finished.stderr.trim_end();
    assert_eq!(finished.stdout, "");
    for word in words {
        assert!(message.contains(word), "{word:?} is missing: {message}");
    }
    assert!(message.starts_with("mingqu: "), "{message}");
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_what_is_allowed() {
    let township = Township::prepare(1);
    let file = township.data().join("mingqu.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let wrong = [
        ("listen = \"8080\"", ["listen", "\"8080\"", "ADDRESS:PORT"]),
        ("mqtt_listen = \"here\"", ["mqtt_listen", "\"here\"", "ADDRESS:PORT"]),
        ("broker = \"localhost\"", ["broker", "\"localhost\"", "HOST:PORT"]),
        ("lisen = \"127.0.0.1:1\"", ["mingqu.toml", "lisen", "mqtt_listen"]),
    ];
    for (line, words) in wrong {
        std::fs::write(&file, format!("{written}{line}\n")).unwrap();
        complains(serve(&township.data(), &[]), &words);
    }
    std::fs::write(&file, format!("{written}database = \"mysql://here\"\n")).unwrap();
    let free_ports = ["--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0"];
    complains(serve(&township.data(), &free_ports), &["database", "mysql", "postgres"]);
    std::fs::write(&file, written.replace("qinghe", "Qing He")).unwrap();
    complains(serve(&township.data(), &[]), &["district", "Qing He", "a-z"]);
    std::fs::write(&file, written).unwrap();
    complains(
        serve(&township.data(), &["--listen", "nowhere"]),
        &["listen", "nowhere", "ADDRESS:PORT"],
    );
}

#[test]
fn a_folder_that_is_no_data_folder_is_named_with_the_way_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    complains(serve(folder.path(), &[]), &["mingqu.toml", "mingqu init"]);
    let township = Township::prepare(1);
    let root = format!("bureau={}", township.public_key("bureau"));
    let again = Finished::of(mingqu().arg("init").arg("--data").arg(township.data()).args([
        "--district",
        "qinghe",
        "--name",
        "清河",
        "--origin",
        "test.example/q",
        "--root",
        &root,
    ]));
    complains(again, &["is a data folder already"]);
}

#[test]
fn one_root_alone_founds_no_district() {
    let township = Township::prepare(1);
    let folder = township.file("alone");
    let root = format!("bureau={}", township.public_key("bureau"));
    let mut init = mingqu();
    init.arg("init").arg("--data").arg(&folder).args(["--district", "qinghe", "--name", "清河"]);
    init.args(["--origin", "test.example/q", "--root", &root]);
    complains(Finished::of(&mut init), &["at least two people", "--root"]);
    assert!(!folder.exists(), "nothing was made");
}

#[test]
fn a_taken_port_is_named_with_the_way_to_choose_another() {
    let township = Township::prepare(1);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    let free = "127.0.0.1:0";
    complains(
        serve(&township.data(), &["--listen", &address, "--mqtt-listen", free]),
        &[&port, "pages", "--listen"],
    );
    complains(
        serve(&township.data(), &["--listen", free, "--mqtt-listen", &address]),
        &[&port, "meters", "--mqtt-listen"],
    );
    let demo = Finished::of(
        mingqu()
            .args(["demo", "--once", "--data"])
            .arg(township.file("demo"))
            .args(["--listen", &address]),
    );
    complains(demo, &[&port, "--listen"]);
}
