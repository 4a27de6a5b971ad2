//! The district that a file is handed in to: its server, or its data folder.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use disclosure::dsse::Envelope;
use domain::DistrictId;
use domain::payment::Payment;
use service::Service;
use service::hand_readings::{DraftReading, MAX_DRAFT_READINGS, Preview};
use service::past_turns::{MAX_PAST_TURNS, PastTurn, TurnPreview};
use service::payments::PaymentPreview;
use service::request::MAX_PAYMENTS;
use store::Store;
use tokio::runtime::Runtime;

use super::ImportArgs;
use crate::api::Api;
use crate::clock::SystemClock;
use crate::config::{Config, Overrides};

/// Where a file goes.
pub enum District {
    /// A server.
    Server { api: Api, id: DistrictId },
    /// A data folder, opened as one server more beside the one that may run.
    Folder { service: Arc<Service>, runtime: Runtime },
}

impl District {
    /// Finds it.
    pub fn open(args: &ImportArgs) -> anyhow::Result<Self> {
        match (&args.server, &args.data) {
            (Some(server), _) => {
                let api = Api::new(server, &args.trust.read()?);
                let id = api.district()?;
                Ok(Self::Server { api, id })
            }
            (None, Some(data)) => Self::folder(data),
            (None, None) => anyhow::bail!("give --server URL or --data DIR"),
        }
    }

    fn folder(data: &Path) -> anyhow::Result<Self> {
        let config = Config::load(data, &Overrides::default())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let service = runtime.block_on(async {
            let store = Store::open(&config.database, &config.district)
                .await
                .context("the database cannot be opened (configuration key database)")?;
            crate::server::open_service(&config, store, Arc::new(SystemClock)).await
        })?;
        Ok(Self::Folder { service, runtime })
    }

    /// Its code.
    pub fn id(&self) -> DistrictId {
        match self {
            Self::Server { id, .. } => id.clone(),
            Self::Folder { service, .. } => service.district().clone(),
        }
    }

    /// What readings by hand would come to, in the order given: by meter and time.
    pub fn preview(&self, drafts: &[DraftReading]) -> anyhow::Result<Vec<Preview>> {
        let mut previews = Vec::with_capacity(drafts.len());
        for drafts in pieces(drafts) {
            previews.extend(match self {
                Self::Server { api, .. } => api.preview_readings(drafts)?,
                Self::Folder { service, runtime } => {
                    runtime.block_on(service.preview_readings(drafts))?
                }
            });
        }
        anyhow::ensure!(previews.len() == drafts.len(), "the server left readings out");
        Ok(previews)
    }

    /// What would come of entering turns that are over, in the order given.
    pub fn preview_turns(&self, turns: &[PastTurn]) -> anyhow::Result<Vec<TurnPreview>> {
        let mut previews = Vec::with_capacity(turns.len());
        for turns in turns.chunks(MAX_PAST_TURNS) {
            previews.extend(match self {
                Self::Server { api, .. } => api.preview_turns(turns)?,
                Self::Folder { service, runtime } => {
                    runtime.block_on(service.preview_turns(turns))?
                }
            });
        }
        anyhow::ensure!(previews.len() == turns.len(), "the server left turns out");
        Ok(previews)
    }

    /// What would come of recording payments, in the order given.
    pub fn preview_payments(&self, payments: &[Payment]) -> anyhow::Result<Vec<PaymentPreview>> {
        let mut previews = Vec::with_capacity(payments.len());
        for payments in payments.chunks(MAX_PAYMENTS) {
            previews.extend(match self {
                Self::Server { api, .. } => api.preview_payments(payments)?,
                Self::Folder { service, runtime } => {
                    runtime.block_on(service.preview_payments(payments))?
                }
            });
        }
        anyhow::ensure!(previews.len() == payments.len(), "the server left payments out");
        Ok(previews)
    }

    /// Hands signed readings in.
    pub fn enter_readings(&self, envelope: &Envelope) -> anyhow::Result<()> {
        match self {
            Self::Server { api, .. } => api.enter_readings(envelope),
            Self::Folder { service, runtime } => {
                runtime.block_on(service.enter_readings(&envelope.to_json()))?;
                Ok(())
            }
        }
    }

    /// Hands a signed request in; what came of it, as the API says it.
    pub fn request(&self, envelope: &Envelope) -> anyhow::Result<serde_json::Value> {
        match self {
            Self::Server { api, .. } => api.request(envelope),
            Self::Folder { service, runtime } => {
                let answer = runtime.block_on(service.request(&envelope.to_json()))?;
                Ok(serde_json::to_value(answer)?)
            }
        }
    }
}

/// Pieces of a list that are small enough for one call; a meter's readings stay together as far as they fit.
fn pieces(drafts: &[DraftReading]) -> Vec<&[DraftReading]> {
    let mut pieces = Vec::new();
    let mut rest = drafts;
    while rest.len() > MAX_DRAFT_READINGS {
        let (most, next) = rest.split_at(MAX_DRAFT_READINGS);
        let of_next = next.first().map(|draft| &draft.meter);
        let whole = most.iter().rposition(|draft| Some(&draft.meter) != of_next);
        let (piece, left) = rest.split_at(whole.map_or(MAX_DRAFT_READINGS, |last| last + 1));
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use service::hand_readings::ReadingUnit;

    use super::*;

    #[test]
    fn a_meters_readings_stay_together_as_far_as_they_fit() {
        let draft = |meter: &str| DraftReading {
            meter: meter.into(),
            at: domain::Timestamp::EARLIEST,
            value: "1".into(),
            unit: ReadingUnit::Own,
        };
        let of = |meter: &str, count: usize| vec![draft(meter); count];
        let sizes = |drafts: &[DraftReading]| -> Vec<usize> {
            pieces(drafts).iter().map(|piece| piece.len()).collect()
        };
        assert_eq!(sizes(&[of("a", 700), of("b", 700)].concat()), [700, 700]);
        assert_eq!(sizes(&of("a", 2_300)), [1_000, 1_000, 300]);
        assert_eq!(sizes(&[of("a", 1_000), of("b", 1)].concat()), [1_000, 1]);
        assert_eq!(sizes(&[]), [0]);
    }
}
