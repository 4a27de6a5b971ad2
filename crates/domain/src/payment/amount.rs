//! Amounts as banks and clerks write them.

use thiserror::Error;

use crate::Fen;
use crate::units::{UnitError, parse_decimal};

/// The largest payment: a million yuan. A village's whole year is less; a larger one is a slip of the pen.
pub const MAX_PAYMENT_FEN: i64 = 100_000_000;

/// Digits between two commas.
const GROUP_DIGITS: usize = 3;

/// Why an amount is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not a number of yuan with at most two decimals.
    #[error(transparent)]
    Format(#[from] UnitError),
    /// Commas that do not set thousands apart.
    #[error(
        "amount {0:?} has commas in other places than before thousands: write 1,186.76 or 1186.76"
    )]
    Commas(String),
    /// A negative number: money that went back.
    #[error(
        "amount {0:?} is negative: a payment is more than 0; what was recorded wrongly is reversed"
    )]
    Negative(String),
    /// Nothing, or more than anybody pays.
    #[error("an amount of {} yuan cannot be a payment: it is more than 0 and at most {} yuan", .0.yuan(), Fen(MAX_PAYMENT_FEN).yuan())]
    Range(Fen),
}

/// Whether somebody may have paid this.
pub(super) fn check(amount: Fen) -> Result<(), AmountError> {
    match amount.get() {
        1..=MAX_PAYMENT_FEN => Ok(()),
        _ => Err(AmountError::Range(amount)),
    }
}

/// Reads yuan with at most two decimals, thousands set apart by commas or not: `1,186.76`, `1186.7`, `1186`. Anything
/// that would have to be rounded or guessed is refused.
pub fn parse_amount(text: &str) -> Result<Fen, AmountError> {
    let shown = || text.chars().take(40).collect::<String>();
    if text.starts_with(['-', '\u{2212}', '(']) {
        return Err(AmountError::Negative(shown()));
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.contains(',') || !are_thousands(whole) {
        return Err(AmountError::Commas(shown()));
    }
    let amount = Fen(parse_decimal("amount", &text.replace(',', ""), 2)?);
    check(amount)?;
    Ok(amount)
}

/// Whether commas, if there are any, stand before each three digits.
fn are_thousands(whole: &str) -> bool {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    rest.peek().is_none()
        || (1..=GROUP_DIGITS).contains(&first.len())
            && rest.all(|group| group.len() == GROUP_DIGITS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_banks_write() {
        for (text, fen) in [
            ("1,186.76", 118_676),
            ("1186.76", 118_676),
            ("1186.7", 118_670),
            ("1186", 118_600),
            ("0.01", 1),
            ("1,000,000.00", MAX_PAYMENT_FEN),
            ("012.50", 1_250),
        ] {
            assert_eq!(parse_amount(text), Ok(Fen(fen)), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for fen in [1, 99, 100, 118_676, 99_999_999, MAX_PAYMENT_FEN] {
            assert_eq!(parse_amount(&Fen(fen).yuan()), Ok(Fen(fen)));
        }
    }

    #[test]
    fn rejects_three_decimals_and_what_is_no_number() {
        for text in ["1186.765", "1.", ".5", "", "１", "1e3", "12元", "¥12", "1 186", "+5", "0x1"]
        {
            assert!(matches!(parse_amount(text), Err(AmountError::Format(_))), "{text:?}");
        }
    }

    #[test]
    fn rejects_a_negative_amount() {
        for text in ["-1186.76", "-0.01", "\u{2212}5", "(5.00)"] {
            assert!(matches!(parse_amount(text), Err(AmountError::Negative(_))), "{text:?}");
        }
    }

    #[test]
    fn rejects_commas_that_set_no_thousands_apart() {
        for text in ["1,18.76", "1186,76", ",186", "1,,186", "1186,", "1234,567.00", "1.234,56"] {
            assert!(matches!(parse_amount(text), Err(AmountError::Commas(_))), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[-0-9.,()元 ]{0,24}|.{0,12}") {
            if let Ok(amount) = parse_amount(&text) {
                prop_assert_eq!(parse_amount(&amount.yuan()), Ok(amount));
            }
        }
    }

    #[test]
    fn rejects_nothing_and_the_absurd() {
        for text in ["0", "0.00", "1000000.01", "9,999,999"] {
            assert!(matches!(parse_amount(text), Err(AmountError::Range(_))), "{text:?}");
        }
        assert!(parse_amount("99999999999999999999").is_err());
    }
}
