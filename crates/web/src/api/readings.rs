//! `POST /api/v1/readings`: readings by hand; the body is the exact envelope. `POST /api/v1/readings/preview`: what readings
//! would come to, before anybody signs them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use service::Entered;
use service::hand_readings::{DraftReading, Preview};

use super::problem::Problem;
use crate::site::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drafts {
    /// By meter and time.
    readings: Vec<DraftReading>,
}

#[derive(Serialize)]
pub(super) struct Previews {
    /// In the order of the readings.
    previews: Vec<Preview>,
}

pub(super) async fn hand_in(
    State(site): State<Site>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Entered>), Problem> {
    Ok((StatusCode::CREATED, Json(site.service.enter_readings(&body?).await?)))
}

pub(super) async fn preview(
    State(site): State<Site>,
    drafts: Result<Json<Drafts>, JsonRejection>,
) -> Result<Json<Previews>, Problem> {
    let Json(Drafts { readings }) = drafts?;
    Ok(Json(Previews { previews: site.service.preview_readings(&readings).await? }))
}

#[cfg(test)]
mod tests {
    use disclosure::hand_readings::{HandReading, HandReadings};

    use crate::testing::{Town, id, post};

    fn readings(value: i64) -> HandReadings {
        HandReadings {
            district: id("sample"),
            meter: id("me1"),
            entered_at: id("2026-05-02T00:00:00Z"),
            readings: vec![HandReading { at: id("2026-05-02T00:00:00Z"), value }],
            note: Some("水表断电".to_owned()),
        }
    }

    #[tokio::test]
    async fn numbers_what_the_station_read_and_the_same_again_once() {
        let town = Town::busy().await;
        let read_later = |value| {
            let reading = HandReading { at: id("2026-05-02T00:05:00Z"), value };
            HandReadings { readings: vec![reading], ..readings(value) }
        };
        for (entered, entry) in [(readings(5_001), 1), (read_later(5_002), 2), (readings(5_001), 1)]
        {
            let envelope = town.station.reads(&entered);
            let answer = post(&town.router, "/api/v1/readings", "application/json", envelope).await;
            let entered = format!("{{\"entry\":{entry}}}");
            assert_eq!((answer.status.as_u16(), answer.text()), (201, entered.as_str()));
        }
        // Another value of the same instant is refused: signed, it could not be taken back.
        let envelope = town.station.reads(&readings(9));
        let answer = post(&town.router, "/api/v1/readings", "application/json", envelope).await;
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("showed 5001"), "{}", answer.text());
    }

    #[tokio::test]
    async fn says_what_readings_would_come_to_and_enters_none() {
        let town = Town::busy().await;
        let body = r#"{"readings":[
            {"meter":"me1","at":"2026-05-02T00:00:00Z","value":"99999.9","unit":"cubic-metres"},
            {"meter":"me9","at":"2026-05-02T00:00:00Z","value":"1","unit":"own"}]}"#;
        for _ in 0..2 {
            let path = "/api/v1/readings/preview";
            let answer = post(&town.router, path, "application/json", body.into()).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let previews = answer.json();
            assert_eq!(previews["previews"][0]["new"]["value"], 999_999);
            let reason = previews["previews"][1]["refused"]["reason"].as_str().unwrap();
            assert!(reason.contains("no meter me9"), "{reason}");
        }
    }

    #[tokio::test]
    async fn rejects_what_a_cadre_read_and_what_no_meter_showed() {
        let town = Town::busy().await;
        let envelope = town.cadre.reads(&readings(7));
        let answer = post(&town.router, "/api/v1/readings", "application/json", envelope).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
        let envelope = town.station.reads(&HandReadings { meter: id("me9"), ..readings(7) });
        let answer = post(&town.router, "/api/v1/readings", "application/json", envelope).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
}
