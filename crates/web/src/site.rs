//! What every handler is given.

use std::sync::Arc;

use service::Service;
use tokio::sync::Semaphore;

use crate::metrics::MetricsSource;
use crate::page::MAX_NOTICES_AT_ONCE;

/// How the pages are served.
#[derive(Debug, Clone, Default)]
pub struct WebConfig {
    /// Tell browsers to use HTTPS alone from now on (HSTS); only where HTTPS is really served.
    pub https_only: bool,
    /// What `/metrics` tells beside what the service knows.
    pub metrics: MetricsSource,
}

/// One district's service and how it is shown.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) service: Arc<Service>,
    pub(crate) config: WebConfig,
    /// The leave to make a board for paper or a file.
    pub(crate) notices: Arc<Semaphore>,
}

impl Site {
    pub(crate) fn new(service: Arc<Service>, config: WebConfig) -> Self {
        Self { service, config, notices: Arc::new(Semaphore::new(MAX_NOTICES_AT_ONCE)) }
    }
}
