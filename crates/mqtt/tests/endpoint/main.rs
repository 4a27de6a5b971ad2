//! The endpoint over real sockets: rumqttc's clients for the ordinary, raw bytes for the hostile.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where it fails; the lint knows only functions marked as tests"
)]

#[path = "../support/clock.rs"]
mod clock;
mod foreign;
mod hostile;
mod refused;
mod site;
#[path = "../support/store.rs"]
mod store;
mod v4;
mod v5;
