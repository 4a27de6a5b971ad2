//! The files of `deploy/mosquitto` as they stand there: TLS, a certificate for each meter, rules for each side.
//!
//! Meters are `mosquitto_rr` and `mosquitto_pub` (Debian: `mosquitto-clients`), certificates are made by the script
//! (Debian: `openssl`).

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mqtt::{BrokerConfig, Level, Login};
use service::DeviceState;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::mosquitto::{Mosquitto, free_port};
use crate::server::{Server, config};

/// Seconds that a meter waits for its receipt: long, because only a failure takes them.
const PATIENCE: &str = "20";

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/mosquitto")
}

/// A broker on the repository's files, with ports of its own and its folder in place of `/etc/mosquitto/mingqu`.
struct Deployed {
    broker: Mosquitto,
    tls_port: u16,
}

impl Deployed {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        for arguments in [&["ca"][..], &["broker", "localhost"], &["meter", "m1", "m2", "m3"]] {
            certificates(folder.path(), arguments);
        }
        certificates(folder.path(), &["revoke", "m3"]);
        let passwords = folder.path().join("passwords");
        let mut passwd = Command::new("mosquitto_passwd");
        succeeds(passwd.arg("-c").arg("-b").arg(passwords).args(["mingqu", "secret"]));
        let (port, tls_port) = (free_port(), free_port());
        let lines = [
            ("listener 8883".to_owned(), format!("listener {tls_port} 127.0.0.1")),
            ("listener 1883 127.0.0.1".to_owned(), format!("listener {port} 127.0.0.1")),
            ("location /var/lib/mosquitto/".to_owned(), format!("location {path}/")),
            ("set_tcp_nodelay true".to_owned(), "user root\nlog_type all".to_owned()),
        ];
        let mut conf = read("mosquitto.conf").replace("/etc/mosquitto/mingqu", &path);
        for (line, ours) in lines {
            assert_eq!(conf.matches(&line).count(), 1, "{line}");
            conf = conf.replace(&line, &ours);
        }
        std::fs::write(folder.path().join("mosquitto.conf"), conf).unwrap();
        for rules in ["acl-meters", "acl-server"] {
            let rules_of_d = read(rules).replace("/minghe/", "/d/");
            std::fs::write(folder.path().join(rules), rules_of_d).unwrap();
        }
        Self { broker: Mosquitto::on(port, folder), tls_port }
    }

    /// The server, subscribed.
    async fn server(&self) -> Server {
        // Retained before the server comes, so that hearing it says that the subscription stands.
        let online = ["-r", "-t", "mingqu/v1/d/m1/status", "-m", "online"];
        assert!(self.publish("m1", &online).status.success());
        let login = Some(Login { user: "mingqu".into(), password: "secret".into() });
        let config = BrokerConfig { login, ..config(self.broker.port, Level::V5) };
        let server = Server::with(config, Semaphore::MAX_PERMITS);
        server.hears("m1", DeviceState::Online).await;
        server
    }

    /// Where the authority keeps what it made.
    fn file(&self, name: &str) -> PathBuf {
        self.broker.folder().join(name)
    }

    /// A client with the certificate in these files.
    fn client(&self, program: &str, certificate: &Path, key: &Path) -> Command {
        let mut client = self.stranger(program);
        client.arg("--cert").arg(certificate).arg("--key").arg(key);
        client
    }

    /// A client without a certificate, which trusts the broker's.
    fn stranger(&self, program: &str) -> Command {
        let mut client = Command::new(program);
        client.args(["-h", "localhost", "-p", &self.tls_port.to_string(), "-q", "1"]);
        client.arg("--cafile").arg(self.file("ca.crt"));
        client
    }

    /// Publishes with a meter's certificate.
    fn publish(&self, meter: &str, arguments: &[&str]) -> Output {
        let (certificate, key) = (format!("{meter}.crt"), format!("{meter}.key"));
        let mut client = self.client("mosquitto_pub", &self.file(&certificate), &self.file(&key));
        client.args(arguments).output().unwrap()
    }

    /// Publishes a meter's report with its certificate and waits for the receipt.
    async fn report(&self, meter: &'static str, payload: &'static str) -> String {
        let (certificate, key) = (format!("{meter}.crt"), format!("{meter}.key"));
        let mut client = self.client("mosquitto_rr", &self.file(&certificate), &self.file(&key));
        client
            .args(["-V", "mqttv311", "-W", PATIENCE, "-m", payload])
            .args(["-t", &format!("mingqu/v1/d/{meter}/report")])
            .args(["-e", &format!("mingqu/v1/d/{meter}/stored")]);
        let output = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn read(name: &str) -> String {
    std::fs::read_to_string(deploy().join(name)).unwrap()
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn certificates(folder: &Path, arguments: &[&str]) {
    succeeds(Command::new(deploy().join("certificates")).arg(folder).args(arguments));
}

#[tokio::test]
async fn a_meter_with_its_certificate_reports_over_tls_and_gets_its_receipt() {
    let deployed = Deployed::start();
    let server = deployed.server().await;
    assert_eq!(deployed.report("m1", "one").await, "1");
    assert_eq!(deployed.report("m2", "two").await, "1");
    assert_eq!(deployed.report("m1", "three").await, "2");
    let stored = server.store.stored(3).await;
    let topics: Vec<_> = stored.iter().map(|arrival| arrival.topic.as_str()).collect();
    let expected = ["m1", "m2", "m1"].map(|meter| format!("mingqu/v1/d/{meter}/report"));
    assert_eq!(topics, expected);
    server.stop().await;
}

#[tokio::test]
async fn nobody_gets_in_without_a_certificate_that_counts() {
    let deployed = Deployed::start();
    let server = deployed.server().await;
    let report = ["-t", "mingqu/v1/d/m1/report", "-m", "forged"];
    // None at all.
    let output = deployed.stranger("mosquitto_pub").args(report).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    // Another authority's, for the same name.
    let other = TempDir::new().unwrap();
    for arguments in [&["ca"][..], &["meter", "m1"]] {
        certificates(other.path(), arguments);
    }
    let files = [other.path().join("m1.crt"), other.path().join("m1.key")];
    let mut forger = deployed.client("mosquitto_pub", &files[0], &files[1]);
    let output = forger.args(report).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    // One that was revoked.
    let revoked = std::fs::read_dir(deployed.broker.folder()).unwrap();
    let revoked = revoked.map(|file| file.unwrap().path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("m3.revoked."))
    });
    let mut stolen = deployed.client("mosquitto_pub", &revoked.unwrap(), &deployed.file("m3.key"));
    let output = stolen.args(report).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    // Without TLS, on the port that wants it; and on the server's own port, without its password.
    for port in [deployed.tls_port, deployed.broker.port] {
        let mut plain = Command::new("mosquitto_pub");
        plain.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"]).args(report);
        let output = plain.output().unwrap();
        assert!(!output.status.success(), "{output:?}");
    }
    // The first that arrives is an honest one.
    assert_eq!(deployed.report("m2", "honest").await, "1");
    assert_eq!(server.store.stored(1).await[0].payload, b"honest");
    server.stop().await;
}

#[tokio::test]
async fn a_meter_is_heard_below_its_own_id_alone() {
    let deployed = Deployed::start();
    let server = deployed.server().await;
    for topic in [
        "mingqu/v1/d/m1/report",
        "mingqu/v1/d/m1/status",
        "mingqu/v1/d/m1/stored",
        "mingqu/v1/elsewhere/m2/report",
        "anything",
    ] {
        let output = deployed.publish("m2", &["-V", "mqttv5", "-t", topic, "-m", "offline"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Not authorized"), "{topic}: {output:?}");
    }
    // Whatever name it gives itself.
    let named = ["-u", "mingqu", "-P", "secret", "-t", "mingqu/v1/d/m1/report", "-m", "forged"];
    deployed.publish("m2", &named);
    assert_eq!(deployed.report("m2", "own").await, "1");
    let stored = server.store.stored(1).await;
    assert_eq!((stored[0].meter.as_str(), &stored[0].payload[..]), ("m2", &b"own"[..]));
    server.hears("m1", DeviceState::Online).await;
    server.stop().await;
}

#[tokio::test]
async fn a_meter_cannot_take_the_servers_connection_by_its_client_id() {
    let deployed = Deployed::start();
    let server = deployed.server().await;
    let pretender = ["-i", "mingqu-d", "-t", "mingqu/v1/d/m2/report", "-m", "hello"];
    assert!(deployed.publish("m2", &pretender).status.success());
    assert_eq!(deployed.report("m1", "after").await, "1");
    let counts = server.until(|counts| counts.acknowledged == 2).await;
    assert_eq!(counts.broker_connections, 1);
    server.stop().await;
}

#[test]
fn what_the_script_makes_is_for_its_owner_alone_and_names_are_checked() {
    let folder = TempDir::new().unwrap();
    certificates(folder.path(), &["ca"]);
    certificates(folder.path(), &["meter", "m1"]);
    for file in ["ca.key", "m1.key"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    for (arguments, words) in [
        (&["ca"][..], "is there already"),
        (&["meter", "m1"], "is there already"),
        (&["meter", "a/b"], "no meter id"),
        (&["meter", "+"], "no meter id"),
        (&["meter", "mingqu"], "kept for the server"),
        (&["meter"], "name the meters"),
        (&["revoke", "m9"], "there is no"),
        (&["broker"], "name what meters connect to"),
        (&["server", "x"], "none of ca, broker, meter, revoke"),
    ] {
        let mut script = Command::new(deploy().join("certificates"));
        let output = script.arg(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
    }
}
