//! The demonstration: a small township's season on real meter data, lived at accelerated time.
//!
//! The demo is only a client of the server it starts. Its meters speak MQTT, its people speak the
//! HTTP interface with keys that the server never sees. Everything they do can be repeated without
//! harm, so a second start goes through the same steps and ends up where the first stopped.

mod calendar;
mod clock;
mod founding;
mod meters;
mod people;
mod season;
mod township;

pub use clock::SeasonClock;
pub use founding::{found, genesis_of};
pub use meters::Meters;
pub use people::{People, Person, people_with_keys};
pub use season::{Season, Told};
pub use township::Township;
