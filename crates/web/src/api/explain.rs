//! `GET /api/v1/tariff/explain`: what a household would pay by the tariff in force, line by line.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use service::board::{self, BillLine, ExplainError, Explained, Fen, Timestamp};

use super::problem::Problem;
use crate::question::{Field, Fields};
use crate::site::Site;

/// Volumes are whole litres here.
const LITRE_DECIMALS: u8 = 0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainQuery {
    #[serde(default)]
    crop: String,
    #[serde(default)]
    mu: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    used: String,
    #[serde(default)]
    litres: String,
}

#[derive(Serialize)]
pub(super) struct ExplainBody {
    tariff: TariffBody,
    lines: Vec<BillLine>,
    total_fen: Fen,
    yearly: YearlyBody,
}

#[derive(Serialize)]
struct TariffBody {
    index: u64,
    id: String,
    valid_from: Timestamp,
}

#[derive(Serialize)]
struct YearlyBody {
    year: i32,
    lines: Vec<BillLine>,
    total_fen: Fen,
}

pub(super) async fn show(
    State(site): State<Site>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Result<Json<ExplainBody>, Problem> {
    let Query(ExplainQuery { crop, mu, source, date, used, litres }) = query?;
    let fields = Fields { crop, mu, source, date, used, water: litres };
    let question = fields.question(LITRE_DECIMALS).map_err(|wrong| {
        let rules: Vec<&str> = wrong.into_iter().map(rule).collect();
        Problem::bad_request(rules.join("; "))
    })?;
    Ok(Json(board::explain(&site.service, &question)?.into()))
}

/// What may stand in a parameter.
const fn rule(field: Field) -> &'static str {
    match field {
        Field::Crop => "crop: write a crop or the code of a class, 1 to 20 visible characters",
        Field::Mu => "mu: write the area with at most two decimals, above 0, like 12.5",
        Field::Source => "source: write surface or ground",
        Field::Date => "date: write a day like 2026-05-01",
        Field::Used => "used: write whole litres, or leave it out",
        Field::Water => "litres: write whole litres, at most 1000000000000",
    }
}

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl From<Explained> for ExplainBody {
    fn from(explained: Explained) -> Self {
        let Explained { index, tariff, water, year, yearly } = explained;
        let id = tariff.id().to_string();
        Self {
            tariff: TariffBody { index, id, valid_from: tariff.valid_from() },
            lines: water.lines,
            total_fen: water.total_fen,
            yearly: YearlyBody { year, lines: yearly.lines, total_fen: yearly.total_fen },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    const ASKED: &str =
        "/api/v1/tariff/explain?crop=maize&mu=10&source=ground&date=2026-05-10&litres=100000";

    #[tokio::test]
    async fn says_every_line_and_the_totals() {
        let town = Town::busy().await;
        let answer = page(&town.router, ASKED).await.json();
        assert_eq!(answer["tariff"]["index"], 5);
        // 100 m³ × 0.152 yuan, and 10 mu × 4 yuan.
        assert_eq!(
            (&answer["total_fen"], &answer["yearly"]["total_fen"]),
            (&1520.into(), &4000.into())
        );
        assert_eq!(answer["lines"][0]["basis"]["tariff"], 5);
        assert_eq!(answer["lines"][0]["charge"]["metered"]["watering"], 0);
        assert_eq!(answer["yearly"]["year"], 2026);
        assert_eq!(answer["yearly"]["lines"].as_array().map(Vec::len), Some(1));
    }

    #[tokio::test]
    async fn rejects_parameters_that_cannot_be_read() {
        let town = Town::busy().await;
        for (from, to, words) in [
            ("crop=maize&", "", "crop: "),
            ("mu=10", "mu=0", "mu: "),
            ("ground", "rain", "source: "),
            ("2026-05-10", "yesterday", "date: "),
            ("litres=100000", "litres=1.5", "litres: "),
            ("litres=100000", "litres=1000000000001", "litres: "),
            ("litres=100000", "litres=1&used=-1", "used: "),
            ("litres=100000", "litres=1&litres=2", "duplicate"),
            ("litres=100000", "litres=1&more=2", "more"),
        ] {
            let answer = get(&town.router, &ASKED.replace(from, to)).await;
            assert_eq!(answer.status, 400, "{to}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(words), "{words}: {detail}");
        }
    }

    #[tokio::test]
    async fn rejects_a_day_without_a_tariff() {
        let town = Town::busy().await;
        let answer = get(&town.router, &ASKED.replace("2026", "2001")).await;
        assert_eq!(answer.status, 422);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("no tariff is in force"), "{detail}");
        assert_eq!(get(&Town::empty().await.router, ASKED).await.status, 422);
    }
}
