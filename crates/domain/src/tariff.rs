//! Water prices: exact decimals, and the tariff in force at an instant.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::units::{UnitError, decimal_text, parse_decimal};
use crate::{Area, Fen, Litres, TariffId, Timestamp};

/// The most decimals a price may have; published tariffs go to four (0.0305 yuan/m³).
pub const MAX_PRICE_DECIMALS: u8 = 6;
/// The highest price, in yuan for one unit: above it a clerk has written fen or a price per 100 m³.
pub const MAX_PRICE_YUAN: i64 = 1000;

/// An exact price in yuan for one unit (a m³, or a mu and year), as published: digits are kept as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Price {
    units: i64,
    decimals: u8,
}

/// Why a tariff is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TariffError {
    /// Not a decimal with few enough decimals.
    #[error(transparent)]
    Price(#[from] UnitError),
    /// Implausibly high.
    #[error(
        "price {0} yuan is above {MAX_PRICE_YUAN}: prices are in yuan for one m³ or one mu and year"
    )]
    TooHigh(String),
    /// No tariff holds at that time.
    #[error("no tariff is in force at {0}: post one that is valid from then or earlier")]
    NoneInForce(Timestamp),
    /// An amount beyond the range of money.
    #[error("an amount of money is out of range: check area, volume and price")]
    Overflow,
}

impl Price {
    /// Reads a published price like `0.183`.
    pub fn new(text: &str) -> Result<Self, TariffError> {
        let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
        let decimals = u8::try_from(decimals).unwrap_or(u8::MAX).min(MAX_PRICE_DECIMALS);
        let units = parse_decimal("price", text, decimals)?;
        let price = Self { units, decimals };
        if price.to_string() != text {
            // A leading zero or the like would give one price two texts.
            let value = text.chars().take(40).collect();
            return Err(
                UnitError::Format { what: "price", value, decimals: MAX_PRICE_DECIMALS }.into()
            );
        }
        if units > MAX_PRICE_YUAN * 10_i64.pow(u32::from(decimals)) {
            return Err(TariffError::TooHigh(text.into()));
        }
        Ok(price)
    }

    /// Fen for a volume, rounded half up once.
    pub fn for_volume(self, volume: Litres) -> Result<Fen, TariffError> {
        self.fen_for_thousandths(i128::from(volume.get()))
    }

    /// Fen for an area and one year, rounded half up once.
    pub fn for_area(self, area: Area) -> Result<Fen, TariffError> {
        self.fen_for_thousandths(i128::from(area.get()) * 10)
    }

    /// Fen for so many thousandths of the priced unit.
    fn fen_for_thousandths(self, thousandths: i128) -> Result<Fen, TariffError> {
        let divisor = 10_i128.pow(u32::from(self.decimals)) * 10;
        let exact = thousandths * i128::from(self.units);
        let fen = (exact * 2 + divisor).div_euclid(divisor * 2);
        i64::try_from(fen).map(Fen).map_err(|_| TariffError::Overflow)
    }
}

impl core::fmt::Display for Price {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&decimal_text(self.units, u32::from(self.decimals)))
    }
}

impl TryFrom<String> for Price {
    type Error = TariffError;
    fn try_from(text: String) -> Result<Self, TariffError> {
        Self::new(&text)
    }
}

impl From<Price> for String {
    fn from(price: Price) -> String {
        price.to_string()
    }
}

/// A version of the water price (水价): a metered price and a basic charge (两部制).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// Its code.
    pub id: TariffId,
    /// From when it holds, until a later one does.
    pub valid_from: Timestamp,
    /// Metered price (计量水价) in yuan per m³.
    pub metered_yuan_per_m3: Price,
    /// Basic charge (基本水费) in yuan per mu and year.
    pub basic_yuan_per_mu_year: Price,
}

/// Posted tariffs with the indices they were posted at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tariffs(Vec<(u64, Tariff)>);

impl Tariffs {
    /// Adds a tariff posted at `index`.
    pub fn post(&mut self, index: u64, tariff: Tariff) {
        self.0.push((index, tariff));
    }

    /// The tariff in force at `t` with its posting index: the latest valid, and of those the latest posted.
    pub fn in_force(&self, t: Timestamp) -> Result<(u64, &Tariff), TariffError> {
        self.0
            .iter()
            .filter(|(_, tariff)| tariff.valid_from <= t)
            .max_by_key(|(index, tariff)| (tariff.valid_from, *index))
            .map(|(index, tariff)| (*index, tariff))
            .ok_or(TariffError::NoneInForce(t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        Price::new(text).unwrap()
    }

    #[test]
    fn golden_prices() {
        // Flat parts of the worked examples in docs/domain.md.
        assert_eq!(price("0.183").for_volume(Litres(3_000_000)), Ok(Fen(54_900)));
        assert_eq!(price("0.2745").for_volume(Litres(900_000)), Ok(Fen(24_705)));
        assert_eq!(price("0.549").for_volume(Litres(220_600)), Ok(Fen(12_111)));
        assert_eq!(price("0.152").for_volume(Litres(6_480_000)), Ok(Fen(98_496)));
        assert_eq!(price("0.15").for_volume(Litres(191_656_800)), Ok(Fen(2_874_852)));
        assert_eq!(price("4").for_area(Area(1250)), Ok(Fen(5000)));
    }

    #[test]
    fn half_a_fen_rounds_up() {
        assert_eq!(price("0.1").for_volume(Litres(50)), Ok(Fen(1)));
        assert_eq!(price("0.1").for_volume(Litres(49)), Ok(Fen(0)));
    }

    #[test]
    fn keeps_the_published_digits() {
        for text in ["0.0305", "4", "0.10", "0.183"] {
            assert_eq!(price(text).to_string(), text);
        }
    }

    #[test]
    fn rejects_prices_in_the_wrong_form_or_unit() {
        for text in ["", "-1", "00.1", "1.", "0.1234567", "1e-1", "18.3分"] {
            assert!(matches!(Price::new(text), Err(TariffError::Price(_))), "{text:?}");
        }
        assert!(matches!(Price::new("1000.1"), Err(TariffError::TooHigh(_))));
    }

    #[test]
    fn the_latest_valid_tariff_is_in_force() {
        let tariff = |from: &str| Tariff {
            id: TariffId::new("t").unwrap(),
            valid_from: from.parse().unwrap(),
            metered_yuan_per_m3: price("0.1"),
            basic_yuan_per_mu_year: price("4"),
        };
        let mut tariffs = Tariffs::default();
        tariffs.post(3, tariff("2016-01-01T00:00:00Z"));
        tariffs.post(9, tariff("2016-06-01T00:00:00Z"));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(tariffs.in_force(at("2016-06-01T00:00:00Z")).unwrap().0, 9);
        assert_eq!(tariffs.in_force(at("2016-05-31T23:59:59Z")).unwrap().0, 3);
        assert!(tariffs.in_force(at("2015-12-31T23:59:59Z")).is_err());
    }
}
