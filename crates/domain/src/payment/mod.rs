//! Payments against bills (缴费): money that the station took, and what a household owes after it.
//!
//! A payment is a fact. It is never edited or deleted: one that was recorded wrongly is reversed (冲正), and both lines stay.
//! Which bill a payment settles is no matter of choice: the oldest year's debt comes first, see [`Account::of`].

mod account;
mod amount;
mod capitals;

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use account::{Account, YearAccount};
pub use amount::{AmountError, MAX_PAYMENT_FEN, parse_amount};
pub use capitals::capitals;

use crate::text::is_plain;
use crate::{Fen, HouseholdNo, Timestamp};

/// The longest reference, in characters: a bank's transaction numbers have up to 40.
pub const MAX_REFERENCE_CHARS: usize = 64;
/// The longest note, in characters; so short that a thousand payments make one request.
pub const MAX_PAYMENT_NOTE_CHARS: usize = 80;
/// The longest reason of a reversal, in characters.
pub const MAX_REVERSAL_REASON_CHARS: usize = 200;

/// How a payment was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentWay {
    /// In cash, at the station (现金).
    Cash,
    /// Through a bank (银行).
    Bank,
}

impl PaymentWay {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Cash, Self::Bank];

    /// The word that stands in requests and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Bank => "bank",
        }
    }

    /// The way with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.code() == code)
    }
}

/// The running number of a payment in its district, printed on the receipt (收据编号); the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceiptNo(NonZeroU64);

/// Why a text is not a receipt number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("receipt number {0:?} is not valid: write its digits, like 42")]
pub struct ReceiptNoError(String);

impl ReceiptNo {
    /// The receipt with a number; none for 0.
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The bare number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for ReceiptNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ReceiptNo {
    type Err = ReceiptNoError;

    /// Reads exactly the form that [`ReceiptNo`] displays.
    fn from_str(text: &str) -> Result<Self, ReceiptNoError> {
        let number = text.parse().ok().and_then(Self::new);
        let same = number.filter(|number| number.to_string() == text);
        same.ok_or_else(|| ReceiptNoError(text.chars().take(24).collect()))
    }
}

/// A payment, as whoever took the money states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Whose debt it settles.
    pub household: HouseholdNo,
    /// How much was paid.
    pub amount_fen: Fen,
    /// How.
    pub way: PaymentWay,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// The bank's transaction number, or the number in the cash book. A payment that is known by it is not recorded twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What the station wants to remember of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a payment is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaymentError {
    /// An amount that nobody pays.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Not a reference.
    #[error(
        "reference {0:?} is not valid: use 1 to {MAX_REFERENCE_CHARS} of A-Z, a-z, 0-9 and . _ / -"
    )]
    Reference(String),
    /// Not a note.
    #[error("a note has 1 to {MAX_PAYMENT_NOTE_CHARS} visible characters on one line")]
    Note,
}

impl Payment {
    /// Checks what can be told without knowing anything else.
    pub fn check(&self) -> Result<(), PaymentError> {
        amount::check(self.amount_fen)?;
        if let Some(reference) = &self.reference {
            check_reference(reference)?;
        }
        if self.note.as_ref().is_some_and(|note| !is_plain(note, MAX_PAYMENT_NOTE_CHARS)) {
            return Err(PaymentError::Note);
        }
        Ok(())
    }
}

/// Only what banks use: characters that look alike would make two references of one.
fn check_reference(text: &str) -> Result<(), PaymentError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    if (1..=MAX_REFERENCE_CHARS).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(PaymentError::Reference(text.chars().take(MAX_REFERENCE_CHARS + 1).collect()))
}

/// Whether a reversal may give this reason.
pub fn is_reversal_reason(reason: &str) -> bool {
    is_plain(reason, MAX_REVERSAL_REASON_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment() -> Payment {
        Payment {
            household: HouseholdNo::new("101").unwrap(),
            amount_fen: Fen(118_676),
            way: PaymentWay::Bank,
            paid_at: "2026-06-01T02:00:00Z".parse().unwrap(),
            reference: Some("20260601-00001/A".to_owned()),
            note: Some("二季度水费".to_owned()),
        }
    }

    #[test]
    fn a_payment_reads_as_it_was_written() {
        let bare = Payment { reference: None, note: None, way: PaymentWay::Cash, ..payment() };
        for one in [payment(), bare.clone()] {
            assert_eq!(one.check(), Ok(()));
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Payment>(&text).unwrap(), one);
        }
        assert_eq!(
            serde_json::to_string(&bare).unwrap(),
            r#"{"household":"101","amount_fen":118676,"way":"cash","paid_at":"2026-06-01T02:00:00Z"}"#
        );
    }

    #[test]
    fn rejects_an_amount_of_nothing_or_less_or_too_much() {
        for fen in [0, -1, MAX_PAYMENT_FEN + 1, i64::MIN, i64::MAX] {
            let refused = Payment { amount_fen: Fen(fen), ..payment() }.check();
            assert!(matches!(refused, Err(PaymentError::Amount(_))), "{fen}");
        }
        let most = Payment { amount_fen: Fen(MAX_PAYMENT_FEN), ..payment() };
        assert_eq!(most.check(), Ok(()));
    }

    #[test]
    fn rejects_a_reference_that_no_bank_writes() {
        let long = "1".repeat(MAX_REFERENCE_CHARS + 1);
        for text in ["", " ", "1 2", "１２", "流水", "a\u{200b}", "a'b", long.as_str()] {
            let refused = Payment { reference: Some(text.to_owned()), ..payment() }.check();
            assert!(matches!(refused, Err(PaymentError::Reference(_))), "{text:?}");
        }
        let longest = Payment { reference: Some("1".repeat(MAX_REFERENCE_CHARS)), ..payment() };
        assert_eq!(longest.check(), Ok(()));
    }

    #[test]
    fn rejects_a_note_that_is_blank_or_long() {
        let long = "注".repeat(MAX_PAYMENT_NOTE_CHARS + 1);
        for text in ["", " ", "a\nb", "\u{202e}a", long.as_str()] {
            let refused = Payment { note: Some(text.to_owned()), ..payment() }.check();
            assert_eq!(refused, Err(PaymentError::Note), "{text:?}");
        }
    }

    #[test]
    fn rejects_fields_and_ways_that_no_payment_has() {
        let text = serde_json::to_string(&payment()).unwrap();
        for (from, to) in [
            ("\"way\":\"bank\"", "\"way\":\"cheque\""),
            ("\"note\"", "\"payer\""),
            ("118676", "1186.76"),
            ("\"101\"", "\"A 1\""),
        ] {
            let bent = text.replace(from, to);
            assert_ne!(bent, text);
            assert!(serde_json::from_str::<Payment>(&bent).is_err(), "{bent}");
        }
    }

    #[test]
    fn rejects_what_is_no_receipt_number() {
        assert_eq!("42".parse::<ReceiptNo>().unwrap().get(), 42);
        for text in ["", "0", "007", "+1", "-1", "1.0", "１", "99999999999999999999"] {
            assert!(text.parse::<ReceiptNo>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<ReceiptNo>("0").is_err());
    }

    #[test]
    fn rejects_a_reason_without_words() {
        assert!(is_reversal_reason("户号录错"));
        let long = "错".repeat(MAX_REVERSAL_REASON_CHARS + 1);
        for text in ["", "\u{3000}", "a\u{feff}", long.as_str()] {
            assert!(!is_reversal_reason(text), "{text:?}");
        }
    }

    #[test]
    fn every_way_has_its_own_code() {
        for way in PaymentWay::ALL {
            assert_eq!(PaymentWay::from_code(way.code()), Some(way));
        }
        assert_eq!(PaymentWay::from_code("cheque"), None);
    }
}
