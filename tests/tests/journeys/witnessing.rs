//! Witnesses: nothing is published that they have not seen grow, and they cosign one history alone.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use disclosure::checkpoint::Checkpoint;
use disclosure::note::{SignedNote, VerifierKey};
use disclosure::witness::AddCheckpoint;
use serde_json::json;

use crate::harness::{Answer, Authority, Finished, Postgres, Site, free_port, mingqu, wait_for};
use crate::township::{Life, Person, Server, Township, Witness, audit_holds};

const POLICY: &str = "witnesses.policy";
const NEWCOMER: Person = Person::cadre("newcomer", "liuwan", None);
const ANOTHER: Person = Person::cadre("another", "liuwan", None);

/// Who are enrolled at two servers at once.
const NEWCOMERS: [&str; 8] = ["n-1", "n-2", "n-3", "n-4", "n-5", "n-6", "n-7", "n-8"];
const THIRD: Person = Person::cadre("third", "liuwan", None);

/// A founded township whose log has two witnesses.
struct Scene {
    township: Township,
    server: Server,
    witnesses: [Witness; 2],
}

/// Takes connections, and keeps them without a word until the test's process ends; its address.
fn hung() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

impl Scene {
    /// `least` of the two witnesses are needed: `all` or `any`.
    fn set(least: &str) -> (Self, Life) {
        let scene = Self::prepare(least);
        let life = scene.server.start(&scene.township.data());
        scene.township.found(&life.site);
        (scene, life)
    }

    /// The witnesses run, and the server was never started.
    fn prepare(least: &str) -> Self {
        let township = Township::prepare(1);
        let log = township.log_vkey();
        let witnesses = ["office", "bureau-east"].map(|name| Witness::start(&township, name, &log));
        let server = Server::with_endpoint(free_port());
        let scene = Self { township, server, witnesses };
        scene.ask_at(least, &[0, 1].map(|place| scene.address(place)));
        scene.configure(&format!("witness_policy = \"{POLICY}\"\n"));
        scene
    }

    fn address(&self, place: usize) -> String {
        self.witnesses[place].site().base().to_owned()
    }

    /// Writes the policy, by which each witness is asked at one of these addresses.
    fn ask_at(&self, least: &str, addresses: &[String; 2]) {
        let lines = self.witnesses.iter().zip(addresses);
        let lines: String = lines.map(|(witness, address)| witness.line_at(address)).collect();
        let log = self.township.log_vkey();
        let policy =
            format!("log {log}\n{lines}group both {least} office bureau-east\nquorum both\n");
        std::fs::write(self.township.data().join(POLICY), policy).unwrap();
    }

    fn configure(&self, line: &str) {
        let file = self.township.data().join("mingqu.toml");
        let written = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{line}{written}")).unwrap();
    }

    fn witness_no_more(&self) {
        let file = self.township.data().join("mingqu.toml");
        let written = std::fs::read_to_string(&file).unwrap();
        let policy = |line: &&str| !line.starts_with("witness_policy");
        let kept: Vec<&str> = written.split_inclusive('\n').filter(policy).collect();
        std::fs::write(&file, kept.concat()).unwrap();
    }

    /// Hands in an enrolment with all its signatures; the id.
    fn hand_in(&self, site: &Site, person: &Person) -> i64 {
        hand_in(&self.township, site, &signed_enrolment(&self.township, person))
    }

    /// The server does not start; its words.
    #[track_caller]
    fn refused(&self) -> String {
        let mut command = mingqu();
        command.arg("serve").arg("--data").arg(self.township.data());
        command.args(["--listen", "127.0.0.1:0"]).args(self.server.flags());
        Finished::of(&mut command).ended_with(2).stderr
    }
}

/// An enrolment with all its signatures.
fn signed_enrolment(township: &Township, person: &Person) -> PathBuf {
    township.new_key(person.key);
    let payload = township.enrolment(person, &township.public_key(person.key));
    let file = township.file("enrolment.json");
    std::fs::write(&file, payload.to_string()).unwrap();
    let signers = person.approvers().map(|(_, key)| key);
    let own = township.file(&format!("{}.dsse.json", person.key));
    std::fs::rename(township.sign_file("key", file, &signers), &own).unwrap();
    own
}

/// Hands a signed statement in; the id.
fn hand_in(township: &Township, site: &Site, envelope: &Path) -> i64 {
    let id = township.hand_in(site, envelope, &[]).ended_with(0).json();
    id["statement"].as_i64().unwrap()
}

fn state(site: &Site, id: i64) -> String {
    let statement = site.get(&format!("/api/v1/statements/{id}")).answered(200).json();
    statement["state"].as_str().unwrap().to_owned()
}

fn size(site: &Site) -> u64 {
    site.get("/api/v1/status").answered(200).json()["log_size"].as_u64().unwrap()
}

/// The published checkpoint.
fn published(site: &Site, log: &str) -> (Checkpoint, SignedNote) {
    let note = site.get("/checkpoint").answered(200).body;
    let key = VerifierKey::parse(log).unwrap();
    (Checkpoint::open(&note, &key).unwrap(), SignedNote::parse(&note).unwrap())
}

fn ask(witness: &Witness, old: u64, note: &SignedNote) -> Answer {
    let request = AddCheckpoint::new(old, Vec::new(), note.clone()).unwrap();
    witness.site().post_bytes("/add-checkpoint", &request.to_bytes())
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

#[test]
fn while_one_of_two_needed_witnesses_is_down_nothing_is_published() {
    let (mut scene, life) = Scene::set("all");
    let site = &life.site;
    let before = size(site);
    assert_eq!([scene.witnesses[0].size(), scene.witnesses[1].size()], [before, before]);

    scene.witnesses[1].stop();
    let id = scene.hand_in(site, &NEWCOMER);
    assert_eq!((state(site, id).as_str(), size(site)), ("unwitnessed", before));
    let status = site.get("/api/v1/status").answered(200).json();
    assert_eq!(status["unpublished"], json!(1));
    let ready = site.get("/readyz").answered(200).text();
    assert!(ready.contains("witness bureau-east did not cosign"), "{ready}");
    let metrics = site.get("/metrics").answered(200).text();
    for line in [
        "mingqu_log_unpublished_entries 1\n",
        "mingqu_witness_up{witness=\"office\"} 1\n",
        "mingqu_witness_up{witness=\"bureau-east\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    site.get(&format!("/postings/{before}/receipt")).answered(404);
    site.get(&format!("/postings/{before}")).answered(404);

    scene.witnesses[1].restart();
    wait_for("the witness to be asked again", || (state(site, id) == "posted").then_some(()));
    assert_eq!(size(site), before + 1);
    assert_eq!([scene.witnesses[0].size(), scene.witnesses[1].size()], [before + 1; 2]);
    life.stop();
    let export = scene.township.export(&scene.server.flags());
    audit_holds(&export);
    let checkpoint = std::fs::read(export.join("checkpoint")).unwrap();
    let mut note = SignedNote::parse(&checkpoint).unwrap();
    assert_eq!(note.signatures.len(), 3, "the log's and both witnesses'");
    let audit = |code| {
        let mut command = mingqu();
        command.arg("audit").arg(&export).arg("--policy").arg(scene.township.data().join(POLICY));
        Finished::of(&mut command).ended_with(code).stderr
    };
    assert!(audit(0).contains("cosigned by office, bureau-east"));
    // Without one of the two cosignatures the log still holds, and the policy does not.
    note.signatures.pop();
    std::fs::write(export.join("checkpoint"), note.to_bytes()).unwrap();
    assert!(audit(1).contains("cosigned by office and the policy needs 2 of both"));
}

#[test]
fn one_of_two_suffices_where_the_policy_says_any_and_the_other_catches_up() {
    let (mut scene, life) = Scene::set("any");
    let site = &life.site;
    let before = size(site);
    scene.witnesses[0].kill();
    scene.township.enrol(site, &NEWCOMER);
    assert_eq!((size(site), scene.witnesses[1].size()), (before + 1, before + 1));
    scene.witnesses[0].restart();
    scene.township.enrol(site, &ANOTHER);
    wait_for("the other to catch up", || (scene.witnesses[0].size() == before + 2).then_some(()));
    life.stop();
}

#[test]
fn a_witness_that_hangs_is_reported_and_holds_up_no_more_than_its_time() {
    let (scene, life) = Scene::set("any");
    life.stop();
    let office = scene.address(0);
    scene.ask_at("any", &[office.clone(), hung()]);
    let life = scene.server.start(&scene.township.data());
    let site = &life.site;
    let before = size(site);
    // Enough cosign without it.
    let id = scene.hand_in(site, &NEWCOMER);
    assert_eq!((state(site, id).as_str(), size(site)), ("posted", before + 1));
    wait_for("the silence to be reported", || {
        let ready = site.get("/readyz").answered(200).text();
        ready.contains("witness bureau-east did not cosign").then_some(())
    });
    life.stop();

    // Where it is needed, what is posted waits for it and the server goes on answering.
    scene.ask_at("all", &[office, hung()]);
    let life = scene.server.start(&scene.township.data());
    let id = scene.hand_in(&life.site, &ANOTHER);
    assert_eq!(state(&life.site, id), "co-signed", "nothing is added before all have been heard");
    let metrics = life.site.get("/metrics").answered(200).text();
    assert!(metrics.contains("mingqu_witness_up{witness=\"bureau-east\"} 0\n"), "{metrics}");
    assert_eq!(size(&life.site), before + 1);
    life.stop();
}

#[test]
fn witnesses_are_asked_over_https_where_the_policy_says_so() {
    let (scene, life) = Scene::set("all");
    life.stop();
    let authority = Authority::new();
    let https = |place| authority.in_front_of(&scene.address(place));
    scene.ask_at("all", &[https(0), https(1)]);
    let life = scene.server.start(&scene.township.data());
    let ready = life.site.get("/readyz").answered(200).text();
    assert!(ready.contains("--ca FILE"), "{ready}");
    life.stop();
    scene.configure(&format!("ca = \"{}\"\n", authority.certificate().display()));
    let life = scene.server.start(&scene.township.data());
    let before = size(&life.site);
    scene.township.enrol(&life.site, &NEWCOMER);
    assert_eq!([scene.witnesses[0].size(), scene.witnesses[1].size()], [before + 1; 2]);
    life.stop();
}

#[test]
fn two_servers_on_one_database_post_with_witnesses_and_neither_forks_nor_waits_for_ever() {
    let postgres = Postgres::start();
    let database = postgres.database("qinghe");
    let mut scene = Scene::prepare("all");
    scene.server = scene.server.over(&database);
    let first = scene.server.start(&scene.township.data());
    scene.township.found(&first.site);
    let other = scene.township.another_data();
    std::fs::copy(scene.township.data().join(POLICY), other.join(POLICY)).unwrap();
    let second = Server::with_endpoint(free_port()).over(&database).start(&other);
    let before = size(&first.site);

    let enrolments = NEWCOMERS
        .map(|name| signed_enrolment(&scene.township, &Person::cadre(name, "liuwan", None)));
    let sites = [&first.site, &second.site];
    let ids: Vec<(usize, i64)> = std::thread::scope(|scope| {
        let halves = enrolments.chunks(enrolments.len() / 2).enumerate().map(|(place, half)| {
            let township = &scene.township;
            scope.spawn(move || {
                let ids =
                    half.iter().map(|envelope| (place, hand_in(township, sites[place], envelope)));
                ids.collect::<Vec<_>>()
            })
        });
        let halves: Vec<_> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    for (place, id) in ids {
        wait_for("every posting to be witnessed", || {
            (state(sites[place], id) == "posted").then_some(())
        });
    }
    let all = before + u64::try_from(enrolments.len()).unwrap();
    assert_eq!([size(&first.site), size(&second.site)], [all; 2]);
    assert_eq!([scene.witnesses[0].size(), scene.witnesses[1].size()], [all; 2]);
    assert!(scene.witnesses.iter().all(|witness| !witness.saw_a_fork()));
    first.stop();
    second.stop();
    audit_holds(&scene.township.export(&scene.server.flags()));
}

#[test]
fn an_old_backup_and_a_forked_log_are_refused_with_the_way_to_recover() {
    let (scene, life) = Scene::set("all");
    let log = scene.township.log_vkey();
    let (stale, stale_note) = published(&life.site, &log);
    life.stop();
    let backup = scene.township.file("backup");
    copy_folder(&scene.township.data(), &backup);
    let life = scene.server.start(&scene.township.data());
    scene.township.enrol(&life.site, &NEWCOMER);
    life.stop();
    let newest = scene.township.file("newest");
    std::fs::rename(scene.township.data(), &newest).unwrap();
    copy_folder(&backup, &scene.township.data());

    // The log shrank.
    let words = scene.refused();
    let (was, now) = (stale.size + 1, stale.size);
    for part in [
        format!("has cosigned {was} entries of this log and the database has {now}"),
        "an old backup was restored".to_owned(),
        "restore the newest backup, and never delete the witness's state".to_owned(),
    ] {
        assert!(words.contains(&part), "{part}: {words}");
    }
    let answer = ask(&scene.witnesses[0], now, &stale_note).answered(409);
    assert_eq!(answer.text(), format!("{was}\n"));

    // Somebody posts to it all the same, under the same log key.
    scene.witness_no_more();
    let life = scene.server.start(&scene.township.data());
    scene.township.enrol(&life.site, &ANOTHER);
    let (forked, forked_note) = published(&life.site, &log);
    assert_eq!(forked.size, was);
    life.stop();
    let answer = ask(&scene.witnesses[0], was, &forked_note).answered(409).text();
    assert!(answer.contains("the log was forked"), "{answer}");
    scene.configure(&format!("witness_policy = \"{POLICY}\"\n"));
    let words = scene.refused();
    for part in ["has cosigned another history of this log", "never delete the witness's state"] {
        assert!(words.contains(part), "{words}");
    }
    let seen = scene.witnesses[0].site().get("/").answered(200).text();
    assert!(seen.contains(&format!("cosigned {was} entries")), "{seen}");

    // The newest backup is the way out.
    std::fs::rename(scene.township.data(), scene.township.file("forked")).unwrap();
    std::fs::rename(&newest, scene.township.data()).unwrap();
    let life = scene.server.start(&scene.township.data());
    scene.township.enrol(&life.site, &THIRD);
    assert_eq!(scene.witnesses[0].size(), was + 1);
    life.stop();
}

#[test]
fn a_witness_killed_between_storing_and_answering_loses_nothing() {
    let township = Township::prepare(1);
    let log = township.log_vkey();
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.found(&life.site);
    let (checkpoint, note) = published(&life.site, &log);
    let mut witness = Witness::start(&township, "office", &log);

    let request = AddCheckpoint::new(0, Vec::new(), note.clone()).unwrap().to_bytes();
    let address = witness.site().base().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
        request.len()
    );
    stream.write_all(&[head.as_bytes(), &request].concat()).unwrap();
    // Stored; whatever answer is on its way is never read.
    wait_for("the checkpoint on disk", || witness.stored().then_some(()));
    witness.kill();
    drop(stream);
    witness.restart();
    assert_eq!(witness.size(), checkpoint.size);
    let answer = ask(&witness, 0, &note).answered(409).text();
    assert_eq!(answer, format!("{}\n", checkpoint.size));
    let cosigned = ask(&witness, checkpoint.size, &note).answered(200).text();
    assert!(cosigned.starts_with("— office "), "{cosigned}");
    life.stop();
}
