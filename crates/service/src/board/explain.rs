//! What a household would pay by the tariff in force, line by line (水价试算).

use domain::account::{AccountError, Holding, explain as explain_share, explain_year};
use domain::bill::{Bill, BillLine};
use domain::plot::{Crop, Plot, Source};
use domain::tariff::{Tariff, Tariffs};
use domain::{Area, HouseholdNo, IdError, Litres, TariffId, Timestamp};
use thiserror::Error;

use crate::Service;

/// The household number of bills that nobody is sent.
const NOBODY: &str = "0";

/// Land, and water that it would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// A crop, or the code of a class of the tariff.
    pub crop: Crop,
    /// The land, all of that crop.
    pub area: Area,
    /// Where the water comes from.
    pub source: Source,
    /// When the watering begins.
    pub at: Timestamp,
    /// What was used from that source earlier in the year, as priced.
    pub used: Litres,
    /// The water now, as measured.
    pub litres: Litres,
}

/// The answer: bills that nobody is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The posting index of the tariff.
    pub index: u64,
    /// The tariff.
    pub tariff: Tariff,
    /// The watering's lines and their total.
    pub water: Bill,
    /// The year that is charged for once.
    pub year: i32,
    /// What is owed once in that year, and its total.
    pub yearly: Bill,
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// No tariff holds then.
    #[error("no tariff is in force at {0}: ask about a later day")]
    NoTariff(Timestamp),
    /// A crop that the tariff does not know.
    #[error("tariff {tariff} has no class for {crop}: ask about one of its crops or classes")]
    NoClass {
        /// The tariff's code.
        tariff: TariffId,
        /// What was asked about.
        crop: Crop,
    },
    /// A source that the tariff has no price for.
    #[error("tariff {tariff} has no price for {water} water: ask about the other source")]
    NoPrice {
        /// The tariff's code.
        tariff: TariffId,
        /// What was asked about.
        water: Source,
    },
    /// Beyond the range of money.
    #[error("the amount is out of range: ask about less land or water")]
    Range,
    /// Cannot be for a single plot.
    #[error("this cannot be explained: {0}")]
    Account(AccountError),
    /// Cannot be, for `NOBODY` is a household number.
    #[error(transparent)]
    Nobody(#[from] IdError),
}

/// The tariff in force at an instant, with its posting index.
pub fn tariff_at(service: &Service, at: Timestamp) -> Option<(u64, Tariff)> {
    let record = service.record();
    record.tariffs().in_force(at).map(|(index, tariff)| (index, tariff.clone()))
}

/// What the water would cost on its own by the tariff in force then, and what is owed once in its year.
pub fn explain(service: &Service, asked: &Question) -> Result<Explained, ExplainError> {
    explained(service.record().tariffs(), asked)
}

fn explained(tariffs: &Tariffs, asked: &Question) -> Result<Explained, ExplainError> {
    let (index, tariff) = tariffs.in_force(asked.at).ok_or(ExplainError::NoTariff(asked.at))?;
    let plot = Plot { crop: crop_of(tariff, &asked.crop), source: asked.source, area: asked.area };
    let household = HouseholdNo::new(NOBODY)?;
    let holding = Holding { household, plots: vec![plot], water_right: None };
    let year = asked.at.year();
    let priced = (index, tariff);
    let lines = explain_share(priced, &holding, asked.source, asked.at, asked.used, asked.litres)?;
    let yearly = explain_year(tariffs, &holding, year)?;
    let bill = |lines: Vec<BillLine>| Bill::new(holding.household.clone(), lines);
    let (water, yearly) = (bill(lines), bill(yearly));
    Ok(Explained { index, tariff: tariff.clone(), water, year, yearly })
}

/// The crop that was asked about; of a class named by its code, its first one.
fn crop_of(tariff: &Tariff, asked: &Crop) -> Crop {
    let classes = &tariff.terms().classes;
    let known = classes.iter().any(|class| class.crops.contains(asked));
    let named = classes.iter().find(|class| class.class.as_str() == asked.as_str());
    match named.filter(|_| !known) {
        // The class for all other crops takes its own name for one.
        Some(class) => class.crops.first().unwrap_or(asked).clone(),
        None => asked.clone(),
    }
}

impl From<AccountError> for ExplainError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NoClass { tariff, crop, .. } => Self::NoClass { tariff, crop },
            AccountError::NoPrice { tariff, water } => Self::NoPrice { tariff, water },
            AccountError::Overflow(_) => Self::Range,
            other => Self::Account(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Fen;
    use domain::bill::Charge;
    use serde_json::json;

    use super::*;

    /// A tariff with a class for all other crops, or without one.
    fn tariff(id: &str, from: &str, price: &str, other: bool) -> Tariff {
        let mut classes = vec![json!({
            "class": "grain", "crops": ["小麦", "玉米"], "quota_m3_per_mu": { "surface": "10" },
        })];
        if other {
            classes.push(json!({
                "class": "rest", "other": true, "quota_m3_per_mu": { "surface": "10" },
            }));
        }
        let tier = json!({ "times": "2" });
        serde_json::from_value(json!({
            "id": id,
            "valid_from": from,
            "classes": classes,
            "metered": [{ "source": "surface", "price": price, "tiers": [tier] }],
            "basic": [{ "price": price }],
        }))
        .unwrap()
    }

    fn tariffs() -> Tariffs {
        let mut tariffs = Tariffs::default();
        tariffs.post(5, tariff("t5", "2026-01-01T00:00:00Z", "1", true));
        tariffs.post(9, tariff("t9", "2026-06-01T00:00:00Z", "3", true));
        tariffs
    }

    fn asked(crop: &str, day: &str) -> Question {
        Question {
            crop: Crop::new(crop).unwrap(),
            area: Area(100),
            source: Source::Surface,
            at: Timestamp::noon(day).unwrap(),
            used: Litres(9_000),
            litres: Litres(3_000),
        }
    }

    #[test]
    fn water_goes_by_the_day_and_the_basic_charge_by_the_year() {
        let may = explained(&tariffs(), &asked("玉米", "2026-05-01")).unwrap();
        assert_eq!((may.index, may.water.total_fen, may.yearly.total_fen), (5, Fen(500), Fen(100)));
        let june = explained(&tariffs(), &asked("玉米", "2026-07-01")).unwrap();
        assert_eq!((june.index, june.water.total_fen), (9, Fen(1500)));
        assert_eq!((june.yearly.total_fen, june.year), (Fen(100), 2026));
    }

    #[test]
    fn a_class_is_asked_about_by_its_code() {
        let class = |crop: &str| {
            let water = explained(&tariffs(), &asked(crop, "2026-05-01")).unwrap().water;
            match &water.lines[0].charge {
                Charge::Metered { class, .. } => class.to_string(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(class("grain"), "grain");
        assert_eq!(class("rest"), "rest");
        assert_eq!(class("葵花"), "rest");
    }

    #[test]
    fn rejects_what_the_tariff_does_not_know() {
        let error = |question: &Question| explained(&tariffs(), question).unwrap_err().to_string();
        assert!(error(&asked("玉米", "2025-12-31")).contains("no tariff is in force at 2025"));
        let well = Question { source: Source::Ground, ..asked("玉米", "2026-05-01") };
        assert!(error(&well).contains("no price for ground water"), "{}", error(&well));
        let flood = Question { litres: Litres(i64::MAX), ..asked("玉米", "2026-05-01") };
        let mut dear = Tariffs::default();
        dear.post(1, tariff("dear", "2026-01-01T00:00:00Z", "50", true));
        let error = explained(&dear, &flood).unwrap_err().to_string();
        assert!(error.contains("out of range"), "{error}");
        let mut strict = Tariffs::default();
        strict.post(1, tariff("strict", "2026-01-01T00:00:00Z", "1", false));
        let error = explained(&strict, &asked("葵花", "2026-05-01")).unwrap_err().to_string();
        assert!(error.contains("has no class for 葵花"), "{error}");
    }
}
