//! A clock that stands still.

use service::Clock;
use service::board::Timestamp;

pub struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::EARLIEST
    }
}
