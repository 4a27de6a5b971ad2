//! Many rows in few statements: fixed texts of 1,000, 100, 10 and 1 rows, because a statement's text must
//! be stable to stay prepared, and each statement is a way to SQLite's thread and back; JSON where that is
//! quick enough.

use crate::StoreError;

/// A statement for so many rows, longest first; the last is for one row.
pub(crate) type Texts = [(usize, &'static str); 4];

/// The longest text that `left` rows fill, with its number of rows.
pub(crate) fn longest(left: usize, texts: &Texts) -> (usize, &'static str) {
    let [.., single] = *texts;
    texts.iter().copied().find(|(rows, _)| *rows <= left).unwrap_or(single)
}

/// Ten times a row's placeholders, with commas between.
macro_rules! ten {
    ($row:literal) => {
        concat!(
            $row, ",", $row, ",", $row, ",", $row, ",", $row, ",", $row, ",", $row, ",", $row, ",",
            $row, ",", $row
        )
    };
}

/// A hundred times a row's placeholders.
macro_rules! hundred {
    ($row:literal) => {
        concat!(
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row),
            ",",
            $crate::bulk::ten!($row)
        )
    };
}

/// A thousand times a row's placeholders.
macro_rules! thousand {
    ($row:literal) => {
        concat!(
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row),
            ",",
            $crate::bulk::hundred!($row)
        )
    };
}

pub(crate) use {hundred, ten, thousand};

/// Rows as one JSON text: what `json_each` on SQLite takes where PostgreSQL takes arrays.
pub(crate) fn json_rows<T: serde::Serialize>(rows: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(rows)
        .map_err(|error| StoreError::Database(sqlx::Error::Encode(Box::new(error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_have_the_rows_they_claim() {
        assert_eq!(ten!("(?,?)").matches("(?,?)").count(), 10);
        assert_eq!(hundred!("(?,?)").matches("(?,?)").count(), 100);
        assert_eq!(thousand!("(?,?)").matches("(?,?)").count(), 1000);
        assert!(!thousand!("(?,?)").ends_with(','));
    }

    #[test]
    fn takes_the_longest_that_is_filled() {
        let texts: Texts = [(1000, "m"), (100, "c"), (10, "x"), (1, "i")];
        for (left, rows) in
            [(1, 1), (9, 1), (10, 10), (99, 10), (100, 100), (999, 100), (4000, 1000)]
        {
            assert_eq!(longest(left, &texts).0, rows);
        }
    }
}
