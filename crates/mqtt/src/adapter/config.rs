//! An adapter as it stands in `mingqu.toml`, one `[[adapter]]` each. `docs/formats/foreign.md` describes the keys.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::decimal::Rounding;

/// One adapter, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AdapterConfig {
    /// Events of a `ChirpStack` v4 server.
    Chirpstack(ChirpstackConfig),
    /// JSON of any shape, mapped by pointers.
    Json(JsonConfig),
}

/// How events of a `ChirpStack` v4 server become readings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChirpstackConfig {
    /// The topics to listen to.
    #[serde(default = "every_event")]
    pub topic: String,
    /// Device EUI to meter code.
    pub devices: BTreeMap<String, String>,
    /// The `LoRaWAN` ports that carry readings; every port without it.
    pub ports: Option<Vec<u8>>,
    /// Pointer to an array of samples; without it the event is one sample.
    pub samples: Option<String>,
    /// Where the value stands.
    pub value: ValueConfig,
    /// Where the time stands; the event's own time without it.
    pub time: Option<TimeConfig>,
    /// What the device says of itself.
    #[serde(default)]
    pub flags: FlagsConfig,
    /// A `status` event with a battery level below this many percent counts as a low battery until the next one.
    pub battery_low_below_percent: Option<u8>,
}

/// How JSON of any shape becomes readings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonConfig {
    /// The topics to listen to.
    pub topic: String,
    /// Whose message it is.
    pub meter: MeterConfig,
    /// Names of devices to meter codes; without it the name is the meter's code.
    pub devices: Option<BTreeMap<String, String>>,
    /// Pointer to an array of samples; without it the message is one sample.
    pub samples: Option<String>,
    /// Where the value stands in a sample.
    pub value: ValueConfig,
    /// Where the time stands in a sample.
    pub time: TimeConfig,
    /// What the device says of itself.
    #[serde(default)]
    pub flags: FlagsConfig,
    /// Pointer to what tells one message from another, so that a repetition is dropped.
    pub message_id: Option<String>,
}

/// Whose message it is: exactly one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterConfig {
    /// Always this meter.
    pub fixed: Option<String>,
    /// The device's name at this pointer.
    pub pointer: Option<String>,
    /// The device's name at this level of the topic, counted from 1.
    pub topic_level: Option<usize>,
}

/// Where a value stands and how it becomes the meter's integer unit: number × scale + offset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueConfig {
    /// Pointer into a sample.
    pub pointer: Option<String>,
    /// Bytes of a `ChirpStack` event's `data`, for devices without a codec.
    pub data: Option<DataConfig>,
    /// An exact decimal; 1 without it.
    pub scale: Option<String>,
    /// An exact decimal in the meter's unit; 0 without it.
    pub offset: Option<String>,
    /// What becomes of a fraction.
    #[serde(default)]
    pub rounding: Rounding,
}

/// The bytes of `data` that hold an unsigned number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The first byte, counted from 0.
    pub from: usize,
    /// How many: 1 to 8.
    pub bytes: usize,
    /// Which byte comes first.
    #[serde(default)]
    pub order: ByteOrder,
    /// How digits stand in the bytes.
    #[serde(default)]
    pub digits: Digits,
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByteOrder {
    /// The most significant.
    #[default]
    BigEndian,
    /// The least significant.
    LittleEndian,
}

/// How digits stand in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Digits {
    /// A binary number.
    #[default]
    Binary,
    /// Two decimal digits in each byte.
    Bcd,
}

/// Where a time stands, in which form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeConfig {
    /// The form.
    pub form: TimeForm,
    /// Pointer into a sample; not with the form `arrival`.
    pub pointer: Option<String>,
}

/// A form of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeForm {
    /// RFC 3339, with `Z` or an offset.
    Rfc3339,
    /// Seconds since 1970 in UTC.
    UnixSeconds,
    /// Milliseconds since 1970 in UTC.
    UnixMilliseconds,
    /// `2016-05-01 14:00:00`, the wall clock in Beijing.
    Beijing,
    /// When the message came in, for devices without a clock.
    Arrival,
}

/// What a device says of itself; what is missing in a message is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagsConfig {
    /// A battery's voltage or level.
    pub battery: Option<BatteryConfig>,
    /// Pointer to true or false, or 1 or 0: the case was opened or a magnet was near.
    pub tamper: Option<String>,
}

/// When a battery counts as low.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatteryConfig {
    /// Pointer into the message.
    pub pointer: String,
    /// An exact decimal; a lower number is a low battery.
    pub low_below: String,
}

impl AdapterConfig {
    /// The topics to listen to, as configured.
    pub fn topic(&self) -> &str {
        match self {
            Self::Chirpstack(config) => &config.topic,
            Self::Json(config) => &config.topic,
        }
    }
}

impl TimeForm {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::UnixSeconds => "unix-seconds",
            Self::UnixMilliseconds => "unix-milliseconds",
            Self::Beijing => "beijing",
            Self::Arrival => "arrival",
        }
    }
}

fn every_event() -> String {
    "application/+/device/+/event/+".to_owned()
}
