//! The seam to whatever stores reports.

use std::sync::Arc;

use service::{Arrival, Receipt, Service, ServiceError};

/// Stores batches of arrivals. One call is one transaction.
///
/// Contract: `Ok` means that all of the batch is on disk, as reports or in the quarantine, and all of it may be
/// acknowledged. `Err` means that nothing of it was stored: nothing may be acknowledged, and the same batch, in the
/// same order, is handed in again later. A batch may repeat what an earlier one held, because an acknowledgement can be
/// lost on its way; the receipts answer repetitions too, since a meter that missed a receipt asks for it by resending.
pub trait Ingest: Send + Sync + 'static {
    /// Why a batch could not be stored.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Stores the batch durably, with what of it must be quarantined, and returns the receipts of the meters in it.
    fn ingest(
        &self,
        batch: Vec<Arrival>,
    ) -> impl Future<Output = Result<Vec<Receipt>, Self::Error>> + Send;
}

impl<I: Ingest> Ingest for Arc<I> {
    type Error = I::Error;

    fn ingest(
        &self,
        batch: Vec<Arrival>,
    ) -> impl Future<Output = Result<Vec<Receipt>, Self::Error>> + Send {
        I::ingest(self, batch)
    }
}

impl Ingest for Service {
    type Error = ServiceError;

    fn ingest(
        &self,
        batch: Vec<Arrival>,
    ) -> impl Future<Output = Result<Vec<Receipt>, Self::Error>> + Send {
        Self::ingest(self, batch)
    }
}
