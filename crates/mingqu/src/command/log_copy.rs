//! `mingqu log copy`: the public log from the server that publishes it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use audit::Source as _;
use clap::Args;
use disclosure::attachment::AttachmentRef;
use disclosure::bundle::BundleId;
use disclosure::tile::TileId;

use super::log_folder::{self, LogFiles};
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

/// Copies what is published.
pub async fn run(args: &CopyArgs) -> anyhow::Result<Verdict> {
    if !is_address(&args.url) {
        bail!("{:?} is not an address: give one like https://water.example", args.url);
    }
    let server = Remote::new(&args.url, &args.trust.read()?);
    let vkey = String::from_utf8(fetch(&server, "log.vkey")?).context("log.vkey is not text")?;
    let checkpoint = fetch(&server, "checkpoint")?;
    log_folder::copy(&server, &checkpoint, &vkey, &args.out).await
}

impl LogFiles for Remote {
    async fn tile(&self, tile: TileId) -> anyhow::Result<Vec<u8>> {
        fetch(self, &tile.path())
    }

    async fn bundle(&self, bundle: BundleId) -> anyhow::Result<Vec<u8>> {
        fetch(self, &bundle.path())
    }

    async fn attachment(&self, attachment: &AttachmentRef) -> anyhow::Result<Vec<u8>> {
        fetch(self, &attachment.path())
    }
}

fn fetch(server: &Remote, path: &str) -> anyhow::Result<Vec<u8>> {
    let bytes = server.read(path)?;
    bytes.with_context(|| format!("there is no {path}: is a public log served there?"))
}
