//! `mingqu log copy`: the public log from the server that publishes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::Source as _;
use clap::Args;
use disclosure::attachment::AttachmentRef;
use disclosure::bundle::{bundles_at, decode_as};
use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::verify_consistency;
use disclosure::note::VerifierKey;
use disclosure::proof::{consistency_proof, tiles_for_consistency};
use disclosure::tile::tiles_at;

use super::log::{finish, named_by, write};
use super::{print, tell};
use crate::Verdict;
use crate::remote::Remote;
use crate::transport::{TrustArgs, is_address};

/// What `log copy` takes.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The server, like `https://water.example`.
    url: String,
    /// The folder to write.
    out: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Copies what is published. Whether it holds is for `mingqu audit` to say.
pub fn run(args: &CopyArgs) -> anyhow::Result<Verdict> {
    if !is_address(&args.url) {
        bail!("{:?} is not an address: give one like https://water.example", args.url);
    }
    let server = Remote::new(&args.url, &args.trust.read()?);
    let size = match copy(&server, &args.out)? {
        Copied::Whole(size) => size,
        Copied::Rewritten(why) => {
            print(&format!(
                "the log was rewritten: {why}. Your earlier copy is the evidence; nothing was changed in it"
            ))?;
            return Ok(Verdict::Bad);
        }
    };
    tell(&format!("copied {size} entries to {}", args.out.display()));
    Ok(Verdict::Good)
}

enum Copied {
    /// All of it, so many entries.
    Whole(u64),
    /// What the server publishes does not continue what was copied before.
    Rewritten(String),
}

fn copy(server: &Remote, out: &Path) -> anyhow::Result<Copied> {
    let key = fetch(server, "log.vkey")?;
    let key_text = String::from_utf8(key.clone()).context("log.vkey is not text")?;
    let verifier = VerifierKey::parse(key_text.trim_end()).context("log.vkey")?;
    let checkpoint = fetch(server, "checkpoint")?;
    let new = Checkpoint::open(&checkpoint, &verifier).context("checkpoint")?;
    if let Some(why) = rewritten(server, out, &new)? {
        return Ok(Copied::Rewritten(why));
    }
    let size = new.size;
    let mut attachments = BTreeSet::new();
    for bundle in bundles_at(size) {
        let bytes = fetch(server, &bundle.path())?;
        for entry in decode_as(bundle, &bytes).with_context(|| bundle.path())? {
            attachments.extend(named_by(entry).iter().map(AttachmentRef::path));
        }
        write(out, &bundle.path(), &bytes)?;
    }
    for tile in tiles_at(size) {
        write(out, &tile.path(), &fetch(server, &tile.path())?)?;
    }
    for path in attachments {
        write(out, &path, &fetch(server, &path)?)?;
    }
    write(out, "log.vkey", &key)?;
    // Last, so that a checkpoint never stands over files that are not there yet.
    finish(out, size, &checkpoint)?;
    Ok(Copied::Whole(size))
}

/// Why the new checkpoint does not continue the one in the folder; none when it does or there is none.
fn rewritten(server: &Remote, out: &Path, new: &Checkpoint) -> anyhow::Result<Option<String>> {
    let old = match std::fs::read(out.join("checkpoint")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("cannot read the earlier checkpoint"),
    };
    let own_key = std::fs::read_to_string(out.join("log.vkey")).context("the earlier log.vkey")?;
    let own_key = VerifierKey::parse(own_key.trim_end()).context("the earlier log.vkey")?;
    let old = Checkpoint::open(&old, &own_key).context("the earlier checkpoint")?;
    if old.origin != new.origin {
        bail!("the folder holds the log {}: copy {} to another", old.origin, new.origin);
    }
    if old.size > new.size {
        return Ok(Some(format!("it had {} entries and now has {}", old.size, new.size)));
    }
    let mut tiles = BTreeMap::new();
    for tile in tiles_for_consistency(old.size, new.size) {
        tiles.insert((tile.level(), tile.index()), fetch(server, &tile.path())?);
    }
    let proof = consistency_proof(old.size, new.size, &tiles)?;
    let holds = verify_consistency(old.size, new.size, &proof, old.root, new.root).is_ok();
    let why = format!("its first {} entries are not those copied before", old.size);
    Ok((!holds).then_some(why))
}

fn fetch(server: &Remote, path: &str) -> anyhow::Result<Vec<u8>> {
    let bytes = server.read(path)?;
    bytes.with_context(|| format!("there is no {path}: is a public log served there?"))
}
