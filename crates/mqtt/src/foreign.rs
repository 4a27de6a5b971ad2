//! Foreign messages on their way from the wire to the queue: what is stored of each.

use service::{Arrival, QuarantineReason, Refused};

use crate::adapter::{AdapterError, Ignored, Taken};
use crate::{Counters, Message, Topics};

/// What is to be stored of a message on an adapter's topic; none of what carries no reading.
pub(crate) fn read(
    topics: &Topics,
    counters: &Counters,
    topic: &str,
    payload: &[u8],
    arrived_ms: i64,
) -> Option<Message> {
    let ignored = |kind| {
        counters.ignore(kind);
        None
    };
    let (foreign, refused) = match topics.adapters().take(topic, payload, arrived_ms)? {
        Ok(Taken::Reading(reading)) => (Some(reading), None),
        Ok(Taken::Battery { .. }) => return ignored(Ignored::Event),
        Ok(Taken::Ignored(kind)) => return ignored(kind),
        Err(error) => (None, Some(refused(&error))),
    };
    let meter = foreign.as_ref().map(|reading| reading.meter.to_string()).unwrap_or_default();
    let (topic, payload) = (topic.to_owned(), payload.to_vec());
    Some(Message { arrival: Arrival { topic, meter, payload, refused, foreign }, ack: None })
}

fn refused(error: &AdapterError) -> Refused {
    let reason = QuarantineReason::Foreign(error.reason());
    Refused { reason, detail: error.to_string(), whole_bytes: None }
}
