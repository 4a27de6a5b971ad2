//! Figures for machines that watch the server.

use std::collections::BTreeMap;

use disclosure::statement::Kind;
use serde::Serialize;

use crate::{Service, ServiceError};

/// What the server has taken in and posted so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The district's code.
    pub district: String,
    /// How many entries the published log has.
    pub log_size: u64,
    /// Posted entries that are not published yet: they wait for witnesses.
    pub unpublished: u64,
    /// How many reports are stored.
    pub stored_reports: u64,
    /// Messages ever refused, by reason.
    pub quarantine: BTreeMap<String, u64>,
    /// The posting index of the first settlement; absent before there is one.
    pub first_bill_run: Option<u64>,
}

/// The figures of this moment.
pub async fn status(service: &Service) -> Result<Status, ServiceError> {
    let runs = service.store().entries_of_kinds(&[Kind::BillRun.code()], 0, 1).await?;
    let log_size = service.log().size().await?;
    Ok(Status {
        district: service.district().to_string(),
        log_size,
        unpublished: service.store().head().await?.size.saturating_sub(log_size),
        stored_reports: service.store().report_count().await?,
        quarantine: service.store().quarantine_counts().await?.into_iter().collect(),
        first_bill_run: runs.first().map(|run| run.index),
    })
}

/// Whether the database answers; fails when it does not.
pub async fn ready(service: &Service) -> Result<(), ServiceError> {
    Ok(service.store().ping().await?)
}
