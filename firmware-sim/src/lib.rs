//! A fleet of meters for demonstrations and tests: replayed real registers or synthetic flow, signed like a real
//! meter signs, sent over MQTT through faults on request, and kept until the server's receipt.
//!
//! Everything that a meter says follows from a seed: the same seed and readings give the same bytes, so a fleet that
//! was stopped builds its chain again and goes on where the receipts ended. This crate knows `telemetry` and an MQTT
//! broker, and nothing of the server behind it.

mod device;
mod dice;
mod faults;
mod field;
mod fleet;
mod ledger;
mod life;
mod link;
mod options;
mod outbox;
mod physics;
mod publisher;
mod registers;
mod rehearsal;
mod replay;
mod scenario;
mod tally;
mod uplink;

pub use device::{Device, Outgoing, device_key};
pub use faults::{FAULT_DELAY, Faults, FaultsError, Mishaps, PERMILLE};
pub use field::{
    Delivery, Field, FieldError, FieldLedger, FieldRegistry, Happening, MeterBooks, Occurrence,
    OutletBooks, Totals,
};
pub use fleet::{FIVE_MINUTES_MS, Fleet, FleetError, MAX_METERS, synthetic_meter};
pub use ledger::{Ledger, LedgerError, LedgerSummary, Record};
pub use options::{
    Broker, IN_FLIGHT_REPORTS, KEEP_ALIVE, MAX_OUTSTANDING_REPORTS, METER_IN_FLIGHT_REPORTS,
    METER_KEEP_ALIVE, METER_OUTSTANDING_REPORTS, PublisherError, PublisherOptions, RECONNECT_MAX,
    RECONNECT_MIN, RESEND_INTERVAL,
};
pub use publisher::Publisher;
pub use registers::{MAX_ROWS, Registers, RegistersError, RejectReason, RejectedRow};
pub use rehearsal::Rehearsal;
pub use replay::{READINGS_PER_REPORT, Replay, ReplayError};
pub use scenario::{
    DayTimeError, MAX_DAYS, MAX_DISCHARGE_ML_PER_S, MAX_SCENARIO_METERS, MAX_SCENARIO_TURNS,
    Scenario, ScenarioError,
};
pub use uplink::{Connections, MAX_CONNECTING, MAX_SHARED_CONNECTIONS, Uplink};
