//! The name of a meter, as it stands in topics, reports and the registry.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// The longest meter id, in characters (each is one byte).
pub const MAX_METER_ID_CHARS: usize = 32;

/// A meter's id: 1 to 32 characters of `[a-z0-9-]` that start with a letter or a digit.
///
/// It can stand in an MQTT topic, a URL path and a file name as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(String);

impl MeterId {
    /// Reads a meter id.
    pub fn new(id: &str) -> Result<Self, MeterIdError> {
        let first = id.bytes().next().ok_or(MeterIdError::Empty)?;
        if id.len() > MAX_METER_ID_CHARS {
            return Err(MeterIdError::TooLong);
        }
        if !id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(MeterIdError::Character);
        }
        if first == b'-' {
            return Err(MeterIdError::Start);
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for MeterId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for MeterId {
    type Err = MeterIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

/// Why a text is not a meter id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MeterIdError {
    /// The text is empty.
    #[error("a meter id is empty: give it 1 to {MAX_METER_ID_CHARS} characters")]
    Empty,
    /// The text has more than [`MAX_METER_ID_CHARS`] characters.
    #[error("a meter id is too long: give it at most {MAX_METER_ID_CHARS} characters")]
    TooLong,
    /// The text has a character outside `[a-z0-9-]`.
    #[error("a meter id has a character other than a-z, 0-9 and '-': remove it")]
    Character,
    /// The text starts with a hyphen.
    #[error("a meter id starts with '-': start it with a letter or a digit")]
    Start,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn accepts_letters_digits_and_inner_hyphens() {
        for id in ["a", "7", "well-12", "0a-", "abcdefghijklmnopqrstuvwxyz012345"] {
            assert_eq!(MeterId::new(id).unwrap().to_string(), id);
        }
    }

    #[test]
    fn rejects_what_cannot_stand_in_a_topic() {
        assert_eq!(MeterId::new(""), Err(MeterIdError::Empty));
        assert_eq!(MeterId::new(&"a".repeat(33)), Err(MeterIdError::TooLong));
        assert_eq!(MeterId::new("-a"), Err(MeterIdError::Start));
        for id in ["A", "a/b", "a+", "a#", "a b", "a\0", "渠", "a_b", "a.b"] {
            assert_eq!(MeterId::new(id), Err(MeterIdError::Character), "{id}");
        }
    }
}
