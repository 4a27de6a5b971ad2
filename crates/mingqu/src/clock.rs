//! The machine's clock: the one place where the time is read.

use domain::Timestamp;
use service::Clock;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is handed"
    )]
    fn now(&self) -> Timestamp {
        let millis = chrono::Utc::now().timestamp_millis();
        // A machine whose clock was never set stands at 1970; the first instant reckoned with
        // makes every reading look ahead of time, and so visible in the quarantine.
        Timestamp::from_millis(millis).unwrap_or(Timestamp::EARLIEST)
    }
}
