//! Why a report cannot be made, read or believed: one variant per rule.

use core::fmt;

use thiserror::Error;

use crate::{MAX_READINGS, MAX_REPORT_BYTES, MeterIdError};

/// Why a report cannot be encoded. An `index` counts readings from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The sequence number is 0.
    #[error("the sequence number is 0: a meter's first report is number 1")]
    SequenceZero,
    /// The first report links to a report before it.
    #[error("report 1 carries a previous hash: there is none before it, use zeros")]
    PreviousOfFirst,
    /// There are no readings.
    #[error("the report has no readings: send it once there is one")]
    NoReadings,
    /// There are more than [`MAX_READINGS`] readings.
    #[error("the report has {readings} readings: put at most {MAX_READINGS} in one")]
    TooManyReadings {
        /// How many there are.
        readings: usize,
    },
    /// The first reading is before 1970.
    #[error("the first reading is before 1970: set the meter's clock")]
    NegativeTime,
    /// A reading is earlier than the one before it.
    #[error("reading {index} is earlier than the one before it: sort readings by time")]
    OutOfOrder {
        /// The later of the two in the list.
        index: usize,
    },
    /// A reading is not a whole number of seconds after the one before it.
    #[error(
        "reading {index} is not whole seconds after the one before it: take readings on a fixed second"
    )]
    NotWholeSeconds {
        /// The later of the two in the list.
        index: usize,
    },
    /// A difference does not fit 64 bits.
    #[error(
        "reading {index} differs from the one before it by more than 64 bits hold: start a new report"
    )]
    Overflow {
        /// The later of the two in the list.
        index: usize,
    },
    /// The encoding is longer than [`MAX_REPORT_BYTES`].
    #[error(
        "the report has {len_bytes} bytes, {MAX_REPORT_BYTES} at most are taken: put fewer readings in one"
    )]
    TooLong {
        /// The length of the whole COSE encoding.
        len_bytes: usize,
    },
}

/// The CBOR map in which a key is missing or should not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The protected header.
    Header,
    /// The report itself.
    Report,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "protected header",
            Self::Report => "report",
        })
    }
}

/// Why bytes are not a report. Nothing is said about the signature: that is [`VerifyError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// More than [`MAX_REPORT_BYTES`].
    #[error(
        "the message has {len_bytes} bytes, a report at most {MAX_REPORT_BYTES}: send several reports"
    )]
    TooLong {
        /// The message's length.
        len_bytes: usize,
    },
    /// The bytes end inside an item.
    #[error("the bytes end too early: send the whole report")]
    Truncated,
    /// Bytes follow where the message, its header or its payload should end.
    #[error("{count} bytes follow the end: send nothing after the report")]
    TrailingBytes {
        /// How many bytes are left over.
        count: usize,
    },
    /// The message does not start with tag 18.
    #[error("the message is not tagged as COSE_Sign1: start it with tag 18")]
    NotTag18,
    /// The `COSE_Sign1` array does not have four items.
    #[error("the COSE_Sign1 array has {len} items: it needs 4")]
    WrongArrayLength {
        /// The length that the array claims.
        len: u64,
    },
    /// An item of another CBOR type stands where this one is due.
    #[error("a value has the wrong type: {expected} is due there")]
    WrongType {
        /// The type that is due.
        expected: &'static str,
    },
    /// An initial byte that RFC 8949 §3 reserves.
    #[error("a byte is no start of a CBOR item: encode by RFC 8949")]
    ReservedByte,
    /// A number or length is written longer than needed (RFC 8949 §4.2.1).
    #[error("a number or length is not in its shortest form: encode deterministically")]
    NotShortest,
    /// A string, list or map of indefinite length (RFC 8949 §4.2.1).
    #[error("a string, list or map has no stated length: encode deterministically")]
    IndefiniteLength,
    /// A text is not UTF-8.
    #[error("a text is not utf-8")]
    NotUtf8,
    /// The unprotected header has an entry.
    #[error("the unprotected header is not empty: put everything under the signature")]
    UnprotectedHeader,
    /// A key that the map does not have.
    #[error("the {part} has the unknown key {key}: remove it")]
    UnknownKey {
        /// The map.
        part: Part,
        /// The key.
        key: i64,
    },
    /// A key that the map must have.
    #[error("the {part} lacks key {key}: every key is required")]
    MissingKey {
        /// The map.
        part: Part,
        /// The key.
        key: i64,
    },
    /// A key that stands twice.
    #[error("the {part} has key {key} twice: remove one")]
    DuplicateKey {
        /// The map.
        part: Part,
        /// The key.
        key: i64,
    },
    /// The keys are not in ascending order (RFC 8949 §4.2.1).
    #[error("the {part} has key {key} before a smaller one: sort the keys")]
    UnsortedKeys {
        /// The map.
        part: Part,
        /// The key that comes too early.
        key: i64,
    },
    /// The algorithm is not `EdDSA` (-8).
    #[error("the algorithm is {alg}: sign with EdDSA (-8)")]
    WrongAlgorithm {
        /// The algorithm's number.
        alg: i64,
    },
    /// The content type is not [`crate::CONTENT_TYPE`].
    #[error("the content type is not that of a report, version 1")]
    WrongContentType,
    /// The key id in the header is not the meter id in the report.
    #[error("the key id is not the meter's id: a meter signs for itself alone")]
    KeyIdMismatch,
    /// The signature is not 64 bytes.
    #[error("the signature has {len_bytes} bytes: Ed25519 makes 64")]
    SignatureLength {
        /// Its length.
        len_bytes: usize,
    },
    /// The meter id is not one.
    #[error(transparent)]
    MeterId(#[from] MeterIdError),
    /// The sequence number is 0.
    #[error("the sequence number is 0: a meter's first report is number 1")]
    SequenceZero,
    /// The previous hash is not 16 bytes.
    #[error("the previous hash has {len_bytes} bytes: it needs 16")]
    PreviousLength {
        /// Its length.
        len_bytes: usize,
    },
    /// The first report links to a report before it.
    #[error("report 1 carries a previous hash: there is none before it, use zeros")]
    PreviousOfFirst,
    /// A kind of value that is not known.
    #[error("the kind {code} is unknown: use 0 (register), 1 (stage) or 2 (energy)")]
    UnknownKind {
        /// The kind's number.
        code: u64,
    },
    /// A flag that is not known.
    #[error("the flags {bits} have an unknown bit: use the bits of 31 only")]
    UnknownFlags {
        /// The bits.
        bits: u64,
    },
    /// The base time is before 1970.
    #[error("the base time is before 1970: set the meter's clock")]
    NegativeBaseTime,
    /// The list of readings is empty.
    #[error("the report has no readings: send it once there is one")]
    NoReadings,
    /// The list of readings has half a reading.
    #[error("the list of readings has the odd length {len}: give seconds and value for each")]
    OddReadings {
        /// The list's length in numbers.
        len: u64,
    },
    /// More than [`MAX_READINGS`].
    #[error("the report has {readings} readings: put at most {MAX_READINGS} in one")]
    TooManyReadings {
        /// How many the list claims.
        readings: u64,
    },
    /// The first reading is not at the base time, so that the report would have a second encoding.
    #[error(
        "the first reading is not at the base time: make its time the base time and its difference 0"
    )]
    FirstNotAtBase,
    /// A reading is earlier than the one before it.
    #[error("a reading is earlier than the one before it: sort readings by time")]
    OutOfOrder,
    /// A number, time or value does not fit its range.
    #[error("a number, time or value does not fit its range: start a new report")]
    Overflow,
}

/// Why a report is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The public key is of small order: it verifies signatures that nobody made.
    #[error("the meter's public key is weak: enrol another")]
    WeakKey,
    /// The signature is not that key's over these bytes.
    #[error("the signature does not belong to these bytes and this key")]
    BadSignature,
}
