//! `/tariff`: the tariff in force, and what one would pay by it (水价试算).

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use service::board::{self, ExplainError, Explained, Question, Source, Tariff};

use super::html;
use crate::here::Here;
use crate::question::{Field, Fields, MAX_FIELD_CHARS};
use crate::refusal::Refusal;
use crate::site::Site;

/// Decimals of a cubic metre on this page.
const M3_DECIMALS: u8 = 3;

#[derive(Template)]
#[template(path = "tariff.html")]
struct TariffPage<'a> {
    here: &'a Here,
    fields: Fields,
    problems: Vec<(Field, String)>,
    /// The tariff of the day that was asked about, else today's, with its posting index.
    tariff: Option<(u64, Tariff)>,
    answer: Option<(Question, Explained)>,
}

impl TariffPage<'_> {
    /// The crops and classes that can be asked about.
    fn crops(&self) -> Vec<&str> {
        let classes = self.tariff.iter().flat_map(|(_, tariff)| &tariff.terms().classes);
        classes
            .flat_map(|class| {
                let crops = class.crops.iter().map(board::Crop::as_str);
                crops.chain([class.class.as_str()])
            })
            .collect()
    }

    fn is_wrong(&self, id: &str) -> bool {
        self.problems.iter().any(|(field, _)| field.id() == id)
    }
}

impl Field {
    /// The name and the anchor of the field in the form.
    const fn id(self) -> &'static str {
        match self {
            Self::Crop => "crop",
            Self::Mu => "mu",
            Self::Source => "source",
            Self::Date => "date",
            Self::Used => "used_m3",
            Self::Water => "m3",
        }
    }

    /// What may stand in it.
    const fn rule(self, here: &Here) -> &'static str {
        match self {
            Self::Crop => here.explain.wrong_crop,
            Self::Mu => here.explain.wrong_mu,
            Self::Source => here.explain.wrong_source,
            Self::Date => here.explain.wrong_date,
            Self::Used => here.explain.wrong_used,
            Self::Water => here.explain.wrong_water,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct TariffQuery {
    crop: Option<String>,
    mu: Option<String>,
    source: Option<String>,
    date: Option<String>,
    used_m3: Option<String>,
    m3: Option<String>,
}

impl TariffQuery {
    /// What was filled in, without the spaces around; none when nothing was asked.
    fn fields(self) -> Option<Fields> {
        let all = [self.crop, self.mu, self.source, self.date, self.used_m3, self.m3];
        all.iter().any(Option::is_some).then(|| {
            let [crop, mu, source, date, used, water] =
                all.map(|field| field.unwrap_or_default().trim().to_owned());
            Fields { crop, mu, source, date, used, water }
        })
    }
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Result<Query<TariffQuery>, QueryRejection>,
) -> Result<Response, Response> {
    let Query(query) = query.map_err(|_| Refusal::BadInput.page(&here))?;
    let now = site.service.now();
    let today = || board::tariff_at(&site.service, now);
    let Some(fields) = query.fields() else {
        let fields = Fields { date: now.beijing().format("%F").to_string(), ..Fields::default() };
        let (problems, answer) = (Vec::new(), None);
        return Ok(html(
            &here,
            &TariffPage { here: &here, fields, problems, tariff: today(), answer },
        ));
    };
    if fields.texts().iter().any(|text| text.chars().count() > MAX_FIELD_CHARS) {
        return Err(Refusal::BadInput.page(&here));
    }
    let (answer, problems) = match fields.question(M3_DECIMALS) {
        Ok(question) => match board::explain(&site.service, &question) {
            Ok(answer) => (Some((question, answer)), Vec::new()),
            Err(error) => (None, vec![(Field::to_change(&error), words(&here, &error))]),
        },
        Err(wrong) => {
            let said = |field: Field| (field, field.rule(&here).to_owned());
            (None, wrong.into_iter().map(said).collect())
        }
    };
    let asked = answer.as_ref().map(|(_, answer)| (answer.index, answer.tariff.clone()));
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let tariff = asked.or_else(today);
    let page = TariffPage { here: &here, fields, problems, tariff, answer };
    Ok((status, html(&here, &page)).into_response())
}

/// Why there is no answer.
fn words(here: &Here, error: &ExplainError) -> String {
    match error {
        ExplainError::NoTariff(at) => here.say(here.explain.no_tariff, [here.date(*at)]),
        ExplainError::NoClass { crop, .. } => here.say(here.explain.no_class, [crop.to_string()]),
        ExplainError::NoPrice { water, .. } => {
            here.say(here.explain.no_price, [here.source(*water).to_owned()])
        }
        ExplainError::Range | ExplainError::Account(_) | ExplainError::Nobody(_) => {
            here.explain.out_of_range.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    const ASKED: &str =
        "/tariff?crop=%E7%8E%89%E7%B1%B3&mu=10&source=ground&date=2026-05-10&used_m3=&m3=100";

    #[tokio::test]
    async fn shows_the_tariff_in_force_and_an_empty_form() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/tariff").await;
        zh.shows(&["水价试算", "计量水价", "/postings/5", "value=\"2026-05-10\"", "<form"]);
        assert!(!zh.text().contains("role=\"alert\"") && !zh.text().contains("class=\"sum\""));
        page(&town.router, "/").await.shows(&["href=\"/tariff\""]);
        let en = page(&town.router, "/tariff?lang=en").await;
        en.shows(&["What would I pay?", "name=\"lang\" value=\"en\"", "Metered prices"]);
    }

    #[tokio::test]
    async fn every_step_stands_beside_the_years_basic_charge() {
        let town = Town::busy().await;
        let zh = page(&town.router, ASKED).await;
        zh.shows(&["计量水费（", "水价：公示 5 号", "2026 年基本水费", "应缴"]);
        zh.shows(&["value=\"玉米\"", "value=\"10\"", "<option value=\"ground\" selected>"]);
        // 100 m³ × 0.152 yuan, and 10 mu × 4 yuan.
        zh.shows(&["15.20 元", "40.00 元"]);
        assert!(!zh.text().contains("/postings/0\""), "nothing is posted of it");
        let en = page(&town.router, &format!("{ASKED}&lang=en")).await;
        en.shows(&["Metered charge (", "15.20 yuan", "40.00 yuan", "Basic charge for 2026"]);
    }

    #[tokio::test]
    async fn rejects_bad_fields_with_links_to_them_and_keeps_the_values() {
        let town = Town::busy().await;
        let answer =
            get(&town.router, "/tariff?crop=&mu=abc&source=rain&date=x&used_m3=-1&m3=1e9").await;
        assert_eq!(answer.status, 400);
        for id in ["crop", "mu", "source", "date", "used_m3", "m3"] {
            answer.shows(&[&format!("href=\"#{id}\""), &format!("id=\"{id}\"")]);
        }
        answer.shows(&["role=\"alert\"", "value=\"abc\"", "value=\"-1\"", "aria-invalid=\"true\""]);
        assert!(!answer.text().contains("class=\"sum\""));
    }

    #[tokio::test]
    async fn rejects_a_day_without_a_tariff() {
        let town = Town::busy().await;
        let answer = get(&town.router, &ASKED.replace("2026-05-10", "2001-05-10")).await;
        assert_eq!(answer.status, 400);
        answer.shows(&["2001年5月10日还没有水价", "href=\"#date\""]);
    }

    #[tokio::test]
    async fn rejects_over_long_and_doubled_fields() {
        let town = Town::busy().await;
        for path in [format!("/tariff?crop={}", "a".repeat(65)), "/tariff?mu=1&mu=2".to_owned()] {
            assert_eq!(get(&town.router, &path).await.status, 400);
        }
    }

    #[tokio::test]
    async fn a_script_stays_text() {
        let town = Town::busy().await;
        let answer = get(&town.router, "/tariff?crop=%22%3E%3Cscript%3E&mu=%3Cscript%3E").await;
        assert!(!answer.text().contains("<script>"));
    }

    #[tokio::test]
    async fn an_empty_district_says_what_comes_next() {
        let town = Town::empty().await;
        let answer = page(&town.router, "/tariff").await;
        answer.shows(&["还没有水价"]);
        assert!(!answer.text().contains("id=\"crop\""));
    }
}
