//! `GET /api/v1/villages/{village}/owed?order=&after=&owed=`: households of a village that owe something.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Serialize;
use service::board::{
    self, Fen, HouseholdNo, OwedAfter, OwedRow, Timestamp, VillageId, VillageYear,
};

use super::problem::Problem;
use crate::page::OwedQuery;
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct OwedList {
    village: VillageId,
    /// How many households owe something.
    owing: u64,
    owed_fen: Fen,
    households: Vec<OwedBody>,
    /// What to give as `after` and `owed` for those that follow.
    next: Option<Next>,
    /// The newest year first.
    years: Vec<YearBody>,
}

#[derive(Serialize)]
struct OwedBody {
    household: HouseholdNo,
    billed_fen: Fen,
    paid_fen: Fen,
    owed_fen: Fen,
    since: Timestamp,
}

#[derive(Serialize)]
struct Next {
    after: HouseholdNo,
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<Fen>,
}

#[derive(Serialize)]
struct YearBody {
    year: i32,
    billed_fen: Fen,
    received_fen: Fen,
}

pub(super) async fn list(
    State(site): State<Site>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<OwedQuery>, QueryRejection>,
) -> Result<Json<OwedList>, Problem> {
    let Path(village) = path?;
    let Query(query) = query?;
    let village =
        VillageId::new(village).map_err(|error| Problem::bad_request(error.to_string()))?;
    let after = query.after().ok_or_else(|| {
        Problem::bad_request(
            "the parameters cannot be read: order is number or balance, after is a household, and with order=balance owed is its debt in fen",
        )
    })?;
    let view = board::owed(&site.service, &village, &after).await?;
    let view =
        view.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such village here"))?;
    Ok(Json(OwedList {
        village,
        owing: view.sum.households,
        owed_fen: view.sum.owed,
        households: view.rows.into_iter().map(Into::into).collect(),
        next: view.next.and_then(next),
        years: view.years.into_iter().map(Into::into).collect(),
    }))
}

fn next(after: OwedAfter) -> Option<Next> {
    match after {
        OwedAfter::Number(after) => after.map(|after| Next { after, owed: None }),
        OwedAfter::Balance(after) => after.map(|(owed, after)| Next { after, owed: Some(owed) }),
    }
}

impl From<OwedRow> for OwedBody {
    fn from(row: OwedRow) -> Self {
        Self {
            billed_fen: row.billed,
            paid_fen: row.paid,
            owed_fen: row.owed(),
            since: row.since,
            household: row.household,
        }
    }
}

impl From<VillageYear> for YearBody {
    fn from(one: VillageYear) -> Self {
        Self { year: one.year, billed_fen: one.billed, received_fen: one.received }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn lists_who_owes_what() {
        let town = Town::with_payments().await;
        let list = page(&town.router, "/api/v1/villages/east/owed").await.json();
        assert_eq!(
            (&list["owing"], &list["households"][0]["household"]),
            (&3.into(), &"101".into())
        );
        assert_eq!(list["households"][0]["owed_fen"], 3_369);
        let owed = |place: usize| list["households"][place]["owed_fen"].as_i64().unwrap();
        assert_eq!(list["owed_fen"], owed(0) + owed(1) + owed(2));
        assert_eq!(list["years"][0]["received_fen"], 1_005);
        let path = format!("/api/v1/villages/east/owed?order=balance&after=102&owed={}", owed(1));
        let rest = page(&town.router, &path).await.json();
        let rest: Vec<_> =
            rest["households"].as_array().unwrap().iter().map(|one| &one["household"]).collect();
        assert_eq!(rest, ["103", "101"]);
    }

    #[tokio::test]
    async fn rejects_an_unknown_village_or_order() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/api/v1/villages/west/owed", 404),
            ("/api/v1/villages/A/owed", 400),
            ("/api/v1/villages/east/owed?order=size", 400),
            ("/api/v1/villages/east/owed?owed=7", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
