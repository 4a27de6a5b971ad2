//! The broker's client against a real Mosquitto, and against a broker that follows a script to the byte.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where it fails; the lint knows only functions marked as tests"
)]

#[path = "../support/mosquitto.rs"]
mod mosquitto;
mod real;
mod scripted;
mod server;
#[path = "../support/store.rs"]
mod store;
