//! `/sign`: what waits for a signature of whoever holds the key in this browser. The page is its
//! script's; the server sends a frame.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use service::board::DistrictId;

use super::scripted;
use crate::here::Here;
use crate::site::Site;

#[derive(Template)]
#[template(path = "sign.html")]
struct SignPage<'a> {
    here: &'a Here,
    code: &'a DistrictId,
}

pub(crate) async fn show(State(site): State<Site>, here: Here) -> Response {
    scripted(&here, &SignPage { here: &here, code: site.service.district() })
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn says_what_is_needed_where_no_script_runs() {
        let town = Town::empty().await;
        page(&town.router, "/sign").await.shows(&["待会签", "<noscript>", "mingqu sign"]);
        page(&town.router, "/sign?lang=en").await.shows(&["To sign", "needs JavaScript"]);
    }

    #[tokio::test]
    async fn may_run_scripts_of_this_site_and_no_others() {
        let town = Town::empty().await;
        let answer = page(&town.router, "/sign").await;
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(
            !page(&town.router, "/").await.header("content-security-policy").contains("script")
        );
    }
}
