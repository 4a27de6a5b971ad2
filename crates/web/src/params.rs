//! What stands in an address, parsed once.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use serde::Deserialize;

use crate::refusal::Refusal;

/// Where a page of a list begins, and which year; text until [`number`] has read it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) row: Option<String>,
    pub(crate) year: Option<String>,
}

/// The number in an optional field: `Err` when something stands there and is none.
pub(crate) fn number<T: std::str::FromStr>(field: Option<&str>) -> Result<Option<T>, NotANumber> {
    match field {
        None | Some("") => Ok(None),
        Some(text) => plain_number(text).map(Some),
    }
}

/// Reads decimal digits and nothing else.
pub(crate) fn plain_number<T: std::str::FromStr>(text: &str) -> Result<T, NotANumber> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| NotANumber);
    }
    Err(NotANumber)
}

/// The posting index that a page's address ends with.
pub(crate) fn index(path: Result<Path<String>, PathRejection>) -> Result<u64, Refusal> {
    let Path(index) = path.map_err(|_| Refusal::BadInput)?;
    Ok(plain_number(&index)?)
}

/// What stands there is no number, or one too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digits_and_nothing_else() {
        assert_eq!(number::<u64>(None), Ok(None));
        assert_eq!(number::<u64>(Some("")), Ok(None));
        assert_eq!(number::<u64>(Some("42")), Ok(Some(42)));
        for text in ["-1", "+1", " 1", "1e3", "１", "99999999999999999999999", "<script>"] {
            assert_eq!(number::<u64>(Some(text)), Err(NotANumber), "{text}");
        }
    }
}
