//! `GET /api/v1/villages/{village}/rounds/{round}/balance`: the water account of the village's outlets.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use service::board::{self, Litres, OutletBalance, OutletId, RoundId, Timestamp, VillageId};

use super::problem::Problem;
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct BalanceList {
    outlets: Vec<BalanceBody>,
}

#[derive(Serialize)]
struct BalanceBody {
    outlet: OutletId,
    /// None where there are no readings, or no volume can be told.
    account: Option<Account>,
    /// Why there is none.
    why: Option<String>,
    running: bool,
}

#[derive(Serialize)]
struct Account {
    from: Timestamp,
    to: Timestamp,
    metered_litres: Litres,
    posted_litres: Litres,
    unposted_litres: Litres,
    unattributed_litres: Litres,
    untold: bool,
}

pub(super) async fn show(
    State(site): State<Site>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<BalanceList>, Problem> {
    let Path((village, round)) = path?;
    let bad = |error: &dyn std::fmt::Display| Problem::bad_request(error.to_string());
    let village = VillageId::new(village).map_err(|error| bad(&error))?;
    let round = RoundId::new(round).map_err(|error| bad(&error))?;
    let balances = board::balance_of(&site.service, &village, &round).await?.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "there is no such village or round here")
    })?;
    Ok(Json(BalanceList { outlets: balances.into_iter().map(Into::into).collect() }))
}

impl From<OutletBalance> for BalanceBody {
    fn from(one: OutletBalance) -> Self {
        let (account, why) = match one.account {
            Ok(Some(account)) => (Some(account), None),
            Ok(None) => (None, Some("there are no readings of this time".to_owned())),
            Err(error) => (None, Some(error.to_string())),
        };
        let account = account.map(|account| Account {
            from: account.from,
            to: account.to,
            metered_litres: account.metered,
            posted_litres: account.posted,
            unposted_litres: account.unposted,
            unattributed_litres: account.unattributed,
            untold: account.untold,
        });
        Self { outlet: one.outlet.id, account, why, running: one.running }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn an_account_adds_up() {
        let town = Town::busy().await;
        let path = "/api/v1/villages/east/rounds/2026-1/balance";
        let one = page(&town.router, path).await.json()["outlets"][0].clone();
        let litres = |name: &str| one["account"][name].as_i64().unwrap();
        assert_eq!(one["outlet"], "e1");
        assert_eq!(litres("metered_litres"), 1_061_900);
        // What the other round's turn took counts as well: it is accounted for.
        let posted = 111_000 + 127_280 + 177_600;
        assert_eq!(litres("posted_litres"), posted);
        assert_eq!(litres("unposted_litres"), 0);
        assert_eq!(litres("unattributed_litres"), 1_061_900 - posted);
    }

    #[tokio::test]
    async fn rejects_an_unknown_village_or_round() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/api/v1/villages/west/rounds/2026-1/balance", 404),
            ("/api/v1/villages/east/rounds/2031-1/balance", 404),
            ("/api/v1/villages/A/rounds/2031-1/balance", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
