//! A report as a deterministic CBOR map, without its signature.

use alloc::vec::Vec;

use crate::cbor::{Keys, Reader, Writer};
use crate::error::{DecodeError, EncodeError, Part};
use crate::report::MS_PER_SECOND;
use crate::{ChainHash, Flags, Kind, MAX_READINGS, MeterId, Reading, Report};

const METER: i64 = 1;
const SEQ: i64 = 2;
const BOOT: i64 = 3;
const PREVIOUS: i64 = 4;
const KIND: i64 = 5;
const BASE_MS: i64 = 6;
const READINGS: i64 = 7;
const FLAGS: i64 = 8;
const KEYS: [i64; 8] = [METER, SEQ, BOOT, PREVIOUS, KIND, BASE_MS, READINGS, FLAGS];

/// A bound from above for what stands beside the readings, so that a report is built in one allocation.
const FIXED_BYTES: usize = 96;
/// The usual size of a reading: three bytes of seconds, three of difference.
const READING_BYTES: usize = 6;

/// The map's bytes; `readings` are differences, the first to the base time and to zero.
pub(crate) fn encode(report: &Report) -> Result<Vec<u8>, EncodeError> {
    report.check()?;
    let base_ms = report.readings.first().map_or(0, |first| first.at_ms);
    let mut map =
        Writer::with_capacity(FIXED_BYTES + READING_BYTES.saturating_mul(report.readings.len()));
    map.map(8)
        .int(METER)
        .text(report.meter.as_str())
        .int(SEQ)
        .uint(report.seq)
        .int(BOOT)
        .uint(report.boot.into())
        .int(PREVIOUS)
        .bytes(&report.previous.0)
        .int(KIND)
        .uint(report.kind.code().into())
        .int(BASE_MS)
        .int(base_ms)
        .int(READINGS)
        .array(report.readings.len().saturating_mul(2));
    let mut before = Reading { at_ms: base_ms, value: 0 };
    for (index, reading) in report.readings.iter().enumerate() {
        let overflow = EncodeError::Overflow { index };
        let elapsed_ms = reading.at_ms.checked_sub(before.at_ms).ok_or(overflow)?;
        let difference = reading.value.checked_sub(before.value).ok_or(overflow)?;
        map.int(elapsed_ms / MS_PER_SECOND).int(difference);
        before = *reading;
    }
    map.int(FLAGS).uint(report.flags.bits().into());
    Ok(map.into_bytes())
}

/// Reads the map, and nothing after it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Report, DecodeError> {
    let mut whole = Reader::new(bytes);
    let reader = &mut whole;
    let mut keys = Keys::new(reader, Part::Report, &KEYS)?;
    keys.take(reader, METER)?;
    let meter = MeterId::new(reader.text()?)?;
    keys.take(reader, SEQ)?;
    let seq = match reader.uint()? {
        0 => return Err(DecodeError::SequenceZero),
        seq => seq,
    };
    keys.take(reader, BOOT)?;
    let boot = u32::try_from(reader.uint()?).map_err(|_| DecodeError::Overflow)?;
    keys.take(reader, PREVIOUS)?;
    let previous = previous(reader.bytes()?, seq)?;
    keys.take(reader, KIND)?;
    let code = reader.uint()?;
    let kind = Kind::from_code(code).ok_or(DecodeError::UnknownKind { code })?;
    keys.take(reader, BASE_MS)?;
    let base_ms = match reader.int()? {
        ..0 => return Err(DecodeError::NegativeBaseTime),
        base_ms => base_ms,
    };
    keys.take(reader, READINGS)?;
    let readings = readings(reader, base_ms)?;
    keys.take(reader, FLAGS)?;
    let bits = reader.uint()?;
    let flags = u16::try_from(bits)
        .ok()
        .and_then(Flags::from_bits)
        .ok_or(DecodeError::UnknownFlags { bits })?;
    keys.finish(reader)?;
    whole.finish()?;
    Ok(Report { meter, seq, boot, previous, kind, readings, flags })
}

fn previous(bytes: &[u8], seq: u64) -> Result<ChainHash, DecodeError> {
    let hash = bytes
        .try_into()
        .map(ChainHash)
        .map_err(|_| DecodeError::PreviousLength { len_bytes: bytes.len() })?;
    if seq == 1 && hash != ChainHash::FIRST {
        return Err(DecodeError::PreviousOfFirst);
    }
    Ok(hash)
}

fn readings(reader: &mut Reader<'_>, base_ms: i64) -> Result<Vec<Reading>, DecodeError> {
    let len = reader.array()?;
    if len == 0 {
        return Err(DecodeError::NoReadings);
    }
    if len % 2 != 0 {
        return Err(DecodeError::OddReadings { len });
    }
    let readings = len / 2;
    let count = usize::try_from(readings)
        .ok()
        .filter(|&count| count <= MAX_READINGS)
        .ok_or(DecodeError::TooManyReadings { readings })?;
    let mut list = Vec::with_capacity(count);
    let mut before = Reading { at_ms: base_ms, value: 0 };
    for index in 0..count {
        let seconds = reader.int()?;
        let difference = reader.int()?;
        if seconds < 0 {
            return Err(DecodeError::OutOfOrder);
        }
        if index == 0 && seconds != 0 {
            return Err(DecodeError::FirstNotAtBase);
        }
        let reading = next(before, seconds, difference).ok_or(DecodeError::Overflow)?;
        list.push(reading);
        before = reading;
    }
    Ok(list)
}

fn next(before: Reading, seconds: i64, difference: i64) -> Option<Reading> {
    let elapsed_ms = seconds.checked_mul(MS_PER_SECOND)?;
    Some(Reading {
        at_ms: before.at_ms.checked_add(elapsed_ms)?,
        value: before.value.checked_add(difference)?,
    })
}
