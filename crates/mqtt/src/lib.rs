//! The only crate that speaks MQTT: it takes meters' reports off the wire, hands them on in batches, and acknowledges
//! them after they are stored.
//!
//! Messages flow one way and acknowledgements the other:
//!
//! ```text
//! meter ── PUBLISH ──▶ Endpoint ─┐                       ┌─▶ Ingest::store (one transaction)
//! broker ─ PUBLISH ──▶ Broker ───┴─▶ Queue ─▶ Batcher ───┤
//!                                                        └─▶ after the commit: PUBACK, then …/stored
//! ```
//!
//! In scope: topics, connections, batching, backpressure, receipts, device status. Out of scope: what a report's bytes
//! mean, whose signature counts, where anything is kept; [`Ingest`] stands for all of that.
//!
//! Promises: nothing is acknowledged before [`Ingest::store`] said that it is on disk; every queue, connection and
//! packet has a limit; a client that is slow or hostile harms only itself. `docs/formats/topics.md` describes the
//! topics for those who build meters or run a broker.

pub mod adapter;

mod batch;
mod client;
mod counter;
mod endpoint;
mod foreign;
mod ingest;
mod order;
mod refused;
mod status;
mod topic;
mod window;
mod wire;

pub use batch::{
    Ack, Acknowledge, BATCH_TICK_MILLIS, BATCH_WAIT_MILLIS, Batcher, Closed, MAX_BACKLOG_MESSAGES,
    MAX_BATCH_MESSAGES, MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES, Message, Queue, ReceiptSink,
};
pub use client::{Broker, BrokerConfig, BrokerConfigError, Login};
pub use counter::{BATCH_CLASSES_MILLIS, Counters, Counts, Refusal};
#[cfg(feature = "testing")]
pub use endpoint::read_packets;
pub use endpoint::{
    Endpoint, EndpointConfig, MAX_CONNECTIONS, MAX_INFLIGHT_BYTES, MAX_INFLIGHT_MESSAGES,
    MAX_PACKET_BYTES,
};
pub use ingest::Ingest;
pub use topic::{Filter, Incoming, MAX_TOPIC_BYTES, TopicError, Topics};
pub use wire::Level;
