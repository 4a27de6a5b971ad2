//! Time as an argument.

use domain::Timestamp;

/// Tells the time. The programs hand in the machine's clock, a demonstration or a test one that it moves.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}
