//! Why a signer says no (拒签): a closed list, so that refusals can be counted and said in any language.

use serde::{Deserialize, Serialize};

/// What is wrong with a statement, as the signer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// It did not happen at that time (时间不对).
    WrongTime,
    /// It was not that much (水量不对).
    WrongVolume,
    /// The households or their shares are wrong (分摊不对).
    WrongShares,
    /// The water did not reach the fields (水没有到地里).
    NoWater,
    /// Something is wrong with the meter (水表有问题).
    MeterFault,
    /// Something else, which a note must say (其他原因).
    Other,
}

impl RefusalReason {
    /// Every reason, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::WrongTime,
        Self::WrongVolume,
        Self::WrongShares,
        Self::NoWater,
        Self::MeterFault,
        Self::Other,
    ];

    /// The word that stands in requests and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::WrongTime => "wrong-time",
            Self::WrongVolume => "wrong-volume",
            Self::WrongShares => "wrong-shares",
            Self::NoWater => "no-water",
            Self::MeterFault => "meter-fault",
            Self::Other => "other",
        }
    }

    /// The reason with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Whether it says nothing without a note.
    pub const fn needs_note(self) -> bool {
        matches!(self, Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_what_is_signed_and_leads_back() {
        for reason in RefusalReason::ALL {
            assert_eq!(RefusalReason::from_code(reason.code()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
        assert_eq!(RefusalReason::from_code("bad-mood"), None);
    }
}
