//! Evidence as bytes: items one behind the other (a CBOR sequence, RFC 8742).
//!
//! ```text
//! d2 84  bstr  a0  bstr  bstr      a report: tag 18, array of 4: header, empty map, report, signature
//! bstr                             an entry by hand: the bytes of its envelope
//! ```

/// The longest item of a piece of evidence, in bytes.
pub const MAX_ITEM_BYTES: usize = 65_535;

/// One item of a piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'b> {
    /// The exact bytes of a signed report.
    Report(&'b [u8]),
    /// The exact bytes of an envelope with readings by hand.
    Hand(&'b [u8]),
}

impl<'b> Item<'b> {
    /// The bytes that were signed and sent; the evidence's root is over these.
    pub const fn bytes(self) -> &'b [u8] {
        match self {
            Self::Report(bytes) | Self::Hand(bytes) => bytes,
        }
    }
}

/// The items one behind the other; none when one is longer than [`MAX_ITEM_BYTES`].
pub fn join<'b>(items: impl IntoIterator<Item = Item<'b>>) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    for item in items {
        if let Item::Hand(envelope) = item {
            whole.extend(byte_string_head(envelope.len())?);
        }
        whole.extend_from_slice(item.bytes());
    }
    Some(whole)
}

/// Splits a sequence into its items; fails with the position of what is not framed as one. What an item says is
/// checked where it is read.
pub fn split(bytes: &[u8]) -> Result<Vec<Item<'_>>, usize> {
    let mut items = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let (item, after) = first(rest).ok_or(at)?;
        items.push(item);
        rest = after;
    }
    if items.is_empty() { Err(0) } else { Ok(items) }
}

fn first(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let Some(rest) = bytes.strip_prefix(&[0xd2, 0x84]) else {
        let (envelope, after) = byte_string(bytes)?;
        return Some((Item::Hand(envelope), after));
    };
    let (_, rest) = byte_string(rest)?;
    let (_, rest) = byte_string(rest.strip_prefix(&[0xa0])?)?;
    let (_, after) = byte_string(rest)?;
    let report = bytes.get(..bytes.len() - after.len())?;
    Some((Item::Report(report), after))
}

/// A byte string of at most [`MAX_ITEM_BYTES`] in its shortest form (RFC 8949 §3.1, major type 2), and what follows it.
fn byte_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes {
        [head @ 0x40..=0x57, rest @ ..] => (usize::from(head & 0x1f), rest),
        [0x58, length @ 0x18..=0xff, rest @ ..] => (usize::from(*length), rest),
        [0x59, high @ 1..=0xff, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn byte_string_head(length: usize) -> Option<Vec<u8>> {
    let length = u16::try_from(length).ok()?;
    let [high, low] = length.to_be_bytes();
    Some(match length {
        0..=0x17 => vec![0x40 | low],
        0x18..=0xff => vec![0x58, low],
        _ => vec![0x59, high, low],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [u8; 10] = [0xd2, 0x84, 0x41, 0x01, 0xa0, 0x40, 0x58, 0x18, 0, 0];

    fn report() -> Vec<u8> {
        [&ONE[..8], &[7; 0x18]].concat()
    }

    #[test]
    fn splits_a_sequence_where_its_items_end() {
        let (one, hand) = (report(), vec![b'{'; 300]);
        let items = [Item::Report(&one), Item::Hand(&hand), Item::Report(&one), Item::Hand(b"{}")];
        let sequence = join(items).unwrap();
        assert_eq!(split(&sequence), Ok(items.to_vec()));
        let starts = [0, one.len(), one.len() + 303, 2 * one.len() + 303];
        for end in 1..sequence.len() {
            let at = *starts.iter().rev().find(|start| **start < end).unwrap();
            let whole = starts.contains(&end);
            assert_eq!(split(&sequence[..end]).err(), (!whole).then_some(at), "{end}");
        }
    }

    #[test]
    fn rejects_what_is_not_framed_as_an_item() {
        let cut: [&[u8]; 5] =
            [&[], &[0xd2], &[0x84], &[0xd2, 0x84, 0x40, 0xa1], &[0xd2, 0x84, 0x5a]];
        for bytes in cut {
            assert_eq!(split(bytes), Err(0));
        }
    }

    #[test]
    fn rejects_a_second_encoding_of_a_length() {
        for bytes in [&[0x58, 0x01, 7][..], &[0x59, 0x00, 0x01, 7], &[0x5a, 0, 0, 0, 1, 7]] {
            assert_eq!(split(bytes), Err(0));
        }
    }

    #[test]
    fn rejects_an_item_that_is_too_long() {
        let long = vec![0; MAX_ITEM_BYTES + 1];
        assert_eq!(join([Item::Hand(&long)]), None);
        assert!(join([Item::Hand(&long[1..])]).is_some());
    }
}
