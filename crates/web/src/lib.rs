//! Pages for everybody, the JSON API, and the public log over HTTP.
//!
//! A handler extracts, calls one function of [`service`], and renders. Pages are server-rendered
//! and need no script; one style sheet is served from the binary. Nothing here decides anything:
//! what may be posted, signed or shown is the service's business.

mod api;
mod assets;
mod chart;
mod deadline;
mod health;
mod here;
mod locale;
mod metrics;
mod origin;
mod page;
mod params;
mod qr;
mod question;
mod refusal;
mod request;
mod security;
mod serve;
mod session_cookie;
mod show;
mod site;
mod sum;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod tlog;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use service::Service;

pub use metrics::{Metrics, MetricsSource};
pub use qr::{MAX_QR_BYTES, Qr};
pub use serve::serve;
pub use site::WebConfig;

use site::Site;

/// Everything that is served, over one district's service.
pub fn router(service: Arc<Service>, config: WebConfig) -> Router {
    let site = Site::new(service, config);
    Router::new()
        .merge(page::routes())
        .merge(tlog::routes())
        .merge(api::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(assets::routes())
        .fallback(refusal::no_such_page)
        .layer(middleware::from_fn(deadline::bounded))
        .layer(middleware::from_fn_with_state(site.clone(), security::headers))
        .with_state(site)
}
