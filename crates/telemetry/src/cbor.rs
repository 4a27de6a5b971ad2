//! The part of CBOR that a report uses, in its deterministic form alone (RFC 8949 §4.2.1).
//!
//! A general decoder takes long forms and indefinite lengths and would have to be checked after the fact; reading
//! heads strictly gives each deviation its own refusal.

use alloc::vec::Vec;

use crate::error::{DecodeError, Part};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Appends items in their shortest form.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        self.head(UNSIGNED, value)
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            // A negative value is written as -1 - value, which for two's complement is its bits inverted.
            Err(_) => self.head(NEGATIVE, (!value).unsigned_abs()),
        }
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(BYTES, length(value.len()));
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.head(TEXT, length(value.len()));
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    pub(crate) fn array(&mut self, items: usize) -> &mut Self {
        self.head(ARRAY, length(items))
    }

    pub(crate) fn map(&mut self, entries: usize) -> &mut Self {
        self.head(MAP, length(entries))
    }

    pub(crate) fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(TAG, tag)
    }

    fn head(&mut self, major: u8, argument: u64) -> &mut Self {
        let major = major << 5;
        let [.., b3, b2, b1, b0] = argument.to_be_bytes();
        match argument {
            0..=0x17 => self.0.push(major | b0),
            0x18..=0xff => self.0.extend([major | 0x18, b0]),
            0x100..=0xffff => self.0.extend([major | 0x19, b1, b0]),
            0x1_0000..=0xffff_ffff => self.0.extend([major | 0x1a, b3, b2, b1, b0]),
            _ => {
                self.0.push(major | 0x1b);
                self.0.extend(argument.to_be_bytes());
            }
        }
        self
    }
}

/// A length as CBOR counts it; no machine's `usize` is wider.
fn length(len: usize) -> u64 {
    len.try_into().unwrap_or(u64::MAX)
}

/// Takes items off the front, each in its shortest form or not at all.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, DecodeError> {
        self.expect(UNSIGNED, "an unsigned integer")
    }

    pub(crate) fn int(&mut self) -> Result<i64, DecodeError> {
        match self.head()? {
            (UNSIGNED, value) => i64::try_from(value).map_err(|_| DecodeError::Overflow),
            (NEGATIVE, value) => {
                i64::try_from(value).map(|value| !value).map_err(|_| DecodeError::Overflow)
            }
            _ => Err(DecodeError::WrongType { expected: "an integer" }),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], DecodeError> {
        let len = self.expect(BYTES, "a byte string")?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, DecodeError> {
        let len = self.expect(TEXT, "a text string")?;
        core::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::NotUtf8)
    }

    pub(crate) fn array(&mut self) -> Result<u64, DecodeError> {
        self.expect(ARRAY, "an array")
    }

    pub(crate) fn map(&mut self) -> Result<u64, DecodeError> {
        self.expect(MAP, "a map")
    }

    /// The next item's tag, or `None` if the next item has none.
    pub(crate) fn tag(&mut self) -> Result<Option<u64>, DecodeError> {
        Ok(match self.head()? {
            (TAG, tag) => Some(tag),
            _ => None,
        })
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { count }),
        }
    }

    fn expect(&mut self, major: u8, expected: &'static str) -> Result<u64, DecodeError> {
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(DecodeError::WrongType { expected }),
        }
    }

    fn take(&mut self, len: u64) -> Result<&'b [u8], DecodeError> {
        let len = usize::try_from(len).map_err(|_| DecodeError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// One head (RFC 8949 §3): major type and argument.
    fn head(&mut self) -> Result<(u8, u64), DecodeError> {
        let (&initial, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        let (major, info) = (initial >> 5, initial & 0x1f);
        let (argument, least) = match info {
            0..=0x17 => return Ok((major, info.into())),
            0x18 => (self.argument::<1>()?, 0x18),
            0x19 => (self.argument::<2>()?, 0x100),
            0x1a => (self.argument::<4>()?, 0x1_0000),
            0x1b => (self.argument::<8>()?, 0x1_0000_0000),
            0x1f if (BYTES..=MAP).contains(&major) => return Err(DecodeError::IndefiniteLength),
            _ => return Err(DecodeError::ReservedByte),
        };
        // Floats share the long heads but are never numbers here: the caller refuses their major type.
        if argument < least && major <= TAG {
            return Err(DecodeError::NotShortest);
        }
        Ok((major, argument))
    }

    fn argument<const N: usize>(&mut self) -> Result<u64, DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }
}

/// Walks a map that must have exactly the keys `known`, in ascending order.
pub(crate) struct Keys {
    part: Part,
    known: &'static [i64],
    entries: u64,
    left: u64,
    last: Option<i64>,
}

impl Keys {
    pub(crate) fn new(
        reader: &mut Reader<'_>,
        part: Part,
        known: &'static [i64],
    ) -> Result<Self, DecodeError> {
        let entries = reader.map()?;
        Ok(Self { part, known, entries, left: entries, last: None })
    }

    /// Takes the key `due`, so that its value is next.
    pub(crate) fn take(&mut self, reader: &mut Reader<'_>, due: i64) -> Result<(), DecodeError> {
        let part = self.part;
        if self.left == 0 {
            return Err(DecodeError::MissingKey { part, key: due });
        }
        let key = reader.int()?;
        if key != due {
            return Err(self.refusal(key, due));
        }
        self.left -= 1;
        self.last = Some(key);
        Ok(())
    }

    /// Checks that no entry is left.
    pub(crate) fn finish(self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        if self.left == 0 {
            return Ok(());
        }
        let key = reader.int()?;
        Err(self.refusal(key, i64::MAX))
    }

    fn refusal(&self, key: i64, due: i64) -> DecodeError {
        let part = self.part;
        let complete = usize::try_from(self.entries).is_ok_and(|len| len >= self.known.len());
        if !self.known.contains(&key) {
            DecodeError::UnknownKey { part, key }
        } else if self.last.is_some_and(|last| key <= last) {
            DecodeError::DuplicateKey { part, key }
        } else if complete {
            DecodeError::UnsortedKeys { part, key }
        } else {
            DecodeError::MissingKey { part, key: due }
        }
    }
}
