//! What lies beside an archive file: which reports are in it, and the hash of it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use domain::{DistrictId, MeterCode, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ArchivedRun, Month, Stream, StreamId};

use super::file::{self, Sealed};

/// The form of file and manifest.
pub const FORMAT: &str = "mingqu-archive-v1";
const DATA: &str = "cbor.gz";
const MANIFEST: &str = "json";

/// A file of one month's reports, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The district's code.
    pub district: DistrictId,
    /// The month in which the reports start, in Beijing.
    pub month: String,
    /// The file's name, beside this one.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// How many reports are in it.
    pub reports: u64,
    /// When it was written.
    pub archived_at: Timestamp,
    /// The reports in it.
    pub runs: Vec<Run>,
}

/// All reports of one stream from a number to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The meter.
    pub meter: MeterCode,
    /// `primary` or `manual`.
    pub stream: String,
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// How many there are.
    pub reports: u64,
}

impl From<&ArchivedRun> for Run {
    fn from(run: &ArchivedRun) -> Self {
        let StreamId { meter, stream } = &run.stream;
        Self {
            meter: meter.clone(),
            stream: Stream::code(*stream).to_owned(),
            first: run.first_seq,
            last: run.last_seq,
            reports: run.numbers(),
        }
    }
}

/// Where the next file of a month and its manifest go: after all that have a manifest. A file without one
/// was not finished, and is written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    number: u32,
}

impl Place {
    /// The next place in the month's folder, which is made if need be.
    pub fn next(archive: &Path, month: Month) -> anyhow::Result<Self> {
        let folder = archive.join(month.to_string());
        let told = || format!("cannot use the folder {}", folder.display());
        std::fs::create_dir_all(&folder).with_context(told)?;
        file::sync_folder(archive).with_context(told)?;
        let mut number = 0;
        for entry in std::fs::read_dir(&folder).with_context(told)? {
            let name = entry.with_context(told)?.file_name();
            let known = name.to_str().and_then(|name| name.strip_suffix(".json"));
            number = number.max(known.and_then(|known| known.parse().ok()).unwrap_or(0));
        }
        Ok(Self { number: number + 1, folder })
    }

    /// The file's path.
    pub fn data(&self) -> PathBuf {
        self.folder.join(self.name(DATA))
    }

    /// The manifest's path.
    pub fn manifest(&self) -> PathBuf {
        self.folder.join(self.name(MANIFEST))
    }

    /// The file's name.
    pub fn file_name(&self) -> String {
        self.name(DATA)
    }

    fn name(&self, extension: &str) -> String {
        format!("{:04}.{extension}", self.number)
    }
}

impl Manifest {
    /// Writes it beside its file, durably: from then on the file counts.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let told = || format!("cannot write {}", path.display());
        let mut file = File::create(file::beside(path)).with_context(told)?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        file.write_all(&text).and_then(|()| file.sync_all()).with_context(told)?;
        file::name(path).with_context(told)
    }

    /// Reads one, and checks the file beside it against it; returns that file's path too.
    pub fn open(path: &Path) -> anyhow::Result<(Self, PathBuf)> {
        let told = || format!("cannot read {}", path.display());
        let text = std::fs::read(path).with_context(told)?;
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a manifest of an archive file", path.display()))?;
        if manifest.format != FORMAT {
            bail!(
                "{} has the form {:?}; this program reads {FORMAT}",
                path.display(),
                manifest.format
            );
        }
        // Not by the name that the manifest gives: it must not lead out of the folder.
        let data = path.with_extension(DATA);
        let found = seal_of(&data)?;
        if found.bytes != manifest.bytes || found.sha256.to_hex() != manifest.sha256 {
            bail!(
                "{} is damaged: it has {} bytes and SHA-256 {}, and should have {} and {}; use another copy of it",
                data.display(),
                found.bytes,
                found.sha256.to_hex(),
                manifest.bytes,
                manifest.sha256
            );
        }
        Ok((manifest, data))
    }
}

/// Length and hash of a file.
fn seal_of(path: &Path) -> anyhow::Result<Sealed> {
    let told = || format!("cannot read {}", path.display());
    file::seal_of(File::open(path).with_context(told)?).with_context(told)
}
