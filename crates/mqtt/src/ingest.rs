//! The seam to whatever stores reports.

use std::sync::Arc;

use service::{Arrival, Checked, Receipt, Service, ServiceError};

/// Takes in arrivals in two steps, so that one batch can be checked while another is stored.
pub trait Ingest: Send + Sync + 'static {
    /// Messages that are checked and wait to be stored.
    type Checked: Send + Sync + 'static;
    /// Why a batch could not be stored.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Looks at every message and says what will become of it. Nothing is stored yet.
    fn check(&self, batch: Vec<Arrival>) -> impl Future<Output = Self::Checked> + Send;

    /// Puts a batch behind an earlier one, so that one transaction stores both.
    fn join(earlier: &mut Self::Checked, later: Self::Checked);

    /// Stores checked messages durably, as reports or in the quarantine, and returns the receipts of the meters among
    /// them. One call is one transaction.
    ///
    /// Contract: `Ok` means that all of it is on disk and may be acknowledged. `Err` means that nothing of it was
    /// stored: nothing may be acknowledged, and the same is handed in again later. What is handed in may repeat what
    /// was stored before, because an acknowledgement can be lost on its way; the receipts answer repetitions too,
    /// since a meter that missed a receipt asks for it by resending.
    fn store(
        &self,
        checked: &Self::Checked,
    ) -> impl Future<Output = Result<Vec<Receipt>, Self::Error>> + Send;
}

impl<I: Ingest> Ingest for Arc<I> {
    type Checked = I::Checked;
    type Error = I::Error;

    fn check(&self, batch: Vec<Arrival>) -> impl Future<Output = Self::Checked> + Send {
        I::check(self, batch)
    }

    fn join(earlier: &mut Self::Checked, later: Self::Checked) {
        I::join(earlier, later);
    }

    fn store(
        &self,
        checked: &Self::Checked,
    ) -> impl Future<Output = Result<Vec<Receipt>, Self::Error>> + Send {
        I::store(self, checked)
    }
}

impl Ingest for Service {
    type Checked = Checked;
    type Error = ServiceError;

    fn check(&self, batch: Vec<Arrival>) -> impl Future<Output = Checked> + Send {
        Self::check(self, batch)
    }

    fn join(earlier: &mut Checked, later: Checked) {
        earlier.join(later);
    }

    fn store(
        &self,
        checked: &Checked,
    ) -> impl Future<Output = Result<Vec<Receipt>, ServiceError>> + Send {
        Self::store_checked(self, checked)
    }
}
