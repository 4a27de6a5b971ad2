//! Pages for what cannot be shown: they say what to do next and nothing about the inside.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use service::{ErrorClass, ServiceError};

use crate::here::Here;
use crate::page::html;
use crate::params::NotANumber;

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no such thing.
    NotFound,
    /// The address or a field of it cannot be read.
    BadInput,
    /// The service did not do it.
    Service(ServiceError),
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<NotANumber> for Refusal {
    fn from(NotANumber: NotANumber) -> Self {
        Self::BadInput
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    here: &'a Here,
    title: &'static str,
    words: &'static str,
    next: &'static str,
}

impl Refusal {
    /// The page that says so.
    pub(crate) fn page(&self, here: &Here) -> Response {
        let status = self.status();
        if let Self::Service(error) = self
            && status.is_server_error()
        {
            tracing::error!(%error, "a page could not be shown");
        }
        let t = here.t;
        let (title, words, next) = match status {
            StatusCode::NOT_FOUND => (t.not_found, t.not_found_words, t.not_found_next),
            StatusCode::BAD_REQUEST => (t.bad_input, t.bad_input_words, t.bad_input_next),
            _ => (t.unavailable, t.unavailable_words, t.unavailable_next),
        };
        (status, html(here, &RefusalPage { here, title, words, next })).into_response()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadInput => StatusCode::BAD_REQUEST,
            Self::Service(error) => match error.class() {
                ErrorClass::NotFound => StatusCode::NOT_FOUND,
                ErrorClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                // A page only reads: what the store holds and cannot be read is not the reader's fault.
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}

/// Every address that has no page.
pub(crate) async fn no_such_page(here: Here) -> Response {
    Refusal::NotFound.page(&here)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get};

    #[tokio::test]
    async fn a_failing_store_reveals_nothing() {
        let town = Town::busy().await;
        town.service.store().close().await;
        for path in ["/", "/villages/east", "/postings/6", "/households/101", "/log", "/meters"] {
            let answer = get(&town.router, path).await;
            assert_eq!(answer.status, 503, "{path}");
            answer.shows(&["现在打不开", "请过几分钟再试"]);
            for inside in ["sql", "Sql", "pool", "closed", "store"] {
                assert!(!answer.text().contains(inside), "{path}: {inside}");
            }
        }
    }
}
