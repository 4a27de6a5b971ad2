//! Masked names of holders (户主): what a page shows of a name, and all that is ever sent or kept of it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::{is_plain, is_shown};

/// The longest name that is masked, in characters.
pub const MAX_NAME_CHARS: usize = 60;
/// What stands in the place of all that is left out.
const MASK: char = '*';

/// A name of which only the first and the last character are left: `张*明`, or `张*` of a name of two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MaskedName(String);

/// Why a name is refused. The name itself is not repeated: it may be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HolderError {
    /// Not a name.
    #[error("a holder's name must have 1 to {MAX_NAME_CHARS} visible characters")]
    Name,
    /// Not masked, or masked in another way.
    #[error("a masked name has a first character, * and at most one character more, like 张*明")]
    NotMasked,
}

impl MaskedName {
    /// Masks a name; spaces in it do not count. A masked name stays as it is.
    pub fn of(name: &str) -> Result<Self, HolderError> {
        if !is_plain(name, MAX_NAME_CHARS) {
            return Err(HolderError::Name);
        }
        let mut chars = name.chars().filter(|c| !c.is_whitespace());
        let first = chars.next().filter(|first| *first != MASK).ok_or(HolderError::Name)?;
        // Of a name of two characters the last one would be the whole given name.
        let last = chars.skip(1).last().filter(|last| *last != MASK);
        Ok(Self([Some(first), Some(MASK), last].into_iter().flatten().collect()))
    }

    /// Reads a name that was masked; refuses any other.
    pub fn new(masked: &str) -> Result<Self, HolderError> {
        let shown = |c: &char| *c != MASK && !c.is_whitespace() && is_shown(*c);
        let mut chars = masked.chars();
        let first = chars.next().filter(shown);
        let mask = chars.next().filter(|c| *c == MASK);
        let good = match (chars.next(), chars.next()) {
            (None, _) => true,
            (Some(last), None) => shown(&last),
            (Some(_), Some(_)) => false,
        };
        match (first, mask, good) {
            (Some(_), Some(_), true) => Ok(Self(masked.to_owned())),
            _ => Err(HolderError::NotMasked),
        }
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for MaskedName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for MaskedName {
    type Error = HolderError;
    fn try_from(masked: String) -> Result<Self, HolderError> {
        Self::new(&masked)
    }
}

impl From<MaskedName> for String {
    fn from(name: MaskedName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn masks_names_as_boards_do() {
        for (name, masked) in [
            ("张小明", "张*明"),
            ("张明", "张*"),
            ("张 明", "张*"),
            ("张", "张*"),
            ("欧阳小明", "欧*明"),
            ("买买提·艾力", "买*力"),
            ("Aziz Khan", "A*n"),
            ("张*明", "张*明"),
            ("张*", "张*"),
        ] {
            assert_eq!(MaskedName::of(name).unwrap().as_str(), masked, "{name}");
        }
    }

    #[test]
    fn rejects_what_is_no_name() {
        for name in ["", " ", "张\u{200b}明", "张\n明", "*明", &"张".repeat(MAX_NAME_CHARS + 1)]
        {
            assert_eq!(MaskedName::of(name), Err(HolderError::Name), "{name:?}");
        }
    }

    #[test]
    fn rejects_a_name_that_is_not_masked() {
        for name in [
            "",
            "张",
            "张明",
            "张小明",
            "*",
            "**",
            "*明",
            "张**",
            "张*小明",
            "张* ",
            " *明",
            "\u{202e}*明",
        ] {
            assert_eq!(MaskedName::new(name), Err(HolderError::NotMasked), "{name:?}");
        }
        assert!(serde_json::from_str::<MaskedName>("\"张小明\"").is_err());
    }

    proptest! {
        #[test]
        fn no_more_than_two_characters_of_a_name_are_left(name in "\\PC{1,60}") {
            if let Ok(masked) = MaskedName::of(&name) {
                prop_assert!(masked.as_str().chars().count() <= 3);
                prop_assert_eq!(MaskedName::new(masked.as_str()), Ok(masked));
            }
        }
    }
}
