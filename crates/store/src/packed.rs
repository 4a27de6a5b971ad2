//! A report as the table holds it: what is not searched by, without what repeats.
//!
//! A meter's reports all begin with the same header, which is a third of their length. The first
//! [`MAX_HEAD_BYTES`] bytes of the first report of a stream are kept once, as its head. A packed report is
//!
//! ```text
//! shared | start | last - first | received - last | rest
//! ```
//!
//! - one byte: how many bytes of the head the report begins with;
//! - one byte: where in the rest the report's start stands, eight bytes of Unix milliseconds, highest
//!   first, which are left out, for a column has them; 255 when they stand nowhere;
//! - from its first reading to its last, and from there to its arrival, in milliseconds, each as a
//!   zigzag number of seven bits a byte, lowest first, the eighth bit on all but the last (as in
//!   Protocol Buffers' `sint64`);
//! - the report's bytes after those it shares, without its start.
//!
//! Reports that are older than their stream's head share nothing with it, and keep all their bytes.

use std::sync::Arc;

use crate::StoreError;

/// Longest head: two meter ids of full length and the header around them.
pub(crate) const MAX_HEAD_BYTES: usize = 128;
/// Two numbers of ten bytes and the two bytes before them: enough of a packed report for [`last_at`].
pub(crate) const MAX_FRONT_BYTES: u8 = 22;
/// The length of a report's start within it: CBOR's form of any time since 1970-02-19.
const START_BYTES: usize = 8;
/// In place of a position: the start stands nowhere.
const NOWHERE: u8 = u8::MAX;
/// Bits of a number in one byte.
const BITS: u32 = 7;
const MORE: u8 = 0x80;

/// The beginning that a stream's reports share.
pub(crate) type Head = Arc<[u8]>;

/// When a report starts, ends and came in, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names that columns and readings have")]
pub(crate) struct Times {
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) received_at: i64,
}

/// The head that a stream gets from its first report.
pub(crate) fn head_of(first_report: &[u8]) -> &[u8] {
    first_report.get(..MAX_HEAD_BYTES).unwrap_or(first_report)
}

/// Packs a report for its stream.
pub(crate) fn pack(head: &[u8], times: Times, report: &[u8]) -> Vec<u8> {
    let shared = head.iter().zip(report).take_while(|(ours, theirs)| ours == theirs).count();
    // A head is never that long; if it were, nothing would be left out.
    let (count, shared) = u8::try_from(shared).map_or((0, 0), |count| (count, shared));
    let rest = report.get(shared..).unwrap_or_default();
    let (at, before, after) = cut(rest, times.first_at);
    let mut packed = Vec::with_capacity(usize::from(MAX_FRONT_BYTES) + rest.len());
    packed.extend([count, at]);
    push_number(&mut packed, times.last_at.wrapping_sub(times.first_at));
    push_number(&mut packed, times.received_at.wrapping_sub(times.last_at));
    packed.extend_from_slice(before);
    packed.extend_from_slice(after);
    packed
}

/// Where a report's start stands in its rest, and what stands before and behind it.
fn cut(rest: &[u8], first_at: i64) -> (u8, &[u8], &[u8]) {
    let start = first_at.to_be_bytes();
    let found = rest.windows(START_BYTES).position(|window| window == start);
    let at = found.and_then(|at| u8::try_from(at).ok()).filter(|at| *at != NOWHERE);
    let halves = at.and_then(|at| {
        let (before, behind) = rest.split_at_checked(at.into())?;
        Some((at, before, behind.get(START_BYTES..)?))
    });
    halves.unwrap_or((NOWHERE, rest, &[]))
}

/// When a packed report that starts at an instant ends and came in, and its exact bytes.
pub(crate) fn unpack(
    head: &[u8],
    first_at: i64,
    packed: &[u8],
) -> Result<(Times, Vec<u8>), StoreError> {
    let parts = Parts::of(packed)?;
    let shared = head.get(..usize::from(parts.shared)).ok_or_else(|| corrupt(packed))?;
    let bytes = if parts.start == NOWHERE {
        [shared, parts.rest].concat()
    } else {
        let halves = parts.rest.split_at_checked(parts.start.into());
        let (before, after) = halves.ok_or_else(|| corrupt(packed))?;
        [shared, before, &first_at.to_be_bytes(), after].concat()
    };
    Ok((parts.times(first_at), bytes))
}

/// When a packed report that starts at an instant ends.
pub(crate) fn last_at(first_at: i64, packed: &[u8]) -> Result<i64, StoreError> {
    Ok(Parts::of(packed)?.times(first_at).last_at)
}

struct Parts<'a> {
    shared: u8,
    start: u8,
    lasts: i64,
    travels: i64,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(packed: &'a [u8]) -> Result<Self, StoreError> {
        let parts = || {
            let (&[shared, start], mut rest) = packed.split_first_chunk()?;
            let lasts = take_number(&mut rest)?;
            let travels = take_number(&mut rest)?;
            Some(Self { shared, start, lasts, travels, rest })
        };
        parts().ok_or_else(|| corrupt(packed))
    }

    fn times(&self, first_at: i64) -> Times {
        let last_at = first_at.wrapping_add(self.lasts);
        Times { first_at, last_at, received_at: last_at.wrapping_add(self.travels) }
    }
}

fn corrupt(packed: &[u8]) -> StoreError {
    StoreError::corrupt("report", "packed", &format!("{} bytes", packed.len()))
}

fn push_number(bytes: &mut Vec<u8>, number: i64) {
    // Zigzag: 0, -1, 1, -2, … as 0, 1, 2, 3, …
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let [low, ..] = left.to_le_bytes();
        left >>= BITS;
        if left == 0 {
            bytes.push(low & !MORE);
            return;
        }
        bytes.push(low | MORE);
    }
}

fn take_number(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & !MORE) << shift;
        if byte & MORE == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(first_at: i64, last_at: i64, received_at: i64) -> Times {
        Times { first_at, last_at, received_at }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            first in prop::collection::vec(0_u8..3, 0..300),
            mut report in prop::collection::vec(0_u8..3, 0..300),
            at in 0_usize..400,
            (first_at, last_at, received_at) in any::<(i64, i64, i64)>(),
        ) {
            let (head, times) = (head_of(&first), times(first_at, last_at, received_at));
            if at < report.len() {
                report.splice(at..at, first_at.to_be_bytes());
            }
            for (head, bytes) in [(head, &first), (head, &report), (&[], &report)] {
                let packed = pack(head, times, bytes);
                prop_assert_eq!(unpack(head, first_at, &packed).unwrap(), (times, bytes.clone()));
                prop_assert_eq!(super::last_at(first_at, &packed).unwrap(), last_at);
            }
        }
    }

    #[test]
    fn has_the_layout_that_is_documented() {
        // 3,300,000 ms to the last reading, 2 ms back to the arrival.
        let packed = pack(b"abcd", times(1000, 3_301_000, 3_300_998), b"abxy");
        assert_eq!(packed, b"\x02\xff\xc0\xea\x92\x03\x03xy");
        assert_eq!(pack(b"abcd", times(5, 5, 5), b"abcd"), b"\x04\xff\x00\x00");
        assert_eq!(pack(b"", times(5, 5, 5), b"abcd"), b"\x00\xff\x00\x00abcd");
        let with_start = b"abx\x1b\0\0\x01\x54\x6a\xe6\xf1\x80y";
        let start = 1_462_082_400_640;
        let packed = pack(b"abcd", times(start, start, start), with_start);
        assert_eq!(packed, b"\x02\x02\x00\x00x\x1by");
    }

    #[test]
    fn rejects_what_was_never_packed() {
        for packed in [
            &b""[..],
            b"\x02",
            b"\x02\xff\x00",
            b"\x02\xff\x80",
            b"\x05\xff\x00\x00xy",
            b"\x02\x03\x00\x00xy",
        ] {
            assert!(unpack(b"abcd", 5, packed).is_err(), "{packed:?}");
        }
        assert!(unpack(b"abcd", 5, &[&[0, 255], &[0xff; 11][..]].concat()).is_err());
    }
}
