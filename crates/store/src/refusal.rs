//! Who refused a statement, and why, as the row of the statement holds it.

use std::fmt;

use domain::PersonId;
use domain::refusal::RefusalReason;

use crate::StoreError;

/// A refusal that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who.
    pub by: PersonId,
    /// Why.
    pub why: Grounds,
}

/// Grounds a statement was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grounds {
    /// As a signer said.
    Reason {
        /// One of the list.
        reason: RefusalReason,
        /// What they added.
        note: Option<String>,
    },
    /// In words alone: the server's own, or a signer's from before reasons had codes.
    Words(String),
}

impl fmt::Display for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reason { reason, note: None } => f.write_str(reason.code()),
            Self::Reason { reason, note: Some(note) } => write!(f, "{}: {note}", reason.code()),
            Self::Words(words) => f.write_str(words),
        }
    }
}

impl Grounds {
    /// What stands in the columns `refusal_reason` and `refusal`.
    pub(crate) fn columns(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            Self::Reason { reason, note } => (Some(reason.code()), note.as_deref()),
            Self::Words(words) => (None, Some(words)),
        }
    }

    /// Reads the two columns; nothing where both are empty.
    pub(crate) fn of_columns(
        reason: Option<&str>,
        words: Option<String>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(code) = reason else { return Ok(words.map(Self::Words)) };
        let reason = RefusalReason::from_code(code)
            .ok_or_else(|| StoreError::corrupt("statement", "refusal_reason", code))?;
        Ok(Some(Self::Reason { reason, note: words }))
    }
}
