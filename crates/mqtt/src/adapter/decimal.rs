//! Exact decimals: a number's text becomes the meter's integer unit without a binary fraction on the way.

use serde::Deserialize;

/// The longest text of a number that is looked at, in bytes.
pub const MAX_NUMBER_BYTES: usize = 64;
/// The most significant digits of a number in a message.
pub const MAX_NUMBER_DIGITS: usize = 24;
/// The most significant digits of a scale or an offset, so that its product with a number fits 128 bits.
pub const MAX_FACTOR_DIGITS: usize = 12;
/// How far a decimal point may be moved, in digits.
const MAX_EXPONENT_DIGITS: i32 = 60;

/// What becomes of a fraction of the meter's unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// The message is refused.
    #[default]
    Refuse,
    /// The fraction is cut off, towards the smaller number.
    Down,
    /// The nearest integer, halves upwards.
    Nearest,
}

/// `digits` × 10^`exponent`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    exponent: i32,
}

/// Why a text is no number that can be reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberError {
    /// Not a decimal number.
    Format,
    /// Too many digits, or too large.
    Range,
    /// A fraction of the unit is left, and the rule is [`Rounding::Refuse`].
    Fraction,
}

impl Decimal {
    /// One.
    pub const ONE: Self = Self { digits: 1, exponent: 0 };
    /// Nothing.
    pub const ZERO: Self = Self { digits: 0, exponent: 0 };

    /// Reads a number as JSON writes it (RFC 8259 §6), leading zeros allowed, with at most so many significant digits.
    pub fn parse(text: &str, most_digits: usize) -> Result<Self, NumberError> {
        if text.len() > MAX_NUMBER_BYTES {
            return Err(NumberError::Range);
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, exponent(power)?),
            None => (rest, 0),
        };
        let (whole, part) = match mantissa.split_once('.') {
            Some((whole, part)) if !part.is_empty() => (whole, part),
            Some(_) => return Err(NumberError::Format),
            None => (mantissa, ""),
        };
        let all = format!("{whole}{part}");
        if whole.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NumberError::Format);
        }
        let significant = all.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Self::ZERO);
        }
        if significant.len() > most_digits {
            return Err(NumberError::Range);
        }
        let digits: i128 = significant.parse().map_err(|_| NumberError::Range)?;
        let zeros = all.len() - all.trim_end_matches('0').len();
        let moved = count(zeros)? - count(part.len())?;
        let exponent = power.checked_add(moved).ok_or(NumberError::Range)?;
        if exponent.abs() > MAX_EXPONENT_DIGITS {
            return Err(NumberError::Range);
        }
        Ok(Self { digits: if negative { -digits } else { digits }, exponent })
    }

    /// A whole number.
    pub fn whole(number: u64) -> Self {
        Self { digits: number.into(), exponent: 0 }
    }

    /// The product.
    pub fn times(self, other: Self) -> Result<Self, NumberError> {
        Ok(Self {
            digits: self.digits.checked_mul(other.digits).ok_or(NumberError::Range)?,
            exponent: self.exponent + other.exponent,
        })
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, NumberError> {
        if self.digits == 0 {
            return Ok(other);
        }
        if other.digits == 0 {
            return Ok(self);
        }
        let exponent = self.exponent.min(other.exponent);
        let digits = self
            .at(exponent)
            .zip(other.at(exponent))
            .and_then(|(one, other)| one.checked_add(other));
        Ok(Self { digits: digits.ok_or(NumberError::Range)?, exponent })
    }

    /// The integer, by the rule for fractions.
    pub fn to_integer(self, rounding: Rounding) -> Result<i64, NumberError> {
        let integer = if self.exponent >= 0 {
            self.at(0).ok_or(NumberError::Range)?
        } else {
            self.rounded(rounding)?
        };
        i64::try_from(integer).map_err(|_| NumberError::Range)
    }

    fn rounded(self, rounding: Rounding) -> Result<i128, NumberError> {
        let Some(unit) = power_of_ten(self.exponent.unsigned_abs()) else {
            // Less than any half, in size.
            return match (rounding, self.digits.signum()) {
                (_, 0) | (Rounding::Nearest, _) | (Rounding::Down, 1) => Ok(0),
                (Rounding::Down, _) => Ok(-1),
                (Rounding::Refuse, _) => Err(NumberError::Fraction),
            };
        };
        let below = self.digits.div_euclid(unit);
        let rest = self.digits.rem_euclid(unit);
        match rounding {
            _ if rest == 0 => Ok(below),
            Rounding::Refuse => Err(NumberError::Fraction),
            Rounding::Down => Ok(below),
            Rounding::Nearest => Ok(below + i128::from(rest >= unit - rest)),
        }
    }

    /// The digits when the exponent is lowered to this one.
    fn at(self, exponent: i32) -> Option<i128> {
        let places = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        if self.digits == 0 {
            return Some(0);
        }
        self.digits.checked_mul(power_of_ten(places)?)
    }

    /// Whether this is less than the other; for thresholds.
    pub fn is_below(self, other: Self) -> Result<bool, NumberError> {
        let minus = Self { digits: -other.digits, exponent: other.exponent };
        Ok(self.plus(minus)?.digits < 0)
    }
}

fn power_of_ten(places: u32) -> Option<i128> {
    10_i128.checked_pow(places)
}

fn count(digits: usize) -> Result<i32, NumberError> {
    i32::try_from(digits).map_err(|_| NumberError::Range)
}

fn exponent(text: &str) -> Result<i32, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Format);
    }
    text.parse().map_err(|_| NumberError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Decimal, NumberError> {
        Decimal::parse(text, MAX_NUMBER_DIGITS)
    }

    fn integer(
        text: &str,
        scale: &str,
        offset: &str,
        rounding: Rounding,
    ) -> Result<i64, NumberError> {
        let product = read(text)?.times(Decimal::parse(scale, MAX_FACTOR_DIGITS)?)?;
        product.plus(Decimal::parse(offset, MAX_FACTOR_DIGITS)?)?.to_integer(rounding)
    }

    #[test]
    fn becomes_the_meters_unit_exactly() {
        use Rounding::Refuse;
        assert_eq!(integer("4720.6", "10", "0", Refuse), Ok(47_206));
        // In binary this product is 838860.6999999999.
        assert_eq!(integer("838860.7", "1000", "0", Refuse), Ok(838_860_700));
        assert_eq!(integer("0.1", "10", "0.2e1", Refuse), Ok(3));
        assert_eq!(integer("1.2345E+3", "1", "-0.5", Refuse), Ok(1_234));
        assert_eq!(integer("00012345", "1", "0", Refuse), Ok(12_345));
        assert_eq!(integer("-0", "1", "0", Refuse), Ok(0));
        assert_eq!(integer("0e99", "1", "0", Refuse), Ok(0));
        assert_eq!(integer("9223372036854775807", "1", "0", Refuse), Ok(i64::MAX));
    }

    #[test]
    fn a_fraction_follows_the_declared_rule() {
        for (text, refuse, down, nearest) in [
            ("2.5", Err(NumberError::Fraction), 2, 3),
            ("2.4999999999", Err(NumberError::Fraction), 2, 2),
            ("-2.5", Err(NumberError::Fraction), -3, -2),
            ("-0.1", Err(NumberError::Fraction), -1, 0),
            ("2.0", Ok(2), 2, 2),
            ("1e-59", Err(NumberError::Fraction), 0, 0),
            ("-1e-59", Err(NumberError::Fraction), -1, 0),
        ] {
            assert_eq!(integer(text, "1", "0", Rounding::Refuse), refuse, "{text}");
            assert_eq!(integer(text, "1", "0", Rounding::Down), Ok(down), "{text}");
            assert_eq!(integer(text, "1", "0", Rounding::Nearest), Ok(nearest), "{text}");
        }
    }

    #[test]
    fn compares_without_rounding() {
        let below = |one: &str, other: &str| read(one).unwrap().is_below(read(other).unwrap());
        assert_eq!(below("3.29", "3.3"), Ok(true));
        assert_eq!(below("3.30", "3.3"), Ok(false));
        assert_eq!(below("0", "0.001"), Ok(true));
    }

    #[test]
    fn rejects_what_is_no_number() {
        for text in [
            "", "-", ".5", "5.", "1,5", "0x10", "１", "1e", "1e+", "--1", "+1", "1 ", "NaN", "1.-5",
        ] {
            assert_eq!(read(text), Err(NumberError::Format), "{text:?}");
        }
    }

    #[test]
    fn rejects_what_is_too_large_or_too_fine() {
        for text in ["9223372036854775808", "1e19", "1e60"] {
            assert_eq!(integer(text, "1", "0", Rounding::Down), Err(NumberError::Range), "{text}");
        }
        for text in ["1e61", "1e99999999999", "1234567890123456789012345", &"1".repeat(65)] {
            assert_eq!(read(text), Err(NumberError::Range), "{text}");
        }
    }

    proptest! {
        #[test]
        fn scaling_up_and_back_changes_nothing(value in any::<i32>(), places in 0_i32..9) {
            let up = integer(&value.to_string(), &format!("1e{places}"), "0", Rounding::Refuse).unwrap();
            let back = integer(&up.to_string(), &format!("1e-{places}"), "0", Rounding::Refuse);
            prop_assert_eq!(back, Ok(i64::from(value)));
        }

        #[test]
        fn no_text_breaks_it(text in "[-+0-9eE.]{0,70}", scale in "-?[0-9]{1,12}(e-?[0-9]{1,2})?") {
            for rounding in [Rounding::Refuse, Rounding::Down, Rounding::Nearest] {
                let _ = integer(&text, &scale, "0.25", rounding);
            }
        }
    }
}
