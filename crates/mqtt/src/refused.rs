//! What was refused, made into messages for the quarantine: what came, from whom, why.

use std::fmt::Display;

use service::{Arrival, QuarantineReason, Refused};

use crate::status::StatusError;
use crate::{Message, TopicError};

/// A message on a topic that no meter publishes to. `from` is the client's id where it is known.
pub(crate) fn misplaced(from: &str, topic: &str, payload: &[u8], error: TopicError) -> Message {
    message(topic, from, payload, QuarantineReason::UnknownTopic, &error)
}

/// A device status that is none, or one too many.
pub(crate) fn status(meter: &str, topic: &str, payload: &[u8], error: StatusError) -> Message {
    message(topic, meter, payload, QuarantineReason::BadStatus, &error)
}

/// A packet of so many bytes that ended its connection; `packet` is its beginning.
pub(crate) fn packet(from: &str, packet: &[u8], bytes: usize, error: &dyn Display) -> Message {
    let mut message = message("", from, packet, QuarantineReason::BadPacket, error);
    if let Some(refused) = &mut message.arrival.refused {
        refused.whole_bytes = Some(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
    message
}

fn message(
    topic: &str,
    from: &str,
    payload: &[u8],
    reason: QuarantineReason,
    detail: &dyn Display,
) -> Message {
    let arrival = Arrival {
        topic: topic.to_owned(),
        meter: from.to_owned(),
        payload: payload.to_vec(),
        refused: Some(Refused { reason, detail: detail.to_string(), whole_bytes: None }),
        foreign: None,
    };
    Message { arrival, ack: None }
}
