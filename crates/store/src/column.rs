//! A column's bare value and what it stands for: decoding is parsing, and what does not parse is corrupt.

use std::fmt::Display;
use std::str::FromStr;

use domain::Timestamp;

use crate::StoreError;

/// Reads a text column as an identifier.
pub(crate) fn parsed<T: FromStr>(
    table: &'static str,
    column: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt(table, column, text))
}

/// Reads a text column that may be NULL.
pub(crate) fn parsed_option<T: FromStr>(
    table: &'static str,
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| parsed(table, column, text)).transpose()
}

/// Reads an instant from Unix milliseconds.
pub(crate) fn instant(
    table: &'static str,
    column: &'static str,
    millis: i64,
) -> Result<Timestamp, StoreError> {
    Timestamp::from_millis(millis).map_err(|_| corrupt_number(table, column, millis))
}

/// Reads an instant that may be NULL.
pub(crate) fn instant_option(
    table: &'static str,
    column: &'static str,
    millis: Option<i64>,
) -> Result<Option<Timestamp>, StoreError> {
    millis.map(|millis| instant(table, column, millis)).transpose()
}

/// Reads an integer as a narrower or unsigned one.
pub(crate) fn number<T: TryFrom<i64>>(
    table: &'static str,
    column: &'static str,
    value: i64,
) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| corrupt_number(table, column, value))
}

/// Reads 0 or 1.
pub(crate) fn flag(
    table: &'static str,
    column: &'static str,
    value: i64,
) -> Result<bool, StoreError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(corrupt_number(table, column, value)),
    }
}

/// Reads bytes of a fixed length: a digest, a key, a signature.
pub(crate) fn fixed<const N: usize>(
    table: &'static str,
    column: &'static str,
    bytes: Vec<u8>,
) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|bytes: Vec<u8>| StoreError::corrupt(table, column, &length(&bytes)))
}

/// The number as a database holds it.
pub(crate) fn stored(what: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Range { what, value })
}

/// The number as a bound: what lies beyond every stored number is as good as the largest.
pub(crate) fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A caller's limit, held to what one call may return.
pub(crate) fn limit(wanted: u32, most: u32) -> i64 {
    i64::from(wanted.min(most))
}

fn corrupt_number(table: &'static str, column: &'static str, value: impl Display) -> StoreError {
    StoreError::corrupt(table, column, &value.to_string())
}

fn length(bytes: &[u8]) -> String {
    format!("{} bytes", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::OutletId;

    #[test]
    fn rejects_what_the_program_never_wrote() {
        assert!(parsed::<OutletId>("turn", "outlet", "A/1").is_err());
        assert!(parsed_option::<OutletId>("turn", "outlet", Some("")).is_err());
        assert!(instant("turn", "opened_at", 0).is_err());
        assert!(number::<u64>("report", "seq", -1).is_err());
        assert!(flag("watering", "estimated", 2).is_err());
        assert!(fixed::<32>("log_head", "root", vec![0; 31]).is_err());
        assert!(stored("index", u64::MAX).is_err());
    }

    #[test]
    fn absence_is_not_corruption() {
        assert_eq!(parsed_option::<OutletId>("turn", "outlet", None).unwrap(), None);
        assert_eq!(instant_option("turn", "closed_at", None).unwrap(), None);
    }

    #[test]
    fn a_limit_is_held() {
        assert_eq!(limit(5, 10), 5);
        assert_eq!(limit(50, 10), 10);
        assert_eq!(bound(u64::MAX), i64::MAX);
    }
}
