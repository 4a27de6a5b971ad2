//! What every handler is given.

use std::sync::Arc;

use service::Service;

/// How the pages are served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebConfig {
    /// Tell browsers to use HTTPS alone from now on (HSTS); only where HTTPS is really served.
    pub https_only: bool,
}

/// One district's service and how it is shown.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) service: Arc<Service>,
    pub(crate) config: WebConfig,
}

impl Site {
    pub(crate) fn new(service: Arc<Service>, config: WebConfig) -> Self {
        Self { service, config }
    }
}
