//! The broker's client against a real Mosquitto, and against a broker that follows a script to the byte.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where it fails; the lint knows only functions marked as tests"
)]

/// The same stories with a server that speaks MQTT 3.1.1 and with one that speaks 5.
macro_rules! in_both_versions {
    ($($story:ident),* $(,)?) => {
        mod in_3_1_1 {
            $(#[tokio::test] async fn $story() { super::$story(mqtt::Level::V4).await; })*
        }
        mod in_5 {
            $(#[tokio::test] async fn $story() { super::$story(mqtt::Level::V5).await; })*
        }
    };
}

#[path = "../support/clock.rs"]
mod clock;
mod deployed;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
mod real;
mod script;
mod scripted;
mod server;
mod shared;
#[path = "../support/store.rs"]
mod store;
