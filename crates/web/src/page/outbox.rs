//! `/outbox`: what was signed in this browser and is on its way. A phone keeps this page and shows it in
//! place of `/sign` where there is no reception; it can sign nothing.

use askama::Template;
use axum::response::Response;

use super::scripted;
use crate::here::Here;

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage<'a> {
    here: &'a Here,
}

pub(crate) async fn show(here: Here) -> Response {
    scripted(&here, &OutboxPage { here: &here })
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn leads_to_the_sign_page_in_its_language() {
        let town = Town::empty().await;
        page(&town.router, "/outbox").await.shows(&["待发的签字", "data-sign-page=\"/sign\""]);
        let english = page(&town.router, "/outbox?lang=en").await;
        english.shows(&["Signatures to be sent", "data-sign-page=\"/sign?lang=en\""]);
    }
}
