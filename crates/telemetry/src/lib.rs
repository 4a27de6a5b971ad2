//! The bytes of a meter's signed report: encode, decode, sign, verify.
//!
//! A report is a `COSE_Sign1` (RFC 9052 §4.2, tag 18, `EdDSA` with Ed25519) over a deterministic CBOR map
//! (RFC 8949 §4.2.1). `docs/formats/report.md` describes it for those who build meters, `docs/formats/report.cddl`
//! is its grammar, and `vectors/` holds examples made by another implementation.
//!
//! In scope: one report's bytes, its refusals, its place in the meter's hash chain. Out of scope: which key belongs
//! to which meter, whether a sequence number was seen before, what a value means in litres. This crate does no I/O,
//! reads no clock and draws no randomness; it needs `alloc` and no `std`.
//!
//! A report has exactly one encoding: what [`decode`] accepts, [`sign`] with the same key makes again byte for byte.
#![no_std]

extern crate alloc;

#[cfg(feature = "batch")]
mod batch;
mod cbor;
mod envelope;
mod error;
mod meter_id;
mod payload;
mod report;

#[cfg(feature = "batch")]
pub use batch::{DeviceKey, MAX_BATCH_SIGNATURES, verify_batch};
pub use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
pub use envelope::{CONTENT_TYPE, SignedReport, decode, sign};
pub use error::{DecodeError, EncodeError, Part, VerifyError};
pub use meter_id::{MAX_METER_ID_CHARS, MeterId, MeterIdError};
pub use report::{ChainHash, Flags, Kind, Reading, Report};

/// The most readings one report carries: a day of five-minute readings.
pub const MAX_READINGS: usize = 288;

/// The longest report that is made or looked at, in bytes of its COSE encoding.
pub const MAX_REPORT_BYTES: usize = 4096;
