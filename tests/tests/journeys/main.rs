//! Journeys over the built programs, each as a story from outside: nothing is mocked.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a journey tells its figures")]

mod archiving;
mod audited_from_afar;
mod browsing;
mod configuration;
mod cosigning;
mod demonstration;
mod first_district;
mod forgery;
mod handed_in;
mod harness;
mod killed_server;
mod on_phones;
mod refused_reports;
mod rosters;
mod rotated_key;
mod shared_load;
mod ticking;
mod township;
mod withheld;
mod witnessing;
