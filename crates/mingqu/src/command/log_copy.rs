//! `mingqu log copy`: the public log from the server that publishes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
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

/// The longest file that is fetched, in bytes.
const MAX_FETCH_BYTES: u64 = audit::MAX_FILE_BYTES;

/// What `log copy` takes.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The server, like `http://127.0.0.1:8080`.
    url: String,
    /// The folder to write.
    out: PathBuf,
}

/// Copies what is published. Whether it holds is for `mingqu audit` to say.
pub fn run(args: &CopyArgs) -> anyhow::Result<Verdict> {
    let base = args.url.trim_end_matches('/').to_owned();
    let server = Server { base, agent: crate::api::agent() };
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

fn copy(server: &Server, out: &Path) -> anyhow::Result<Copied> {
    let key = server.fetch("log.vkey")?;
    let key_text = String::from_utf8(key.clone()).context("log.vkey is not text")?;
    let verifier = VerifierKey::parse(key_text.trim_end()).context("log.vkey")?;
    let checkpoint = server.fetch("checkpoint")?;
    let new = Checkpoint::open(&checkpoint, &verifier).context("checkpoint")?;
    if let Some(why) = rewritten(server, out, &new)? {
        return Ok(Copied::Rewritten(why));
    }
    let size = new.size;
    let mut attachments = BTreeSet::new();
    for bundle in bundles_at(size) {
        let bytes = server.fetch(&bundle.path())?;
        for entry in decode_as(bundle, &bytes).with_context(|| bundle.path())? {
            attachments.extend(named_by(entry).iter().map(AttachmentRef::path));
        }
        write(out, &bundle.path(), &bytes)?;
    }
    for tile in tiles_at(size) {
        write(out, &tile.path(), &server.fetch(&tile.path())?)?;
    }
    for path in attachments {
        write(out, &path, &server.fetch(&path)?)?;
    }
    write(out, "log.vkey", &key)?;
    // Last, so that a checkpoint never stands over files that are not there yet.
    finish(out, size, &checkpoint)?;
    Ok(Copied::Whole(size))
}

/// Why the new checkpoint does not continue the one in the folder; none when it does or there is none.
fn rewritten(server: &Server, out: &Path, new: &Checkpoint) -> anyhow::Result<Option<String>> {
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
        tiles.insert((tile.level(), tile.index()), server.fetch(&tile.path())?);
    }
    let proof = consistency_proof(old.size, new.size, &tiles)?;
    let holds = verify_consistency(old.size, new.size, &proof, old.root, new.root).is_ok();
    let why = format!("its first {} entries are not those copied before", old.size);
    Ok((!holds).then_some(why))
}

struct Server {
    base: String,
    agent: ureq::Agent,
}

impl Server {
    fn fetch(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/{path}", self.base);
        let mut response =
            self.agent.get(&url).call().with_context(|| format!("cannot reach {url}"))?;
        if !response.status().is_success() {
            bail!("{url} answered {}: is a public log served there?", response.status());
        }
        let body = response.body_mut().with_config().limit(MAX_FETCH_BYTES);
        body.read_to_vec().with_context(|| format!("cannot read {url}"))
    }
}
