//! `mingqu witness`: cosign the checkpoints of logs that only grow.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::witness::{Folder, Witness};
use anyhow::{Context, bail};
use clap::Args;
use disclosure::cosignature::Cosigner;
use disclosure::note::{KeyName, VerifierKey};
use serde::Deserialize;
use service::Clock as _;
use tokio::net::TcpListener;

use super::tell;
use crate::Verdict;
use crate::clock::SystemClock;
use crate::config::parse_address;
use crate::key_file;
use crate::passphrase::PassphraseArgs;
use crate::server::{interrupted, listen};

/// The configuration's file in the witness's folder.
const FILE_NAME: &str = "witness.toml";
/// The key's file in the witness's folder.
const KEY_FILE: &str = "witness.key";
/// The verifier key's file in the witness's folder: the name and the key, which stay together.
const VKEY_FILE: &str = "witness.vkey";
/// Where the witness is asked unless said otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:8081";

/// What `witness` takes.
#[derive(Debug, Args)]
pub struct WitnessArgs {
    /// The witness's folder: its key, and what it has cosigned.
    #[arg(long, env = "MINGQU_DATA", default_value = "mingqu-witness")]
    data: PathBuf,
    /// The witness's name at its first start, a name that is yours: like `witness.example.org/minghe`.
    #[arg(long, env = "MINGQU_WITNESS_NAME")]
    name: Option<String>,
    /// Where it is asked, as ADDRESS:PORT.
    #[arg(long, env = "MINGQU_LISTEN")]
    listen: Option<String>,
    /// The verifier key of a log that it watches; any number.
    #[arg(long, env = "MINGQU_LOG", value_delimiter = ' ')]
    log: Vec<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// What the file holds; all of it may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The witness's name at its first start.
    name: Option<String>,
    /// Where it is asked.
    listen: Option<String>,
    /// The logs' verifier keys.
    #[serde(default)]
    log: Vec<String>,
}

/// A checked configuration.
#[derive(Debug)]
struct Config {
    data: PathBuf,
    name: Option<KeyName>,
    listen: SocketAddr,
    logs: Vec<VerifierKey>,
    passphrase: PassphraseArgs,
}

impl Config {
    fn load(args: WitnessArgs) -> anyhow::Result<Self> {
        let path = args.data.join(FILE_NAME);
        let file: File = match std::fs::read_to_string(&path) {
            Ok(text) => {
                toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Self::new(args, file)
    }

    fn new(args: WitnessArgs, file: File) -> anyhow::Result<Self> {
        let name = args.name.or(file.name).map(KeyName::new).transpose();
        let listen = args.listen.or(file.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let logs = if args.log.is_empty() { file.log } else { args.log };
        if logs.is_empty() {
            bail!(
                "a witness needs the verifier key of a log: give --log KEY, the text that the log's server shows at /log.vkey and that its station confirms by another way"
            );
        }
        let read = |key: &String| {
            VerifierKey::parse(key).with_context(|| format!("configuration key log = {key:?}"))
        };
        Ok(Self {
            data: args.data,
            passphrase: args.passphrase,
            name: name.context("configuration key name")?,
            listen: parse_address("listen", &listen)?,
            logs: logs.iter().map(read).collect::<anyhow::Result<_>>()?,
        })
    }
}

/// Serves until interrupted.
pub async fn run(args: WitnessArgs) -> anyhow::Result<Verdict> {
    let config = Config::load(args)?;
    let listener = listen(config.listen, "the witness", "listen").await?;
    let witness = open(&config)?;
    tell(&greeting(&witness, &listener)?);
    // A signal that cannot be waited for ends the witness too: it is said, and nothing is lost.
    let stop = async {
        if let Err(error) = interrupted().await {
            tracing::error!(%error, "stopping");
        }
    };
    let router = ::witness::router(Arc::new(witness));
    web::serve(listener, router, stop).await.context("the witness's server failed")?;
    Ok(Verdict::Good)
}

fn open(config: &Config) -> anyhow::Result<Witness> {
    let key_path = config.data.join(KEY_FILE);
    let (folder, cosigner) = if key_path.exists() {
        let folder = Folder::open(&config.data)?;
        (folder, known_cosigner(config, &key_path)?)
    } else {
        let Some(name) = &config.name else {
            if config.data.join(VKEY_FILE).exists() {
                bail!(
                    "{} is missing: put the witness's key back. If it is lost, begin in an empty folder with a new key and a new name",
                    key_path.display()
                );
            }
            bail!(
                "{} holds no witness yet: give the new one a name with --name, like witness.example.org/minghe",
                config.data.display()
            );
        };
        let folder = Folder::create(&config.data)?;
        (folder, new_cosigner(config, &key_path, name)?)
    };
    let clock = || u64::try_from(SystemClock.now().millis() / 1_000).unwrap_or_default();
    Ok(Witness::open(folder, cosigner, &config.logs, Arc::new(clock))?)
}

/// The key last, so that a start that is cut off begins anew.
fn new_cosigner(config: &Config, key_path: &Path, name: &KeyName) -> anyhow::Result<Cosigner> {
    let key = key_file::generate()?;
    let cosigner = Cosigner::new(name.clone(), key.clone());
    let vkey_path = config.data.join(VKEY_FILE);
    std::fs::write(&vkey_path, format!("{}\n", cosigner.verifier_key()))
        .with_context(|| format!("cannot write {}", vkey_path.display()))?;
    key_file::write_new(key_path, &key, None)?;
    Ok(cosigner)
}

fn known_cosigner(config: &Config, key_path: &Path) -> anyhow::Result<Cosigner> {
    let vkey_path = config.data.join(VKEY_FILE);
    let vkey = std::fs::read_to_string(&vkey_path).with_context(|| {
        format!("cannot read {}: put the witness's verifier key back", vkey_path.display())
    })?;
    let vkey = VerifierKey::parse(vkey.trim_end())
        .with_context(|| format!("{} is not a verifier key", vkey_path.display()))?;
    let cosigner =
        Cosigner::new(vkey.name().clone(), key_file::read(key_path, &config.passphrase)?);
    if cosigner.verifier_key() != vkey {
        bail!(
            "{} and {} do not belong together: put the right ones back",
            key_path.display(),
            vkey_path.display()
        );
    }
    match &config.name {
        Some(name) if name != vkey.name() => bail!(
            "this witness's name is {} and stays so, not {name}: a key cosigns under one name alone",
            vkey.name()
        ),
        _ => Ok(cosigner),
    }
}

fn greeting(witness: &Witness, listener: &TcpListener) -> anyhow::Result<String> {
    let url = format!("http://{}", listener.local_addr()?);
    let key = witness.verifier_key();
    let mut text = format!("witness {}\n  listens on {url}\n", key.name());
    for log in witness.status() {
        // Writing to a String never fails.
        let _ = writeln!(text, "  has cosigned {} entries of {}", log.size, log.origin);
    }
    Ok(text + &format!("  for the policy of a log's server: witness NAME {key} {url}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "example.com/water+6256a055+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    fn args(data: &Path, name: Option<&str>) -> WitnessArgs {
        WitnessArgs {
            data: data.to_path_buf(),
            name: name.map(str::to_owned),
            listen: None,
            log: vec![LOG.to_owned()],
            passphrase: PassphraseArgs::default(),
        }
    }

    fn start(data: &Path, name: Option<&str>) -> anyhow::Result<Witness> {
        open(&Config::load(args(data, name))?)
    }

    #[test]
    fn key_and_name_are_made_once_and_stay() {
        let place = tempfile::tempdir().unwrap();
        let first = start(place.path(), Some("w.example.com")).unwrap().verifier_key();
        assert_eq!(start(place.path(), None).unwrap().verifier_key(), first);
        let vkey = std::fs::read_to_string(place.path().join(VKEY_FILE)).unwrap();
        assert_eq!(vkey, format!("{first}\n"));
    }

    #[test]
    fn rejects_a_witness_whose_key_is_gone() {
        let place = tempfile::tempdir().unwrap();
        start(place.path(), Some("w.example.com")).unwrap();
        std::fs::remove_file(place.path().join(KEY_FILE)).unwrap();
        complains(start(place.path(), None), "put the witness's key back");
    }

    #[test]
    fn the_file_says_what_flags_do_not() {
        let place = tempfile::tempdir().unwrap();
        let file =
            format!("name = \"w.example.com\"\nlisten = \"127.0.0.1:7\"\nlog = [\"{LOG}\"]\n");
        std::fs::write(place.path().join(FILE_NAME), file).unwrap();
        let bare = WitnessArgs { log: Vec::new(), ..args(place.path(), None) };
        let config = Config::load(bare).unwrap();
        assert_eq!(config.listen.port(), 7);
        assert_eq!(config.logs.len(), 1);
        let over = WitnessArgs { listen: Some("127.0.0.1:8".into()), ..args(place.path(), None) };
        assert_eq!(Config::load(over).unwrap().listen.port(), 8);
    }

    #[track_caller]
    fn complains(started: anyhow::Result<Witness>, word: &str) {
        let message = format!("{:#}", started.unwrap_err());
        assert!(message.contains(word), "{word:?}: {message}");
    }

    #[test]
    fn rejects_with_what_to_do() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path();
        complains(start(data, None), "--name");
        complains(start(data, Some("two words")), "configuration key name");
        let bare = WitnessArgs { log: Vec::new(), ..args(data, Some("w")) };
        let message = Config::load(bare).unwrap_err().to_string();
        assert!(message.contains("--log"), "{message}");
        let wrong = WitnessArgs { log: vec!["x".into()], ..args(data, Some("w")) };
        let message = format!("{:#}", Config::load(wrong).unwrap_err());
        assert!(message.contains("log = \"x\""), "{message}");

        start(data, Some("w")).unwrap();
        complains(start(data, Some("v")), "name is w and stays so");
        std::fs::rename(data.join(VKEY_FILE), data.join("away")).unwrap();
        complains(start(data, None), "put the witness's verifier key back");
        let other = tempfile::tempdir().unwrap();
        start(other.path(), Some("w")).unwrap();
        std::fs::copy(other.path().join(VKEY_FILE), data.join(VKEY_FILE)).unwrap();
        complains(start(data, None), "do not belong together");
        std::fs::remove_dir_all(data.join("logs")).unwrap();
        complains(start(data, None), "never start afresh");
        std::fs::write(data.join(FILE_NAME), "logs = []").unwrap();
        complains(start(data, None), "unknown field");
    }
}
