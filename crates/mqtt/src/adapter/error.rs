//! Why a foreign message is refused: one variant for each rule, each with its word for the quarantine.

use service::ForeignReason;
use thiserror::Error;

use super::MAX_FOREIGN_BYTES;
use super::json::MAX_JSON_DEPTH;

/// Why a foreign message is no reading.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdapterError {
    /// Longer than [`MAX_FOREIGN_BYTES`].
    #[error("the message is too long: at most {MAX_FOREIGN_BYTES} bytes are read")]
    Oversize,
    /// Not one JSON text in UTF-8.
    #[error("the message is not JSON: let the gateway publish JSON, or narrow the adapter's topic")]
    NotJson,
    /// Arrays and objects in each other, deeper than [`MAX_JSON_DEPTH`].
    #[error("the message is nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// A key on the way of a pointer stands twice in its object.
    #[error("a key on the way to {0} stands twice: it is not clear which one counts")]
    DuplicateKey(String),
    /// Nothing, or null, where a value must be.
    #[error("there is nothing at {0}: correct the adapter's pointer, or the device's codec")]
    MissingPointer(String),
    /// A value of another type.
    #[error("{pointer} holds {found} where {expected} must be")]
    WrongType {
        /// Where.
        pointer: String,
        /// What stands there.
        found: &'static str,
        /// What must stand there.
        expected: &'static str,
    },
    /// A text that is no decimal number.
    #[error("{pointer} holds {text:?}, which is not a decimal number")]
    NotANumber {
        /// Where.
        pointer: String,
        /// What stands there.
        text: String,
    },
    /// A number too large, or with more digits than can be reckoned with.
    #[error("{pointer} holds {text}, which is out of range in the meter's unit")]
    OutOfRange {
        /// Where.
        pointer: String,
        /// What stands there.
        text: String,
    },
    /// A fraction of the meter's unit is left.
    #[error(
        "{pointer} holds {text}, which is no whole number of the meter's unit: correct the scale, or declare a rounding"
    )]
    Fraction {
        /// Where.
        pointer: String,
        /// What stands there.
        text: String,
    },
    /// No time, and arrival time is not declared.
    #[error("there is no time at {0}: correct the pointer, or declare the time of arrival")]
    TimeMissing(String),
    /// A time in another form than declared.
    #[error("{pointer} holds {text:?}, which is not a time in the declared form {form}")]
    TimeUnreadable {
        /// Where.
        pointer: String,
        /// What stands there.
        text: String,
        /// The declared form.
        form: &'static str,
    },
    /// A time outside the years that are reckoned with.
    #[error("{pointer} holds {text:?}, a time outside the years 2000 to 2199: is the form right?")]
    TimeOutOfRange {
        /// Where.
        pointer: String,
        /// What stands there.
        text: String,
    },
    /// A device that no meter's code is known for.
    #[error("device {0:?} stands for no meter: add it to the adapter's devices")]
    UnknownDevice(String),
    /// Another device in the topic than in the message.
    #[error("the topic is of device {topic:?}, the message of {message:?}")]
    OtherDevicesTopic {
        /// The device in the topic.
        topic: String,
        /// The device in the message.
        message: String,
    },
    /// A topic without the level that the adapter reads.
    #[error("the topic lacks a level that the adapter reads: {0}")]
    TopicShape(&'static str),
    /// An array of samples that is empty.
    #[error("there are no samples at {0}")]
    NoSamples(String),
    /// More samples than one report carries.
    #[error(
        "there are more than {} samples: let the gateway send fewer at once",
        telemetry::MAX_READINGS
    )]
    TooManySamples,
    /// `data` that is not base64.
    #[error("the data is not base64")]
    DataUnreadable,
    /// `data` without the bytes that the value stands in.
    #[error("the data has {found} bytes, the value stands in bytes {from} to {to}")]
    DataTooShort {
        /// How many bytes there are.
        found: usize,
        /// The first byte of the value, counted from 0.
        from: usize,
        /// The last.
        to: usize,
    },
}

impl AdapterError {
    /// The reason as it stands in the quarantine and in metrics.
    pub const fn reason(&self) -> ForeignReason {
        match self {
            Self::Oversize => ForeignReason::Oversize,
            Self::NotJson => ForeignReason::NotJson,
            Self::TooDeep => ForeignReason::TooDeep,
            Self::DuplicateKey(_) => ForeignReason::DuplicateKey,
            Self::MissingPointer(_) => ForeignReason::MissingPointer,
            Self::WrongType { .. } => ForeignReason::WrongType,
            Self::NotANumber { .. } => ForeignReason::NotANumber,
            Self::OutOfRange { .. } => ForeignReason::OutOfRange,
            Self::Fraction { .. } => ForeignReason::Fraction,
            Self::TimeMissing(_) => ForeignReason::TimeMissing,
            Self::TimeUnreadable { .. } => ForeignReason::TimeUnreadable,
            Self::TimeOutOfRange { .. } => ForeignReason::TimeOutOfRange,
            Self::UnknownDevice(_) => ForeignReason::UnknownDevice,
            Self::OtherDevicesTopic { .. } => ForeignReason::OtherDevicesTopic,
            Self::TopicShape(_) => ForeignReason::TopicShape,
            Self::NoSamples(_) => ForeignReason::NoSamples,
            Self::TooManySamples => ForeignReason::TooManySamples,
            Self::DataUnreadable => ForeignReason::DataUnreadable,
            Self::DataTooShort { .. } => ForeignReason::DataTooShort,
        }
    }
}
