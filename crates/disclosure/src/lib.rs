//! Disclosure: what people sign, and the public log that what they signed is posted to.
//!
//! Each public specification has one module: envelopes ([`dsse`]), signed notes ([`note`]),
//! witnesses' cosignatures ([`cosignature`]), checkpoints ([`checkpoint`]), the Merkle tree
//! ([`merkle`]), its tiles ([`tile`]) and entry bundles ([`bundle`]), proofs from them
//! ([`proof`]), what a log and a witness say to each other ([`witness`]), and whose cosignatures a
//! checkpoint needs ([`witness_policy`]). Nothing here reads a file, a clock or a socket: bytes come
//! in, bytes or a verdict go out. Private keys are arguments.

mod canonical;

pub mod attachment;
pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod directory;
pub mod dsse;
pub mod hand_readings;
pub mod key;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod record;
pub mod statement;
pub mod submission;
pub mod tile;
pub mod witness;
pub mod witness_policy;
