//! Adapters: messages of devices that do not sign, turned into readings by configuration.
//!
//! In scope: whose message it is, when and what was read, in the meter's integer unit. Out of scope: whether the
//! registry knows the meter and what is done with its readings; they are *gateway-vouched*, whatever a message claims.
//! Nothing here does I/O or reads a clock. `docs/formats/foreign.md` describes the configuration and every refusal.

pub mod config;
pub mod decimal;
pub mod json;

mod chirpstack;
mod data;
mod error;
mod filter;
mod mapped;
mod mapping;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use telemetry::{Flags, MeterId};
use thiserror::Error;

use chirpstack::Chirpstack;
use config::AdapterConfig;
use json::{Json, MAX_POINTER_BYTES, Pointer};
use mapped::Mapped;

pub use error::AdapterError;
pub use filter::{TopicFilter, TopicFilterError};
pub use service::ForeignReading;

/// The longest foreign message that is read.
pub const MAX_FOREIGN_BYTES: usize = 32 * 1024;
/// The most adapters of one server.
pub const MAX_ADAPTERS: usize = 64;
/// The longest id by which a message is told from others, in characters.
pub const MAX_MESSAGE_ID_CHARS: usize = 128;

/// A message that is in order and no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ignored {
    /// An event that carries no reading: join, status, ack, txack, log, location, integration.
    Event,
    /// An uplink on a port that carries no readings.
    Port,
    /// An uplink without a payload.
    Empty,
}

impl Ignored {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Event, Self::Port, Self::Empty];

    /// The reason's short name, for labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Port => "port",
            Self::Empty => "empty",
        }
    }
}

/// What became of a message in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Readings of a meter.
    Reading(ForeignReading),
    /// The state of a meter's battery, which holds until it is told anew.
    Battery {
        /// The meter.
        meter: MeterId,
        /// Whether it should be changed.
        low: bool,
    },
    /// Nothing that concerns a reading.
    Ignored(Ignored),
}

/// Why an adapter's configuration cannot work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdapterConfigError {
    /// The topic.
    #[error("topic {0}")]
    Topic(#[from] TopicFilterError),
    /// A topic that does not lead to `ChirpStack`'s events.
    #[error("topic of kind chirpstack must end in /event/up, /event/+ or #")]
    EventTopic,
    /// A pointer.
    #[error(
        "{key} = {text:?} is not a JSON pointer: use at most {MAX_POINTER_BYTES} bytes like /object/volume"
    )]
    Pointer {
        /// The key.
        key: &'static str,
        /// Its text.
        text: String,
    },
    /// A scale, an offset or a threshold.
    #[error(
        "{key} = {text:?} is not an exact decimal: use a text of up to 12 digits like \"0.01\""
    )]
    Factor {
        /// The key.
        key: &'static str,
        /// Its text.
        text: String,
    },
    /// A scale of nothing.
    #[error("value.scale = \"0\" makes every value the same: give what one unit of the number is")]
    ScaleZero,
    /// No place, or two.
    #[error("the value needs exactly one place: value.pointer, or value.data for chirpstack")]
    ValuePlace,
    /// Bytes that no frame has.
    #[error("value.data is not valid: use bytes = 1 to 8 and from = 0 to 255")]
    DataPlace,
    /// Bytes and samples.
    #[error("value.data holds one value: leave samples out")]
    DataWithSamples,
    /// Bytes of a message that has none.
    #[error("value.data is for kind chirpstack alone: use value.pointer")]
    DataOfJson,
    /// A time without a pointer, or the arrival with one.
    #[error("time needs a pointer with every form but \"arrival\", which has none")]
    TimePointer,
    /// Samples that would all have the time of arrival.
    #[error("samples need a time each: form \"arrival\" is for single values")]
    SamplesWithoutTime,
    /// No source of the meter, or two.
    #[error("meter needs exactly one of fixed, pointer, topic_level (counted from 1)")]
    MeterSource,
    /// A meter's code.
    #[error("{key} names meter {code:?}, which is not a code: use 1 to 32 of a-z, 0-9 and '-'")]
    Meter {
        /// The key.
        key: &'static str,
        /// Its text.
        code: String,
    },
    /// Devices beside a fixed meter.
    #[error("devices are of no use with meter.fixed: leave one of them out")]
    DevicesOfFixed,
    /// A device EUI.
    #[error("devices has {0:?}, which is not a device EUI: use 16 hexadecimal digits")]
    DeviceEui(String),
    /// A device EUI in two spellings.
    #[error("devices has {0:?} twice, in upper and lower case")]
    DeviceTwice(String),
    /// No devices.
    #[error("devices is empty: say which device EUI is which meter")]
    NoDevices,
    /// A percentage.
    #[error("battery_low_below_percent is not valid: use 0 to 100")]
    Percent,
}

/// Why a server's adapters cannot work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdaptersError {
    /// One of them.
    #[error("adapter for {topic:?}: {error}")]
    Adapter {
        /// Its topic, as configured.
        topic: String,
        /// What is wrong.
        error: AdapterConfigError,
    },
    /// Two that would both take a message.
    #[error("adapters for {one:?} and {other:?} would take the same messages: narrow a topic")]
    Overlap {
        /// The one's topic.
        one: String,
        /// The other's.
        other: String,
    },
    /// Too many.
    #[error("there are more than {MAX_ADAPTERS} adapters: use wildcards and devices")]
    TooMany,
}

/// One configured adapter.
#[derive(Debug)]
pub struct Adapter {
    filter: TopicFilter,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Chirpstack(Box<Chirpstack>),
    Json(Box<Mapped>),
}

impl Adapter {
    /// The adapter of a configuration.
    pub fn new(config: &AdapterConfig) -> Result<Self, AdapterConfigError> {
        let filter = TopicFilter::new(config.topic())?;
        let kind = match config {
            AdapterConfig::Chirpstack(config) => {
                if !matches!(filter.last_level(), "up" | "+" | "#") {
                    return Err(AdapterConfigError::EventTopic);
                }
                Kind::Chirpstack(Box::new(Chirpstack::new(config)?))
            }
            AdapterConfig::Json(config) => Kind::Json(Box::new(Mapped::new(config)?)),
        };
        Ok(Self { filter, kind })
    }

    /// The topics it listens to.
    pub fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    /// Reads one message; `arrived_ms` is the present instant in Unix milliseconds.
    pub fn take(
        &self,
        topic: &str,
        payload: &[u8],
        arrived_ms: i64,
    ) -> Result<Taken, AdapterError> {
        match &self.kind {
            Kind::Chirpstack(adapter) => adapter.take(topic, payload, arrived_ms),
            Kind::Json(adapter) => adapter.take(topic, payload, arrived_ms),
        }
    }
}

/// All adapters of a server, of which no two take the same message.
#[derive(Debug, Default)]
pub struct Adapters {
    adapters: Vec<Adapter>,
    /// Meters whose network last said that their battery is low; bounded by the devices in the configuration.
    low_batteries: Mutex<BTreeSet<MeterId>>,
}

impl Adapters {
    /// The adapters of a configuration.
    pub fn new(configs: &[AdapterConfig]) -> Result<Self, AdaptersError> {
        if configs.len() > MAX_ADAPTERS {
            return Err(AdaptersError::TooMany);
        }
        let mut adapters: Vec<Adapter> = Vec::with_capacity(configs.len());
        for config in configs {
            let adapter = Adapter::new(config).map_err(|error| AdaptersError::Adapter {
                topic: config.topic().chars().take(crate::MAX_TOPIC_BYTES).collect(),
                error,
            })?;
            if let Some(other) = adapters.iter().find(|one| one.filter.overlaps(&adapter.filter)) {
                return Err(AdaptersError::Overlap {
                    one: other.filter.as_str().to_owned(),
                    other: adapter.filter.as_str().to_owned(),
                });
            }
            adapters.push(adapter);
        }
        Ok(Self { adapters, low_batteries: Mutex::default() })
    }

    /// The topics they listen to.
    pub fn filters(&self) -> impl Iterator<Item = &TopicFilter> {
        self.adapters.iter().map(Adapter::filter)
    }

    /// Whether one of them listens to this topic.
    pub fn listen_to(&self, topic: &str) -> bool {
        self.adapters.iter().any(|adapter| adapter.filter.matches(topic))
    }

    /// Reads a message on this topic; `None` when no adapter listens there.
    ///
    /// What the network says of a battery is kept, and stands as a flag beside the meter's next readings.
    pub fn take(
        &self,
        topic: &str,
        payload: &[u8],
        arrived_ms: i64,
    ) -> Option<Result<Taken, AdapterError>> {
        let adapter = self.adapters.iter().find(|adapter| adapter.filter.matches(topic))?;
        let mut taken = adapter.take(topic, payload, arrived_ms);
        let mut low_batteries = self.low_batteries.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut taken {
            Ok(Taken::Battery { meter, low: true }) => {
                low_batteries.insert(meter.clone());
            }
            Ok(Taken::Battery { meter, low: false }) => {
                low_batteries.remove(meter);
            }
            Ok(Taken::Reading(reading)) if low_batteries.contains(&reading.meter) => {
                reading.flags = reading.flags.union(Flags::LOW_BATTERY);
            }
            _ => {}
        }
        Some(taken)
    }
}

fn check_size(payload: &[u8]) -> Result<(), AdapterError> {
    if payload.len() > MAX_FOREIGN_BYTES { Err(AdapterError::Oversize) } else { Ok(()) }
}

fn meter_of(key: &'static str, code: &str) -> Result<MeterId, AdapterConfigError> {
    MeterId::new(code).map_err(|_| AdapterConfigError::Meter { key, code: code.to_owned() })
}

/// A message's id, if it has one.
fn text_id(message: Json<'_>, pointer: &Pointer) -> Result<Option<String>, AdapterError> {
    let Some(id) = message.find(pointer)? else { return Ok(None) };
    Ok(Some(id.name(pointer)?.into_owned()))
}
