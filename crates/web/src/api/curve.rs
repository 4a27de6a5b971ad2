//! `GET /api/v1/statements/{id}/curve`: what the meter counted, beside the statement's bytes.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use service::board::{self, Curve, Timestamp};

use super::problem::Problem;
use crate::params::plain_number;
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct CurveBody {
    /// Instants and the litres counted up to them; empty where nothing can be drawn.
    points: Vec<(Timestamp, i64)>,
    /// Readings of the interval; more than the points when they were thinned.
    readings: usize,
}

pub(super) async fn show(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<CurveBody>, Problem> {
    let Path(id) = id?;
    let id = plain_number(&id)?;
    let curve = board::statement_curve(&site.service, id).await?;
    let Curve { points, readings } = curve.unwrap_or(Curve { points: Vec::new(), readings: 0 });
    let points = points.into_iter().map(|(at, litres)| (at, litres.get())).collect();
    Ok(Json(CurveBody { points, readings }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn a_draft_has_the_curve_of_its_readings() {
        let town = Town::with_a_draft().await;
        let list = page(&town.router, "/api/v1/statements?state=draft").await.json();
        let id = list["statements"][0]["id"].as_i64().unwrap();
        let curve = page(&town.router, &format!("/api/v1/statements/{id}/curve")).await.json();
        let points = curve["points"].as_array().unwrap();
        assert!(points.len() > 2, "{curve}");
        assert_eq!(points[0][0], "2026-05-01T18:00:00Z");
        assert!(curve["readings"].as_u64().unwrap() > 0);
    }

    #[tokio::test]
    async fn other_kinds_have_none() {
        let town = Town::busy().await;
        let curve = page(&town.router, "/api/v1/statements/1/curve").await.json();
        assert_eq!(curve, serde_json::json!({ "points": [], "readings": 0 }));
        assert_eq!(get(&town.router, "/api/v1/statements/99/curve").await.status, 404);
    }
}
