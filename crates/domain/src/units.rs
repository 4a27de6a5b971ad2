//! Integer units: litres, fen, hundredths of a mu. Conversions happen once, at the edge.

use core::iter::Sum;
use core::ops::{Add, Sub};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a number is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// Not a plain decimal with at most so many decimals.
    #[error(
        "{what} {value:?} is not valid: write {}", allowed(*decimals)
    )]
    Format {
        /// What was being read.
        what: &'static str,
        /// The text as given.
        value: String,
        /// How many decimals the unit has.
        decimals: u8,
    },
    /// Beyond what is plausible or representable.
    #[error("{what} {value:?} is out of range")]
    Range {
        /// What was being read.
        what: &'static str,
        /// The text as given.
        value: String,
    },
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The bare integer.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl Add for $name {
            type Output = Self;
            /// Saturates: a sum at the limit is absurd on its face, a wrapped one would look real.
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::ZERO, Add::add)
            }
        }
    };
}

quantity!(
    /// Volume in litres (1 m³ = 1000 L).
    Litres
);
quantity!(
    /// Money in fen (1 yuan = 100 fen).
    Fen
);
quantity!(
    /// Area in hundredths of a mu (1 mu = 10000/15 m²).
    Area
);

impl Litres {
    /// Cubic metres with three decimals, as pages and papers show them.
    pub fn cubic_metres(self) -> String {
        decimal_text(self.0, 3)
    }
}

impl Fen {
    /// Yuan with two decimals.
    pub fn yuan(self) -> String {
        decimal_text(self.0, 2)
    }
}

impl Area {
    /// Mu with two decimals.
    pub fn mu(self) -> String {
        decimal_text(self.0, 2)
    }

    /// Reads mu as rosters state them (`12.5`), positive, at most 100,000 mu.
    pub fn from_mu(text: &str) -> Result<Self, UnitError> {
        const MOST_HUNDREDTHS: i64 = 10_000_000;
        let hundredths = parse_decimal("area", text, 2)?;
        if (1..=MOST_HUNDREDTHS).contains(&hundredths) {
            Ok(Self(hundredths))
        } else {
            Err(UnitError::Range { what: "area", value: text.into() })
        }
    }
}

/// What a number with at most so many decimals may look like.
fn allowed(decimals: u8) -> String {
    match decimals {
        0 => "a whole number in digits, like 12".to_owned(),
        _ => format!("digits with at most {decimals} decimals, like 12.5"),
    }
}

/// An integer count of 10^-`decimals` units as decimal text, all decimals shown: `decimal_text(-5, 2)` is `-0.05`.
pub fn decimal_text(value: i64, decimals: u32) -> String {
    let base = 10_u64.pow(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let whole = value.unsigned_abs() / base;
    let part = value.unsigned_abs() % base;
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{part:0width$}", width = decimals as usize)
}

/// Reads plain decimal text as an integer count of 10^-`decimals` units; more decimals than the unit has are refused, never rounded.
pub fn parse_decimal(what: &'static str, text: &str, decimals: u8) -> Result<i64, UnitError> {
    let malformed = || UnitError::Format { what, value: text.chars().take(40).collect(), decimals };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits_only = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let missing = usize::from(decimals).checked_sub(part.len()).ok_or_else(malformed)?;
    if whole.is_empty() || !digits_only(whole) || !digits_only(part) || text.ends_with('.') {
        return Err(malformed());
    }
    format!("{whole}{part}{}", "0".repeat(missing))
        .parse()
        .map_err(|_| UnitError::Range { what, value: text.chars().take(40).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_units_as_papers_do() {
        assert_eq!(Litres(4_720_600).cubic_metres(), "4720.600");
        assert_eq!(Fen(118_676).yuan(), "1186.76");
        assert_eq!(Fen(-5).yuan(), "-0.05");
        assert_eq!(Area(1250).mu(), "12.50");
    }

    #[test]
    fn reads_mu_exactly() {
        assert_eq!(Area::from_mu("12.5"), Ok(Area(1250)));
        assert_eq!(Area::from_mu("0.01"), Ok(Area(1)));
    }

    #[test]
    fn rejects_what_would_have_to_be_rounded_or_guessed() {
        for text in ["", ".", "1.", ".5", "1.005", "-1", "+1", "1e3", "１", "0", "1 2", "100000.01"]
        {
            assert!(Area::from_mu(text).is_err(), "{text:?}");
        }
        assert!(Area::from_mu("99999999999999999999").is_err());
    }
}
