//! `POST /api/v1/requests`: a signed request; the body is the exact envelope.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use service::Answer;

use super::problem::Problem;
use crate::site::Site;

pub(super) async fn hand_in(
    State(site): State<Site>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(site.service.request(&body?).await?))
}

#[cfg(test)]
mod tests {
    use domain::round::Round;
    use service::request::Ask;

    use crate::testing::{Town, id, page, post};

    fn a_round() -> Ask {
        Ask::OpenRound(Round {
            id: id("2026-3"),
            name: "第三轮".to_owned(),
            opens_at: id("2026-06-01T00:00:00Z"),
            closes_at: id("2026-06-20T00:00:00Z"),
        })
    }

    #[tokio::test]
    async fn does_what_the_station_asks_once() {
        let town = Town::busy().await;
        let envelope = town.station.asks(a_round());
        for _ in 0..2 {
            let json = "application/json";
            let answer = post(&town.router, "/api/v1/requests", json, envelope.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, "\"done\""));
        }
        page(&town.router, "/villages/east").await.shows(&["第三轮"]);
    }

    #[tokio::test]
    async fn rejects_a_cadre_who_asks_for_the_stations_work() {
        let town = Town::busy().await;
        let envelope = town.cadre.asks(a_round());
        let answer = post(&town.router, "/api/v1/requests", "application/json", envelope).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
}
