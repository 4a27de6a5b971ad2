//! `/verify`: what a receipt proves, checked in the browser. The page is its script's.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::scripted;
use crate::here::Here;
use crate::site::Site;

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage<'a> {
    here: &'a Here,
    log_key: String,
}

pub(crate) async fn show(State(site): State<Site>, here: Here) -> Response {
    let log_key = site.service.log_vkey();
    scripted(&here, &VerifyPage { here: &here, log_key })
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn says_how_to_check_where_no_script_runs() {
        let town = Town::busy().await;
        page(&town.router, "/verify").await.shows(&["核对凭证", "<noscript>", "mingqu verify"]);
        page(&town.router, "/verify?lang=en").await.shows(&["Check a receipt", "--log-key"]);
    }
}
