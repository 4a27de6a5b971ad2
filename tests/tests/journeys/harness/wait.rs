//! The one place where the journeys wait.

use std::time::{Duration, Instant};

/// How long anything may take before a journey fails: generous, because only a failure takes that long.
pub const DEADLINE: Duration = Duration::from_mins(2);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and returns it; fails with `what` after [`DEADLINE`].
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_until(Instant::now() + DEADLINE, look)
        .unwrap_or_else(|| panic!("waited {} s for {what}", DEADLINE.as_secs()))
}

/// Looks until there is something to see; none when `end` comes first.
pub fn wait_until<T>(end: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
