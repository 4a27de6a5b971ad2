//! `mingqu init`: a data folder for a district.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use disclosure::key::PublicKey;
use disclosure::note::KeyName;
use disclosure::record::Record;
use disclosure::statement::{District, ExpectedSigner, Head, Policy, Role, Root, Statement};
use domain::{DistrictId, PersonId, Timestamp};
use service::{Clock, LogKey};

use super::{print, tell};
use crate::clock::SystemClock;
use crate::config::{FILE_NAME, File, GATEWAY_KEY_FILE, GENESIS_FILE, LOG_KEY_FILE};
use crate::{Verdict, key_file};

/// What `init` takes.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The data folder to make.
    #[arg(long)]
    pub data: PathBuf,
    /// The district's code, like `minghe`.
    #[arg(long)]
    pub district: String,
    /// The district's name as people say it.
    #[arg(long)]
    pub name: String,
    /// The public log's origin: a name that is yours, like `water.example.org/minghe`.
    #[arg(long)]
    pub origin: String,
    /// A holder of a root key, as PERSON=PUBLIC-KEY-HEX (see `mingqu keys new`); give it once for each, at least twice.
    #[arg(long = "root", required = true)]
    pub roots: Vec<String>,
    /// How many of the roots must sign what only roots decide.
    #[arg(long, default_value_t = USUAL_QUORUM)]
    pub quorum: u8,
}

/// Two roots decide together.
pub const USUAL_QUORUM: u8 = 2;

/// Writes the folder; prints the path of the genesis that the root keys must sign.
pub fn run(args: &InitArgs) -> anyhow::Result<Verdict> {
    let district = DistrictId::new(args.district.as_str()).context("--district")?;
    let origin = KeyName::new(args.origin.as_str()).context("--origin")?;
    let roots: Vec<Root> =
        args.roots.iter().map(|root| parse_root(root)).collect::<Result<_, _>>()?;
    if args.data.join(FILE_NAME).exists() {
        bail!("{} is a data folder already", args.data.display());
    }
    if args.quorum < USUAL_QUORUM || roots.len() < usize::from(args.quorum) {
        bail!(
            "{} of {} root keys cannot decide: name at least two people with --root, and let at least two of them decide (--quorum)",
            args.quorum,
            roots.len()
        );
    }
    std::fs::create_dir_all(&args.data)
        .with_context(|| format!("cannot make the folder {}", args.data.display()))?;
    let log_key =
        LogKey::new(origin.clone(), key_file::read_or_create(&args.data.join(LOG_KEY_FILE))?);
    let gateway_key = key_file::read_or_create(&args.data.join(GATEWAY_KEY_FILE))?;
    let policy = Policy::usual(args.quorum);
    let genesis = genesis(district.clone(), &args.name, &log_key, roots, policy, SystemClock.now());
    let statement = Statement::District(genesis);
    Record::default()
        .check(&statement, &BTreeMap::new())
        .context("the genesis cannot be drawn up from these --name and --root")?;
    write(&args.data.join(GENESIS_FILE), &statement.to_payload()?)?;
    let file =
        File { district: district.to_string(), origin: origin.to_string(), ..File::default() };
    file.write(&args.data.join(FILE_NAME))?;
    let genesis_path = args.data.join(GENESIS_FILE);
    print(&genesis_path.display().to_string())?;
    tell(&format!(
        "Made {data}. Next:\n  \
         1. each root signs:   mingqu sign --key ROOT.pem --kind district {genesis} --out genesis.dsse.json\n     \
         (the second root:     mingqu sign --key ROOT2.pem genesis.dsse.json --out genesis2.dsse.json)\n  \
         2. run the server:    mingqu serve --data {data}\n  \
         3. hand it in:        mingqu sign --hand-in http://127.0.0.1:8080 genesis2.dsse.json\n\
         Meters that sign nothing stand in the registry as gateway-vouched, with this key: {gateway}",
        data = args.data.display(),
        genesis = genesis_path.display(),
        gateway = PublicKey::of(&gateway_key).to_hex(),
    ));
    Ok(Verdict::Good)
}

/// The genesis, to be signed by as many roots as its policy says.
pub fn genesis(
    district: DistrictId,
    name: &str,
    log_key: &LogKey,
    roots: Vec<Root>,
    policy: Policy,
    now: Timestamp,
) -> District {
    let signers = roots
        .iter()
        .map(|root| ExpectedSigner { role: Role::Root, key: root.key.fingerprint() })
        .collect();
    District {
        head: Head { district, drafted_at: now, signers },
        name: name.to_owned(),
        log_key: log_key.vkey(),
        roots,
        policy,
    }
}

fn parse_root(text: &str) -> anyhow::Result<Root> {
    let (person, key) = text
        .split_once('=')
        .with_context(|| format!("--root {text:?} is not valid: use PERSON=PUBLIC-KEY-HEX"))?;
    Ok(Root {
        person: PersonId::new(person).context("--root")?,
        key: PublicKey::from_hex(key).context("--root")?,
    })
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
