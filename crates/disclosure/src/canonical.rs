//! The one text form of bytes and numbers that every format of this crate shares.
//!
//! A value with two spellings could be signed in one and kept in the other. So base64 is the
//! standard alphabet with padding and zero trailing bits (RFC 4648 §4), and a decimal has no sign
//! and no leading zero.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The base64 text of these bytes.
pub(crate) fn base64_text(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text; nothing unless encoding them again gives the same text.
pub(crate) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The number that a decimal text stands for; nothing unless writing it again gives the same text.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if digits && !leading_zero { text.parse().ok() } else { None }
}

/// The bytes of a lower-case hexadecimal text of exactly `N` bytes.
pub(crate) fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_round_trips() {
        assert_eq!(base64_bytes(&base64_text(b"water")).unwrap(), b"water");
    }

    #[test]
    fn rejects_base64_with_another_spelling() {
        for text in ["eA", "eB==", "eA== ", "-_-_", "eA==eA=="] {
            assert_eq!(base64_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn rejects_decimals_with_another_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for text in ["", "00", "01", "+1", "-1", " 1", "1 ", "18446744073709551616", "١"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn rejects_hex_with_another_spelling() {
        assert_eq!(hex_bytes::<2>("0aff"), Some([0x0a, 0xff]));
        for text in ["0AFF", "0af", "0aff0", "0aff00", "0agg"] {
            assert_eq!(hex_bytes::<2>(text), None, "{text}");
        }
    }
}
