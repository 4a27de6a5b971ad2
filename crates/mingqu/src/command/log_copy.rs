//! `mingqu log copy`: the public log from the server that publishes it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use disclosure::attachment::AttachmentRef;
use disclosure::bundle::{bundles_at, decode_as};
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::note::VerifierKey;
use disclosure::statement::Statement;
use disclosure::tile::tiles_at;

use super::log::write;
use super::tell;
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
    let size = copy(&server, &args.out)?;
    tell(&format!("copied {size} entries to {}", args.out.display()));
    Ok(Verdict::Good)
}

fn copy(server: &Server, out: &Path) -> anyhow::Result<u64> {
    let key = server.fetch("log.vkey")?;
    let key_text = String::from_utf8(key.clone()).context("log.vkey is not text")?;
    let verifier = VerifierKey::parse(key_text.trim_end()).context("log.vkey")?;
    let checkpoint = server.fetch("checkpoint")?;
    let size = Checkpoint::open(&checkpoint, &verifier).context("checkpoint")?.size;
    let mut attachments = BTreeSet::new();
    for bundle in bundles_at(size) {
        let bytes = server.fetch(&bundle.path())?;
        for entry in decode_as(bundle, &bytes).with_context(|| bundle.path())? {
            attachments.extend(named_by(entry));
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
    write(out, "checkpoint", &checkpoint)?;
    Ok(size)
}

/// The paths of the attachments that an entry names; an entry that cannot be read names none, and the audit says so.
fn named_by(entry: &[u8]) -> Vec<String> {
    let statement = Envelope::parse(entry)
        .ok()
        .and_then(|envelope| Statement::parse(&envelope.payload_type, &envelope.payload).ok());
    let Some(statement) = statement else {
        return Vec::new();
    };
    statement.attachments().into_iter().map(AttachmentRef::path).collect()
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
