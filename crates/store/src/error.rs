//! What can go wrong between the program and its database.

use thiserror::Error;

/// Why the store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The address names no engine that is known.
    #[error(
        "database address starting with {scheme:?} is not supported: use sqlite:PATH or postgres://USER@HOST/DATABASE"
    )]
    Url {
        /// What stands before the first colon; the rest may hold a password.
        scheme: String,
    },
    /// The database was written by a newer program.
    #[error(
        "the database has schema version {found} and this program knows versions up to {known}: start the newer program, or restore a backup made by this one"
    )]
    NewerSchema {
        /// The version found.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error(
        "the database schema could not be brought up to date: check the database account's rights, and that no migration was edited"
    )]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A value in the database is not what the program wrote.
    #[error(
        "table {table} holds {value:?} in column {column}, which is not valid: restore the row from a backup"
    )]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The value, shortened.
        value: String,
    },
    /// What was to be stored contradicts what is stored.
    #[error("{what} {key} was not stored: {why}")]
    Conflict {
        /// The kind of thing.
        what: &'static str,
        /// Which one.
        key: String,
        /// What it contradicts.
        why: &'static str,
    },
    /// A number is too large for a database column.
    #[error("{what} {value} was not stored: the largest number a database holds is 2^63 - 1")]
    Range {
        /// What the number counts.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A list is longer than one call takes.
    #[error("{count} {what} were given and one call takes at most {most}: split them")]
    TooMany {
        /// What the list holds.
        what: &'static str,
        /// How many were given.
        count: usize,
        /// How many are allowed.
        most: usize,
    },
    /// Others hold the database; nothing was stored.
    #[error("the database is busy: try again")]
    Busy(#[source] sqlx::Error),
    /// The disk is full; nothing was stored.
    #[error("the database's disk is full: free space and try again")]
    Full(#[source] sqlx::Error),
    /// Anything else the engine reports.
    #[error("the database could not do what was asked")]
    Database(#[source] sqlx::Error),
}

/// The longest piece of a corrupt value that an error quotes, in characters.
const MAX_QUOTED_CHARS: usize = 64;

/// Length of a PostgreSQL error code; SQLite's numeric codes are shorter.
const POSTGRES_CODE_CHARS: usize = 5;

impl StoreError {
    pub(crate) fn corrupt(table: &'static str, column: &'static str, value: &str) -> Self {
        Self::Corrupt { table, column, value: value.chars().take(MAX_QUOTED_CHARS).collect() }
    }

    pub(crate) fn conflict(what: &'static str, key: &impl ToString, why: &'static str) -> Self {
        Self::Conflict { what, key: key.to_string(), why }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy(error);
        }
        let code = error
            .as_database_error()
            .and_then(|database| database.code().map(std::borrow::Cow::into_owned));
        match code.as_deref().map(trouble) {
            Some(Trouble::Busy) => Self::Busy(error),
            Some(Trouble::Full) => Self::Full(error),
            _ => Self::Database(error),
        }
    }
}

enum Trouble {
    Busy,
    Full,
    Other,
}

/// Sorts an engine's error code: <https://sqlite.org/rescode.html> (the low byte is the primary
/// code) and PostgreSQL's appendix A.
fn trouble(code: &str) -> Trouble {
    if code.len() == POSTGRES_CODE_CHARS {
        return match code {
            "40001" | "40P01" | "55P03" => Trouble::Busy,
            "53100" => Trouble::Full,
            _ => Trouble::Other,
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Trouble::Busy,
        Ok(13) => Trouble::Full,
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codes_meaning_depends_on_the_engine() {
        for busy in ["5", "517", "6", "40P01"] {
            assert!(matches!(trouble(busy), Trouble::Busy), "{busy}");
        }
        for full in ["13", "53100"] {
            assert!(matches!(trouble(full), Trouble::Full), "{full}");
        }
        for other in ["2067", "23505", "", "x"] {
            assert!(matches!(trouble(other), Trouble::Other), "{other}");
        }
    }

    #[test]
    fn a_corrupt_value_is_quoted_shortened() {
        let error = StoreError::corrupt("turn", "outlet", &"长".repeat(500));
        assert!(error.to_string().chars().count() < 200);
    }
}
