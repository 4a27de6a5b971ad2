//! `/enrol#CODE`: makes a key in this browser and hands in its public half. The code stays in the
//! fragment, which no browser sends.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use service::board::DistrictId;

use super::scripted;
use crate::here::Here;
use crate::site::Site;

#[derive(Template)]
#[template(path = "enrol.html")]
struct EnrolPage<'a> {
    here: &'a Here,
    code: &'a DistrictId,
}

pub(crate) async fn show(State(site): State<Site>, here: Here) -> Response {
    scripted(&here, &EnrolPage { here: &here, code: site.service.district() })
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn says_what_is_needed_where_no_script_runs() {
        let town = Town::empty().await;
        page(&town.router, "/enrol").await.shows(&["登记签字钥匙", "<noscript>", "mingqu keys"]);
    }
}
