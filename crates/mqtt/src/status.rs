//! Device status as it stands in a message: `online`, `offline`, or nothing.

use service::{DeviceState, Statuses, TooManyStatuses};
use telemetry::MeterId;
use thiserror::Error;

/// Why a status is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum StatusError {
    /// The payload is something else.
    #[error("not a device status: publish online or offline, or nothing to be forgotten")]
    Payload,
    /// There is no room for one more.
    #[error(transparent)]
    TooMany(#[from] TooManyStatuses),
}

/// Takes a status payload; an empty one forgets the meter, as it clears a retained message (MQTT 5.0 §3.3.1.3).
pub(crate) fn take(statuses: &Statuses, meter: MeterId, payload: &[u8]) -> Result<(), StatusError> {
    let state = match payload {
        b"online" => Some(DeviceState::Online),
        b"offline" => Some(DeviceState::Offline),
        b"" => None,
        _ => return Err(StatusError::Payload),
    };
    Ok(statuses.set(meter, state)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use service::Clock;
    use service::board::Timestamp;

    use super::*;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::EARLIEST
        }
    }

    #[test]
    fn reads_the_three_payloads_and_nothing_else() {
        let statuses = Statuses::new(Arc::new(Stopped));
        let meter = || MeterId::new("m1").unwrap();
        let state = || statuses.get(&meter()).map(|status| status.state);
        take(&statuses, meter(), b"online").unwrap();
        assert_eq!(state(), Some(DeviceState::Online));
        for bad in [&b"Online"[..], b"offline ", &[0xff; 9_000]] {
            assert_eq!(take(&statuses, meter(), bad), Err(StatusError::Payload));
        }
        take(&statuses, meter(), b"offline").unwrap();
        assert_eq!(state(), Some(DeviceState::Offline));
        take(&statuses, meter(), b"").unwrap();
        assert_eq!(state(), None);
    }
}
