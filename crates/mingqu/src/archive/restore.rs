//! Reports of an archive file go back into the database.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, bail};
use domain::Timestamp;
use serde::Serialize;
use store::{ArchivedReport, RestoredBatch, Store, StreamId};

use super::file::Reader;
use super::manifest::Manifest;

/// Reports handed back to the database at once.
const REPORTS_AT_ONCE: usize = 1000;

/// What became of a file's reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the words that the command prints")]
pub struct Restored {
    /// Reports that are in the database again.
    pub restored: u64,
    /// Reports that were there.
    pub present: u64,
    /// Reports under a number that other bytes have in the database: left out.
    pub contradicted: u64,
}

/// Puts the reports of a file back that is named by its manifest; again, if it was cut off.
pub async fn restore(store: &Store, manifest: &Path, now: Timestamp) -> anyhow::Result<Restored> {
    let (described, data) = Manifest::open(manifest)?;
    if described.district != *store.district() {
        bail!(
            "{} holds reports of district {}, and this is {}",
            manifest.display(),
            described.district,
            store.district()
        );
    }
    let told = || format!("cannot read {}", data.display());
    let mut reader = Reader::new(BufReader::new(File::open(&data).with_context(told)?));
    let mut done = Restored::default();
    let mut batch: Vec<ArchivedReport> = Vec::with_capacity(REPORTS_AT_ONCE);
    let mut of: Option<StreamId> = None;
    while let Some((stream, report)) = reader.next().with_context(told)? {
        if of.as_ref() != Some(&stream) || batch.len() == REPORTS_AT_ONCE {
            done.hand_in(store, of.as_ref(), &batch, now).await?;
            batch.clear();
            of = Some(stream);
        }
        batch.push(report);
    }
    done.hand_in(store, of.as_ref(), &batch, now).await?;
    Ok(done)
}

impl Restored {
    async fn hand_in(
        &mut self,
        store: &Store,
        stream: Option<&StreamId>,
        batch: &[ArchivedReport],
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let Some(stream) = stream else {
            return Ok(());
        };
        let RestoredBatch { restored, present, contradicted } =
            store.restore_reports(now, stream, batch).await?;
        self.restored += restored;
        self.present += present;
        self.contradicted += contradicted;
        Ok(())
    }
}
