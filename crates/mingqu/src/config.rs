//! Configuration: flags over `MINGQU_*` over the data folder's `mingqu.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use disclosure::witness_policy::WitnessPolicy;
use domain::DistrictId;
use domain::watch::Thresholds;
use mqtt::adapter::Adapters;
use mqtt::adapter::config::AdapterConfig;
use mqtt::{BrokerConfig, Level, Login};
use serde::Deserialize;

use crate::archive::MIN_KEEP_DAYS;
use crate::passphrase::PassphraseArgs;
use crate::transport::{Trust, TrustArgs};

/// The configuration's file in the data folder.
pub const FILE_NAME: &str = "mingqu.toml";
/// The log key's file in the data folder.
pub const LOG_KEY_FILE: &str = "log.key";
/// The gateway key's file in the data folder: it vouches for meters that sign nothing.
pub const GATEWAY_KEY_FILE: &str = "gateway.key";
/// The genesis's file in the data folder: the only statement that may found the log.
pub const GENESIS_FILE: &str = "genesis.json";
/// The last published checkpoint's file in the data folder.
pub const LAST_CHECKPOINT_FILE: &str = "last-checkpoint";
/// Where pages are served unless said otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Where meters connect unless said otherwise.
pub const DEFAULT_MQTT_LISTEN: &str = "127.0.0.1:1883";

/// What the file holds. A wrong key is refused by name, with those that are allowed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The district's code.
    pub district: String,
    /// The origin of the public log: a name that is yours, like `water.example.org/minghe`.
    pub origin: String,
    /// The database; without it, SQLite in the data folder.
    pub database: Option<String>,
    /// Where pages are served.
    pub listen: Option<String>,
    /// Where meters connect when no broker is configured.
    pub mqtt_listen: Option<String>,
    /// An MQTT broker, as HOST:PORT, instead of the endpoint inside the program.
    pub broker: Option<String>,
    /// The client id at the broker; each server of a district needs its own.
    pub broker_client_id: Option<String>,
    /// The user at the broker.
    pub broker_user: Option<String>,
    /// The password at the broker.
    pub broker_password: Option<String>,
    /// The version of MQTT spoken with the broker: `5`, or `3.1.1`.
    pub broker_protocol: Option<String>,
    /// The name under which several servers divide the reports among them.
    pub broker_share: Option<String>,
    /// A file that says whose cosignatures a checkpoint needs (C2SP tlog-policy), seen from the data folder.
    pub witness_policy: Option<PathBuf>,
    /// A PEM file of the certificate authorities that vouch for witnesses, seen from the data folder.
    pub ca: Option<PathBuf>,
    /// From when on something is an alarm or looks like a turn.
    #[serde(default)]
    pub alarms: Thresholds,
    /// How messages of devices that do not sign become readings.
    #[serde(default)]
    pub adapter: Vec<AdapterConfig>,
    /// How long reports stay in the database.
    #[serde(default)]
    pub retention: Retention,
}

/// The file's table `retention`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days after which reports that nothing needs are archived; without it they stay for ever.
    pub keep_days: Option<u32>,
}

/// What the command line and the environment may say.
#[derive(Debug, Clone, Default, Args)]
pub struct Overrides {
    /// Where pages are served, as ADDRESS:PORT.
    #[arg(long, env = "MINGQU_LISTEN")]
    pub listen: Option<String>,
    /// Where meters connect, as ADDRESS:PORT.
    #[arg(long, env = "MINGQU_MQTT_LISTEN")]
    pub mqtt_listen: Option<String>,
    /// An MQTT broker, as HOST:PORT, instead of the endpoint inside the program.
    #[arg(long, env = "MINGQU_BROKER")]
    pub broker: Option<String>,
    /// The client id at the broker; each server of a district needs its own.
    #[arg(long, env = "MINGQU_BROKER_CLIENT_ID")]
    pub broker_client_id: Option<String>,
    /// The user at the broker.
    #[arg(long, env = "MINGQU_BROKER_USER")]
    pub broker_user: Option<String>,
    /// The password at the broker; better in the environment or the file, where no process list shows it.
    #[arg(long, env = "MINGQU_BROKER_PASSWORD", hide_env_values = true)]
    pub broker_password: Option<String>,
    /// The version of MQTT spoken with the broker: 5, or 3.1.1.
    #[arg(long, env = "MINGQU_BROKER_PROTOCOL")]
    pub broker_protocol: Option<String>,
    /// The name under which several servers of the district divide the reports among them.
    #[arg(long, env = "MINGQU_BROKER_SHARE")]
    pub broker_share: Option<String>,
    /// A file that says whose cosignatures a checkpoint needs (C2SP tlog-policy).
    #[arg(long, env = "MINGQU_WITNESS_POLICY")]
    pub witness_policy: Option<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// The database: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.
    #[arg(long, env = "MINGQU_DATABASE")]
    pub database: Option<String>,
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The district.
    pub district: DistrictId,
    /// The origin of the public log.
    pub origin: disclosure::note::KeyName,
    /// The database's address.
    pub database: String,
    /// Where pages are served.
    pub listen: SocketAddr,
    /// How meters reach the server.
    pub meters: Meters,
    /// Whose cosignatures a checkpoint needs before it is published; none where it needs none.
    pub witness_policy: Option<WitnessPolicy>,
    /// Who vouches for witnesses that are reached by HTTPS.
    pub trust: Trust,
    /// What opens the folder's keys, should they be encrypted.
    pub passphrase: PassphraseArgs,
    /// From when on something is an alarm or looks like a turn.
    pub alarms: Thresholds,
    /// How messages of devices that do not sign become readings; checked.
    pub adapters: Vec<AdapterConfig>,
    /// Days after which reports that nothing needs are archived; none when they stay.
    pub keep_days: Option<u32>,
}

/// How meters reach the server.
#[derive(Debug, Clone)]
pub enum Meters {
    /// They connect to the program itself.
    Endpoint(SocketAddr),
    /// They connect to a broker.
    Broker(BrokerConfig),
}

impl File {
    /// Writes district and origin, with the other keys as comments to fill in.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        // Both values pass checks that leave nothing to escape.
        let text = format!(
            "# Mingqu's configuration; flags and MINGQU_* in the environment win over it.\n\
             district = \"{}\"\n\
             origin = \"{}\"\n\
             # listen = \"{DEFAULT_LISTEN}\"\n\
             # mqtt_listen = \"{DEFAULT_MQTT_LISTEN}\"\n\
             # broker = \"localhost:1883\"\n\
             # database = \"postgres://mingqu@localhost/mingqu\"\n\
             # witness_policy = \"witnesses.policy\"\n\
             # ca = \"authorities.pem\"\n\
             {}",
            self.district,
            self.origin,
            self.parts(),
        );
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The parts behind the single keys, as comments to fill in; a line that is appended to the file is still a single key.
    fn parts(&self) -> String {
        let alarms = if self.alarms == Thresholds::default() {
            "# [alarms]\n".to_owned()
        } else {
            format!("[alarms]\nturn_least_litres = {}\n", self.alarms.turn_least_litres)
        };
        format!(
            "\n\
             # From when on something is an alarm or looks like a turn.\n\
             {alarms}\
             # silent_after_minutes = 1440\n\
             # flow_starts_millilitres_per_second = 1000\n\
             \n\
             # After how many days reports that nothing needs leave the database for archive files.\n\
             # [retention]\n\
             # keep_days = 400\n"
        )
    }

    /// The same with the overrides laid over it.
    fn under(self, over: &Overrides) -> Self {
        let pick = |over: &Option<String>, own: Option<String>| over.clone().or(own);
        Self {
            district: self.district,
            origin: self.origin,
            database: pick(&over.database, self.database),
            listen: pick(&over.listen, self.listen),
            mqtt_listen: pick(&over.mqtt_listen, self.mqtt_listen),
            broker: pick(&over.broker, self.broker),
            broker_client_id: pick(&over.broker_client_id, self.broker_client_id),
            broker_user: pick(&over.broker_user, self.broker_user),
            broker_password: pick(&over.broker_password, self.broker_password),
            broker_protocol: pick(&over.broker_protocol, self.broker_protocol),
            broker_share: pick(&over.broker_share, self.broker_share),
            witness_policy: over.witness_policy.clone().or(self.witness_policy),
            ca: over.trust.ca.clone().or(self.ca),
            adapter: self.adapter,
            alarms: self.alarms,
            retention: self.retention,
        }
    }
}

impl Config {
    /// Reads the data folder's file and lays the overrides over it.
    pub fn load(data: &Path, overrides: &Overrides) -> anyhow::Result<Self> {
        let path = data.join(FILE_NAME);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}: make a data folder with `mingqu init`", path.display())
        })?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))?;
        Self::new(data, file, overrides)
    }

    /// Checks every value; the error names the key, the value and what is allowed.
    pub fn new(data: &Path, file: File, overrides: &Overrides) -> anyhow::Result<Self> {
        let mut file = file;
        file.witness_policy = file.witness_policy.map(|path| data.join(path));
        file.ca = file.ca.map(|path| data.join(path));
        let file = file.under(overrides);
        let district = DistrictId::new(&file.district).context("configuration key district")?;
        let origin =
            disclosure::note::KeyName::new(&file.origin).context("configuration key origin")?;
        file.alarms.check().context("configuration, part [alarms]")?;
        let meters = if let Some(address) = &file.broker {
            Meters::Broker(broker(&district, address, &file)?)
        } else {
            without_broker(&file)?;
            let address = file.mqtt_listen.as_deref().unwrap_or(DEFAULT_MQTT_LISTEN);
            Meters::Endpoint(parse_address("mqtt_listen", address)?)
        };
        Adapters::new(&file.adapter).context("configuration key adapter")?;
        let listen = file.listen.as_deref().unwrap_or(DEFAULT_LISTEN);
        Ok(Self {
            data: data.to_path_buf(),
            district,
            origin,
            listen: parse_address("listen", listen)?,
            meters,
            witness_policy: file.witness_policy.as_deref().map(read_policy).transpose()?,
            passphrase: overrides.passphrase.clone(),
            trust: Trust::read(file.ca.as_deref()).context("configuration key ca")?,
            alarms: file.alarms,
            adapters: file.adapter,
            keep_days: keep_days(&file.retention)?,
            database: file
                .database
                .unwrap_or_else(|| format!("sqlite:{}", data.join("mingqu.db").display())),
        })
    }
}

/// Without a broker nothing of one may be set: whoever did meant to have one.
fn without_broker(file: &File) -> anyhow::Result<()> {
    let set = [
        ("broker_client_id", file.broker_client_id.is_some()),
        ("broker_user", file.broker_user.is_some()),
        ("broker_password", file.broker_password.is_some()),
        ("broker_protocol", file.broker_protocol.is_some()),
        ("broker_share", file.broker_share.is_some()),
    ];
    match set.into_iter().find(|(_, set)| *set) {
        Some((key, _)) => {
            bail!("configuration key {key} needs broker: say which one, as HOST:PORT")
        }
        None => Ok(()),
    }
}

/// The broker that the meters connect to.
fn broker(district: &DistrictId, address: &str, file: &File) -> anyhow::Result<BrokerConfig> {
    let (host, port) = parse_broker(address)?;
    if file.broker_share.is_some() && file.broker_client_id.is_none() {
        bail!(
            "configuration key broker_share needs broker_client_id: each server that shares has a client id of its own"
        );
    }
    let client_id = file.broker_client_id.clone();
    let config = BrokerConfig {
        client_id: client_id.unwrap_or_else(|| format!("mingqu-{district}")),
        host,
        port,
        login: login(file.broker_user.clone(), file.broker_password.clone())?,
        protocol: parse_protocol(file.broker_protocol.as_deref())?,
        share: file.broker_share.clone(),
    };
    // What the client itself checks, said before anything is opened.
    mqtt::Broker::new(config.clone()).context("configuration keys of the broker")?;
    Ok(config)
}

/// Reads a policy file.
pub fn read_policy(path: &Path) -> anyhow::Result<WitnessPolicy> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read the policy of witnesses {}", path.display()))?;
    WitnessPolicy::parse(&bytes)
        .with_context(|| format!("{} is not a policy of witnesses", path.display()))
}

fn parse_protocol(value: Option<&str>) -> anyhow::Result<Level> {
    match value {
        None | Some("5") => Ok(Level::V5),
        Some("3.1.1") => Ok(Level::V4),
        Some(value) => bail!(
            "configuration key broker_protocol = {value:?} is not valid: use \"5\" or \"3.1.1\""
        ),
    }
}

fn keep_days(retention: &Retention) -> anyhow::Result<Option<u32>> {
    match retention.keep_days {
        Some(days) if days < MIN_KEEP_DAYS => bail!(
            "configuration key retention.keep_days = {days} is not valid: use {MIN_KEEP_DAYS} or more, or leave it out to keep all reports in the database"
        ),
        days => Ok(days),
    }
}

/// Reads ADDRESS:PORT.
pub fn parse_address(key: &str, value: &str) -> anyhow::Result<SocketAddr> {
    match value.parse() {
        Ok(address) => Ok(address),
        Err(_) => bail!(
            "configuration key {key} = {value:?} is not valid: use ADDRESS:PORT, like 127.0.0.1:8080 or 0.0.0.0:8080"
        ),
    }
}

fn parse_broker(value: &str) -> anyhow::Result<(String, u16)> {
    let parts = value.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match parts {
        Some((host, port)) if !host.is_empty() && port != 0 => Ok((host.to_owned(), port)),
        _ => bail!(
            "configuration key broker = {value:?} is not valid: use HOST:PORT, like localhost:1883"
        ),
    }
}

fn login(user: Option<String>, password: Option<String>) -> anyhow::Result<Option<Login>> {
    match (user, password) {
        (Some(user), Some(password)) => Ok(Some(Login { user, password })),
        (None, None) => Ok(None),
        _ => bail!(
            "configuration keys broker_user and broker_password go together: give both or none"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> anyhow::Result<Config> {
        let file: File = toml::from_str(text)?;
        Config::new(Path::new("data"), file, &Overrides::default())
    }

    const LEAST: &str = "district = \"minghe\"\norigin = \"water.example.org/minghe\"\n";

    #[test]
    fn the_least_file_is_enough() {
        let config = file(LEAST).unwrap();
        assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
        assert_eq!(config.database, "sqlite:data/mingqu.db");
        assert!(matches!(config.meters, Meters::Endpoint(_)));
    }

    #[test]
    fn flags_win_over_the_file() {
        let parsed: File = toml::from_str(&format!("{LEAST}listen = \"0.0.0.0:1\"\n")).unwrap();
        let overrides = Overrides { listen: Some("127.0.0.1:2".into()), ..Overrides::default() };
        let config = Config::new(Path::new("data"), parsed, &overrides).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:2");
    }

    #[test]
    fn authorities_that_cannot_be_read_are_refused_by_their_key() {
        let error = format!("{:#}", file(&format!("{LEAST}ca = \"none.pem\"\n")).unwrap_err());
        for part in ["configuration key ca", "data/none.pem"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_broker_is_spoken_to_in_mqtt_5_unless_it_is_told_otherwise() {
        let broker = |lines: &str| match file(&format!("{LEAST}broker = \"b:1\"\n{lines}")) {
            Ok(Config { meters: Meters::Broker(broker), .. }) => broker,
            other => panic!("{other:?}"),
        };
        let plain = broker("");
        assert_eq!((plain.protocol, plain.client_id.as_str()), (Level::V5, "mingqu-minghe"));
        assert_eq!(broker("broker_protocol = \"3.1.1\"").protocol, Level::V4);
        let shared = broker("broker_client_id = \"s1\"\nbroker_share = \"pool\"");
        assert_eq!(shared.share.as_deref(), Some("pool"));
    }

    #[test]
    fn the_documented_thresholds_are_the_defaults() {
        let page = include_str!("../../../docs/alarms.md");
        let example = page.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
        let config = file(&format!("{LEAST}{}", example.unwrap())).unwrap();
        assert_eq!(config.alarms, Thresholds::default());
    }

    #[test]
    fn a_policy_of_witnesses_is_read_from_the_data_folder() {
        let data = tempfile::tempdir().unwrap();
        let load = |policy: &str| {
            std::fs::write(data.path().join("w.policy"), policy).unwrap();
            let file: File = toml::from_str(&format!("{LEAST}witness_policy = \"w.policy\"\n"))?;
            Config::new(data.path(), file, &Overrides::default())
        };
        assert!(load("quorum none\n").unwrap().witness_policy.is_some());
        let refused = format!("{:#}", load("quorum w\n").unwrap_err());
        for word in ["w.policy", "line 1", "w is no witness"] {
            assert!(refused.contains(word), "{refused}");
        }
        assert!(file(LEAST).unwrap().witness_policy.is_none());
        let missing = file(&format!("{LEAST}witness_policy = \"nowhere\"\n")).unwrap_err();
        assert!(format!("{missing:#}").contains("data/nowhere"), "{missing:#}");
    }

    #[test]
    fn rejects_with_key_value_and_what_is_allowed() {
        for (line, words) in [
            ("listen = \"8080\"", ["listen", "\"8080\"", "ADDRESS:PORT"]),
            ("mqtt_listen = \"x:y\"", ["mqtt_listen", "\"x:y\"", "ADDRESS:PORT"]),
            ("broker = \"localhost\"", ["broker", "\"localhost\"", "HOST:PORT"]),
            ("broker = \"b:1\"\nbroker_user = \"a\"", ["broker_user", "broker_password", "both"]),
            ("broker = \"b:1\"\nbroker_protocol = \"4\"", ["broker_protocol", "\"4\"", "3.1.1"]),
            ("broker_share = \"a\"", ["broker_share", "needs broker:", "HOST:PORT"]),
            (
                "broker = \"b:1\"\nbroker_share = \"a\"",
                ["broker_share", "broker_client_id", "each"],
            ),
            (
                "broker = \"b:1\"\nbroker_client_id = \"s1\"\nbroker_share = \"a/b\"",
                ["broker", "share", "a-z"],
            ),
            (
                "[[adapter]]\nkind = \"json\"\ntopic = \"mingqu/#\"\nmeter = { fixed = \"w1\" }\nvalue = { pointer = \"/v\" }\ntime = { form = \"arrival\" }",
                ["adapter", "mingqu/#", "signed reports"],
            ),
            ("[retention]\nkeep_days = 30", ["retention.keep_days", "30", "90"]),
            ("lisen = \"a\"", ["lisen", "unknown field", "mqtt_listen"]),
            (
                "[alarms]\nsilent_after_minutes = 0",
                ["[alarms]", "silent_after_minutes = 0", "use 1"],
            ),
            ("[alarms]\nleak = 5", ["leak", "unknown field", "leak_after_hours"]),
        ] {
            let message = format!("{:#}", file(&format!("{LEAST}{line}\n")).unwrap_err());
            for word in words {
                assert!(message.contains(word), "{line}: {message}");
            }
        }
    }
}
