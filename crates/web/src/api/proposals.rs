//! `GET /api/v1/proposals?before=`: water that ran and that no turn accounts for.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use service::board::{self, Litres, MeterCode, OutletId, Proposal, Timestamp, Turn};

use super::problem::Problem;
use crate::params::number;
use crate::site::Site;

#[derive(Deserialize)]
pub(super) struct Paging {
    before: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ProposalList {
    /// Newest first; ask again with `before` set to the last id for the next ones.
    proposals: Vec<ProposalBody>,
}

#[derive(Serialize)]
struct ProposalBody {
    id: i64,
    meter: MeterCode,
    outlet: OutletId,
    from: Timestamp,
    to: Timestamp,
    litres: Litres,
    running: bool,
    /// What `log-turn` would enter; none while no round was open.
    turn: Option<Turn>,
}

pub(super) async fn list(
    State(site): State<Site>,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Json<ProposalList>, Problem> {
    let Query(Paging { before }) = paging?;
    let found = board::proposals(&site.service, number(before.as_deref())?).await?;
    Ok(Json(ProposalList { proposals: found.into_iter().map(Into::into).collect() }))
}

impl From<Proposal> for ProposalBody {
    fn from(one: Proposal) -> Self {
        Self {
            id: one.id,
            meter: one.meter,
            outlet: one.outlet.id,
            from: one.from,
            to: one.to,
            litres: one.litres,
            running: one.running,
            turn: one.turn,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, page};

    #[tokio::test]
    async fn a_proposal_names_the_turn_that_it_would_be() {
        let town = Town::flowing().await;
        let list = page(&town.router, "/api/v1/proposals").await.json();
        let one = &list["proposals"][0];
        assert_eq!((&one["outlet"], &one["litres"]), (&"e1".into(), &262_700.into()));
        assert_eq!((&one["running"], &one["turn"]["group"]), (&true.into(), &"g1".into()));
        let id = one["id"].as_i64().unwrap();
        let next = page(&town.router, &format!("/api/v1/proposals?before={id}")).await.json();
        assert_eq!(next["proposals"].as_array().unwrap().len(), 0);
    }
}
