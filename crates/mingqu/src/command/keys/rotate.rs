//! `mingqu keys rotate`: a new key in the place of an enrolled one.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use disclosure::dsse::Envelope;
use disclosure::key::PublicKey;
use disclosure::statement::{Act, ExpectedSigner, Head, KeyAct, KeyKept, Role, Statement};
use domain::DistrictId;
use ed25519_dalek::SigningKey;
use service::Clock as _;

use super::{Keeping, new_key};
use crate::api::{Api, KeyOwner};
use crate::clock::SystemClock;
use crate::command::{print, tell};
use crate::passphrase::PassphraseArgs;
use crate::transport::TrustArgs;
use crate::{Verdict, key_file};

/// What `keys rotate` takes.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The file of the key that signs no more from then on.
    #[arg(long)]
    key: PathBuf,
    /// The file of the new key; it is made unless it is there.
    #[arg(long)]
    new: PathBuf,
    /// The district's server, like `https://water.example`.
    #[arg(long)]
    server: String,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    keeping: Keeping,
    /// A file whose first line is the new key's passphrase; without it that comes from where the old key's does.
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    new_passphrase_file: Option<PathBuf>,
}

/// Signs with both keys and hands the statement in; prints what came of it as JSON.
pub fn run(args: &RotateArgs) -> anyhow::Result<Verdict> {
    let old = key_file::read(&args.key, &args.keeping.passphrase)?;
    let api = Api::new(&args.server, &args.trust.read()?);
    let owner = match api.owner_of(&old) {
        Ok(owner) => owner,
        Err(refused) => return rotated_before(args, &api, &old, refused),
    };
    if owner.role == Role::Root {
        bail!("{} stays a root's key: the genesis names it", args.key.display());
    }
    let new = if args.new.exists() {
        key_file::read(&args.new, &args.of_new().passphrase)?
    } else {
        new_key(&args.new, &args.of_new())?
    };
    let envelope = rotation(api.district()?, &owner, &old, &new)?;
    let id = api.propose(&envelope, Vec::new())?.is;
    let standing = api.standing(id)?;
    if let Some(refusal) = standing.refusal {
        bail!("the server refused the rotation: {}", refusal.reason);
    }
    say(&old, &new, &owner, Some(id), &standing.state, standing.posted_index)?;
    tell(&format!(
        "{} signs in the place of {} from the next posting on",
        args.new.display(),
        args.key.display()
    ));
    Ok(Verdict::Good)
}

impl RotateArgs {
    /// How the new key is kept.
    fn of_new(&self) -> Keeping {
        let file = self.new_passphrase_file.clone();
        Keeping {
            passphrase: PassphraseArgs {
                passphrase_file: file.or(self.keeping.passphrase.passphrase_file.clone()),
            },
            no_passphrase: self.keeping.no_passphrase,
        }
    }
}

/// The statement that puts one key in the place of the other, signed by both in the order that the policy wants.
fn rotation(
    district: DistrictId,
    owner: &KeyOwner,
    old: &SigningKey,
    new: &SigningKey,
) -> anyhow::Result<Envelope> {
    let (old_key, new_key) = (PublicKey::of(old).fingerprint(), PublicKey::of(new));
    let signer = |key| ExpectedSigner { role: owner.role, key };
    let signers = vec![signer(old_key), signer(new_key.fingerprint())];
    let head = Head { district, drafted_at: SystemClock.now(), signers };
    let act = Act::Rotate { old: old_key, new: new_key, kept: Some(KeyKept::File) };
    let statement = Statement::Key(KeyAct { head, act });
    let mut envelope = Envelope::unsigned(statement.kind().payload_type(), statement.to_payload()?);
    envelope.sign_with(old)?;
    envelope.sign_with(new)?;
    Ok(envelope)
}

/// The old key is refused: well, if an earlier run handed the statement in and its answer got lost.
fn rotated_before(
    args: &RotateArgs,
    api: &Api,
    old: &SigningKey,
    refused: anyhow::Error,
) -> anyhow::Result<Verdict> {
    let refused = refused.context(args.key.display().to_string());
    if !args.new.exists() {
        return Err(refused);
    }
    let new = key_file::read(&args.new, &args.of_new().passphrase)?;
    let Ok(owner) = api.owner_of(&new) else { return Err(refused) };
    say(old, &new, &owner, None, "posted", None)?;
    tell(&format!("{} was enrolled before, and signs", args.new.display()));
    Ok(Verdict::Good)
}

fn say(
    old: &SigningKey,
    new: &SigningKey,
    owner: &KeyOwner,
    statement: Option<i64>,
    state: &str,
    posted_index: Option<u64>,
) -> anyhow::Result<()> {
    let key = PublicKey::of(new);
    let said = serde_json::json!({
        "person": owner.person,
        "role": owner.role,
        "key": key.to_hex(),
        "fingerprint": key.fingerprint().to_hex(),
        "replaces": PublicKey::of(old).fingerprint().to_hex(),
        "statement": statement,
        "state": state,
        "posted_index": posted_index,
    });
    print(&serde_json::to_string_pretty(&said).context("the outcome cannot be shown")?)
}
