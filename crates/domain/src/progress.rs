//! How far a statement has come: a small state machine that everything which is signed goes through.
//!
//! ```text
//! draft ──signed──▶ awaiting ──completed──▶ co-signed ──posted──▶ posted ──superseded──▶ corrected
//!   └────────────────refused───┴───────────────────┴──▶ refused
//! ```

use thiserror::Error;

/// How far a statement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Drawn up, signed by nobody (草稿); new readings may still change it.
    Draft,
    /// Signed by somebody, waiting for the others (待会签); its bytes are fixed.
    Awaiting,
    /// Signed by all that the policy demands, not yet in the log (已会签).
    CoSigned,
    /// In the public log (已公示).
    Posted,
    /// A signer said no, with a reason (拒签).
    Refused,
    /// Posted, and superseded by a later posting (已更正).
    Corrected,
}

/// What happens to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A valid signature arrived and more are needed.
    Signed,
    /// A valid signature arrived and it was the last one needed.
    Completed,
    /// It entered the public log.
    Posted,
    /// A signer refused, or the record moved on and it no longer fits.
    Refused,
    /// A correction was posted.
    Superseded,
}

/// A step that does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a statement that is {} cannot be {}", from.code(), step.code())]
pub struct ProgressError {
    from: Progress,
    step: Step,
}

impl Progress {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Awaiting, Self::CoSigned, Self::Posted, Self::Refused, Self::Corrected];

    /// The state after a step; fails where the step does not follow.
    pub fn after(self, step: Step) -> Result<Self, ProgressError> {
        match (self, step) {
            (Self::Draft | Self::Awaiting, Step::Signed) => Ok(Self::Awaiting),
            (Self::Draft | Self::Awaiting, Step::Completed) => Ok(Self::CoSigned),
            (Self::Draft | Self::Awaiting | Self::CoSigned, Step::Refused) => Ok(Self::Refused),
            (Self::CoSigned, Step::Posted) => Ok(Self::Posted),
            (Self::Posted, Step::Superseded) => Ok(Self::Corrected),
            (from, step) => Err(ProgressError { from, step }),
        }
    }

    /// The word that stands in the database, the API and addresses.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Awaiting => "awaiting",
            Self::CoSigned => "co-signed",
            Self::Posted => "posted",
            Self::Refused => "refused",
            Self::Corrected => "corrected",
        }
    }

    /// Reads [`Progress::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl Step {
    const fn code(self) -> &'static str {
        match self {
            Self::Signed | Self::Completed => "signed",
            Self::Posted => "posted",
            Self::Refused => "refused",
            Self::Superseded => "corrected",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_the_whole_way() {
        let mut state = Progress::Draft;
        for (step, next) in [
            (Step::Signed, Progress::Awaiting),
            (Step::Completed, Progress::CoSigned),
            (Step::Posted, Progress::Posted),
            (Step::Superseded, Progress::Corrected),
        ] {
            state = state.after(step).unwrap();
            assert_eq!(state, next);
        }
    }

    #[test]
    fn nothing_is_posted_before_all_have_signed() {
        for state in [Progress::Draft, Progress::Awaiting, Progress::Refused] {
            assert!(state.after(Step::Posted).is_err());
        }
    }

    #[test]
    fn what_is_posted_is_never_refused_or_signed_again() {
        for state in [Progress::Posted, Progress::Corrected] {
            for step in [Step::Signed, Step::Completed, Step::Refused] {
                assert!(state.after(step).is_err());
            }
        }
        assert!(Progress::CoSigned.after(Step::Signed).is_err());
        assert_eq!(
            Progress::Posted.after(Step::Refused).unwrap_err().to_string(),
            "a statement that is posted cannot be refused"
        );
    }

    #[test]
    fn codes_read_back() {
        for state in Progress::ALL {
            assert_eq!(Progress::from_code(state.code()), Some(state));
        }
        assert_eq!(Progress::from_code("lost"), None);
    }
}
