//! Identifiers: short codes that people print on paper and that stand in topics, URLs and statements.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest identifier, in bytes.
pub const MAX_ID_BYTES: usize = 32;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{what} {value:?} is not valid: use 1 to {MAX_ID_BYTES} of a-z, 0-9 and '-', starting with a letter or digit"
)]
pub struct IdError {
    what: &'static str,
    value: String,
}

fn check(what: &'static str, text: &str) -> Result<(), IdError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !text.is_empty()
        && text.len() <= MAX_ID_BYTES
        && text.bytes().all(allowed)
        && !text.starts_with('-')
    {
        return Ok(());
    }
    // A hostile identifier may be long; the message needs only enough to recognise it.
    let value = text.chars().take(MAX_ID_BYTES + 1).collect();
    Err(IdError { what, value })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text; fails with what is allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check($what, &text)?;
                Ok(Self(text))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id!(
    /// The area one installation serves (灌区).
    DistrictId, "district"
);
id!(
    /// A village (村).
    VillageId, "village"
);
id!(
    /// A village's sub-group (社), unique within its village.
    GroupId, "group"
);
id!(
    /// A household's number (户号), unique within the district; the only name a household has in signed data.
    HouseholdNo, "household number"
);
id!(
    /// A place where water is measured and handed over (斗口, 机井).
    OutletId, "outlet"
);
id!(
    /// A meter's identifier, the same text as in its reports and topics.
    MeterCode, "meter"
);
id!(
    /// A scheduled irrigation pass (轮次).
    RoundId, "round"
);
id!(
    /// One turn within a round (轮灌).
    TurnId, "turn"
);
id!(
    /// A version of the water price (水价).
    TariffId, "tariff"
);
id!(
    /// A class of crops within a tariff.
    ClassId, "class"
);
id!(
    /// A version of a rating table (水位–流量关系表); a new version has a new code.
    TableId, "rating table"
);
id!(
    /// Somebody who signs, by role and number, never by name.
    PersonId, "person"
);

impl HouseholdNo {
    /// The order in which households stand on paper and in which ties are settled: shorter numbers
    /// first, so that 9 comes before 10.
    pub fn number_order(&self) -> (usize, &str) {
        (self.0.len(), &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_is_printed_on_paper() {
        for text in ["w01", "2016-1", "0", &"a".repeat(MAX_ID_BYTES)] {
            assert_eq!(OutletId::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn rejects_what_would_break_a_topic_or_a_url() {
        for text in ["", "-a", "A", "a/b", "a b", "a+", "社", &"a".repeat(MAX_ID_BYTES + 1)] {
            assert!(OutletId::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn rejects_in_json_as_at_the_door() {
        assert!(serde_json::from_str::<OutletId>("\"a/b\"").is_err());
        assert_eq!(
            serde_json::from_str::<OutletId>("\"w01\"").unwrap(),
            OutletId::new("w01").unwrap()
        );
    }

    #[test]
    fn says_what_is_allowed() {
        let message = MeterCode::new("M 1").unwrap_err().to_string();
        assert!(message.contains("meter \"M 1\" is not valid"), "{message}");
    }
}
