//! Exact decimals: published prices, multipliers and percentages, and what comes of multiplying them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::units::{UnitError, decimal_text, parse_decimal};

/// The most decimals a published number may have; published prices go to four (0.0305 yuan/m³).
pub const MAX_DECIMALS: u8 = 6;
/// The highest price, in yuan for one unit: above it a clerk has written fen.
pub const MAX_PRICE_YUAN: i64 = 1000;
/// The most decimals of an effective price: those of a price, a crop's multiplier and a tier's.
pub const MAX_EXACT_DECIMALS: u8 = 3 * MAX_DECIMALS;
/// The longest text of an effective price.
const MAX_EXACT_CHARS: usize = 30;

/// Why a number of a tariff is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PriceError {
    /// Not a decimal with few enough decimals.
    #[error(transparent)]
    Decimal(#[from] UnitError),
    /// Implausibly high.
    #[error("price {0} yuan is above {MAX_PRICE_YUAN}: prices are in yuan, not in fen")]
    TooHigh(String),
    /// Not an effective price of a bill line.
    #[error(
        "effective price {0:?} is not valid: write digits with at most {MAX_EXACT_DECIMALS} decimals"
    )]
    Exact(String),
}

/// What a price is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Per {
    /// One cubic metre.
    #[default]
    #[serde(rename = "m3")]
    CubicMetre,
    /// A hundred cubic metres (百方).
    #[serde(rename = "100-m3")]
    HundredCubicMetres,
    /// One mu and year.
    #[serde(rename = "mu-year")]
    MuYear,
    /// One household and year.
    #[serde(rename = "household-year")]
    HouseholdYear,
}

impl Per {
    /// Fen for one step of the quantity (a litre, a hundredth of a mu, a household) at a price of one yuan, as a
    /// fraction.
    const fn fen_for_one_yuan(self) -> (i128, i128) {
        match self {
            Self::CubicMetre => (1, 10),
            Self::HundredCubicMetres => (1, 1000),
            Self::MuYear => (1, 1),
            Self::HouseholdYear => (100, 1),
        }
    }

    /// Whether it is a price for water used.
    pub const fn is_volume(self) -> bool {
        matches!(self, Self::CubicMetre | Self::HundredCubicMetres)
    }
}

/// An exact decimal that is not negative, as published: digits are kept as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    units: i64,
    decimals: u8,
}

/// An exact price in yuan, as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Price(Decimal);

/// An exact price in yuan that comes of prices and multipliers, never rounded.
///
/// A published price that nothing multiplies keeps its digits; a product stands without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExactPrice {
    units: i128,
    decimals: u8,
}

impl Decimal {
    /// Reads a number like `0.183`, which `what` names in the error.
    fn read(what: &'static str, text: &str) -> Result<Self, PriceError> {
        let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
        let decimals = u8::try_from(decimals).unwrap_or(u8::MAX).min(MAX_DECIMALS);
        let units = parse_decimal(what, text, decimals)?;
        let number = Self { units, decimals };
        if number.to_string() == text {
            return Ok(number);
        }
        // A leading zero or the like would give one number two texts.
        let value = text.chars().take(40).collect();
        Err(UnitError::Format { what, value, decimals: MAX_DECIMALS }.into())
    }

    /// Reads a published number like `1.5`.
    pub fn new(text: &str) -> Result<Self, PriceError> {
        Self::read("number", text)
    }

    /// The number in millionths, which is exact.
    pub fn millionths(self) -> i128 {
        i128::from(self.units) * 10_i128.pow(u32::from(MAX_DECIMALS - self.decimals))
    }

    /// Whether it is nought.
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }
}

impl Price {
    /// Reads a published price like `0.183`.
    pub fn new(text: &str) -> Result<Self, PriceError> {
        let price = Decimal::read("price", text)?;
        if price.millionths() > i128::from(MAX_PRICE_YUAN) * 1_000_000 {
            return Err(PriceError::TooHigh(text.into()));
        }
        Ok(Self(price))
    }

    /// Whether it is nought.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The price itself, with its digits.
    pub fn exact(self) -> ExactPrice {
        ExactPrice { units: i128::from(self.0.units), decimals: self.0.decimals }
    }
}

impl ExactPrice {
    /// This price so many times. `None` when it leaves the range reckoned with.
    pub fn times(self, multiplier: Decimal) -> Option<Self> {
        let units = self.units.checked_mul(i128::from(multiplier.units))?;
        Self::trimmed(units, self.decimals.checked_add(multiplier.decimals)?)
    }

    /// This price and so much more. `None` when it leaves the range reckoned with.
    pub fn plus(self, more: Price) -> Option<Self> {
        let decimals = self.decimals.max(more.0.decimals);
        let widened = |units: i128, from: u8| {
            units.checked_mul(10_i128.checked_pow(u32::from(decimals - from))?)
        };
        let sum = widened(self.units, self.decimals)?
            .checked_add(widened(i128::from(more.0.units), more.0.decimals)?)?;
        Self::trimmed(sum, decimals)
    }

    /// Fen for a quantity (litres, hundredths of a mu or households, as `per` says), rounded half up once.
    /// `None` beyond the range of money.
    pub fn fen(self, quantity: i64, per: Per) -> Option<i64> {
        let (numerator, denominator) = per.fen_for_one_yuan();
        let divisor = 10_i128.checked_pow(u32::from(self.decimals))?.checked_mul(denominator)?;
        let exact = i128::from(quantity).checked_mul(self.units)?.checked_mul(numerator)?;
        let doubled = exact.checked_mul(2)?.checked_add(divisor)?;
        i64::try_from(doubled.div_euclid(divisor.checked_mul(2)?)).ok()
    }

    fn trimmed(mut units: i128, mut decimals: u8) -> Option<Self> {
        while decimals > 0 && units % 10 == 0 {
            units /= 10;
            decimals -= 1;
        }
        (decimals <= MAX_EXACT_DECIMALS).then_some(Self { units, decimals })
    }
}

impl core::fmt::Display for Decimal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&decimal_text(self.units, u32::from(self.decimals)))
    }
}

impl core::fmt::Display for Price {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl core::fmt::Display for ExactPrice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let base = 10_i128.pow(u32::from(self.decimals));
        let (whole, part) = (self.units / base, self.units % base);
        match usize::from(self.decimals) {
            0 => write!(f, "{whole}"),
            width => write!(f, "{whole}.{part:0width$}"),
        }
    }
}

impl core::str::FromStr for ExactPrice {
    type Err = PriceError;

    /// Reads exactly the form that it displays.
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let malformed = || PriceError::Exact(text.chars().take(MAX_EXACT_CHARS + 1).collect());
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let decimals = u8::try_from(part.len()).map_err(|_| malformed())?;
        let digits = format!("{whole}{part}");
        if text.len() > MAX_EXACT_CHARS
            || decimals > MAX_EXACT_DECIMALS
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(malformed());
        }
        let price = Self { units: digits.parse().map_err(|_| malformed())?, decimals };
        if price.to_string() == text { Ok(price) } else { Err(malformed()) }
    }
}

macro_rules! as_text {
    ($name:ident, $read:expr) => {
        impl TryFrom<String> for $name {
            type Error = PriceError;
            fn try_from(text: String) -> Result<Self, PriceError> {
                $read(&text)
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> String {
                number.to_string()
            }
        }
    };
}

as_text!(Decimal, Decimal::new);
as_text!(Price, Price::new);
as_text!(ExactPrice, str::parse);

#[cfg(test)]
mod tests {
    use super::*;
    use Per::{CubicMetre, HouseholdYear, HundredCubicMetres, MuYear};

    fn exact(text: &str) -> ExactPrice {
        text.parse().unwrap()
    }

    #[test]
    fn golden_prices() {
        // Flat parts of the worked examples in docs/domain.md.
        for (price, quantity, per, fen) in [
            ("0.183", 3_000_000, CubicMetre, 54_900),
            ("0.2745", 900_000, CubicMetre, 24_705),
            ("0.549", 220_600, CubicMetre, 12_111),
            ("0.152", 6_480_000, CubicMetre, 98_496),
            ("0.15", 191_656_800, CubicMetre, 2_874_852),
            ("15", 191_656_800, HundredCubicMetres, 2_874_852),
            ("4", 1250, MuYear, 5000),
            ("60", 1, HouseholdYear, 6000),
        ] {
            assert_eq!(exact(price).fen(quantity, per), Some(fen), "{price} × {quantity}");
        }
    }

    #[test]
    fn half_a_fen_rounds_up() {
        assert_eq!(exact("0.1").fen(50, CubicMetre), Some(1));
        assert_eq!(exact("0.1").fen(49, CubicMetre), Some(0));
    }

    #[test]
    fn keeps_the_published_digits_and_trims_products() {
        for text in ["0.0305", "4", "0.10", "0.183"] {
            assert_eq!(Price::new(text).unwrap().to_string(), text);
            assert_eq!(Price::new(text).unwrap().exact().to_string(), text);
        }
        let price = Price::new("0.20").unwrap().exact();
        let times = |text| price.times(Decimal::new(text).unwrap()).unwrap().to_string();
        assert_eq!(times("1.5"), "0.3");
        assert_eq!(times("10"), "2");
        let plus = |text| price.plus(Price::new(text).unwrap()).unwrap().to_string();
        assert_eq!(plus("0.025"), "0.225");
        assert_eq!(plus("1"), "1.2");
    }

    #[test]
    fn products_are_never_rounded() {
        let six = Decimal::new("9.999999").unwrap();
        let product = Price::new("999.999999").unwrap().exact().times(six).unwrap();
        let product = product.times(six).unwrap();
        assert_eq!(product.to_string(), "99999.979900001019999999");
        assert_eq!(exact("99999.979900001019999999"), product);
    }

    #[test]
    fn money_out_of_range_is_none() {
        assert_eq!(exact("99999.979900001019999999").fen(i64::MAX, CubicMetre), None);
        assert_eq!(exact("1000").fen(i64::MAX, CubicMetre), None);
    }

    #[test]
    fn rejects_prices_in_the_wrong_form_or_unit() {
        for text in ["", "-1", "00.1", "1.", "0.1234567", "1e-1", "18.3分"] {
            assert!(matches!(Price::new(text), Err(PriceError::Decimal(_))), "{text:?}");
            assert!(matches!(Decimal::new(text), Err(PriceError::Decimal(_))), "{text:?}");
        }
        assert!(Price::new("1000").is_ok());
        assert!(matches!(Price::new("1000.000001"), Err(PriceError::TooHigh(_))));
    }

    #[test]
    fn rejects_effective_prices_in_the_wrong_form() {
        for text in
            ["", "-1", "00.1", "1.", ".5", "0.1234567890123456789", "+1", &"9".repeat(31), "1e3"]
        {
            assert_eq!(text.parse::<ExactPrice>(), Err(PriceError::Exact(text.into())));
        }
    }
}
