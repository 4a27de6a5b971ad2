//! The server's receipts.

use telemetry::MeterId;

/// `mingqu/v1/{district}/{meter}/stored` with a decimal number: the meter and up to which report all are stored.
pub(super) fn parse_receipt(district: &str, topic: &str, payload: &[u8]) -> Option<(MeterId, u64)> {
    let meter = topic
        .strip_prefix("mingqu/v1/")?
        .strip_prefix(district)?
        .strip_prefix('/')?
        .strip_suffix("/stored")?;
    if !payload.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let stored = std::str::from_utf8(payload).ok()?.parse().ok()?;
    Some((MeterId::new(meter).ok()?, stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_receipts_and_nothing_else() {
        let meter = MeterId::new("well-07").unwrap();
        let read = |topic, payload: &str| parse_receipt("d1", topic, payload.as_bytes());
        assert_eq!(read("mingqu/v1/d1/well-07/stored", "57"), Some((meter, 57)));
        for (topic, payload) in [
            ("mingqu/v1/d1/well-07/stored", ""),
            ("mingqu/v1/d1/well-07/stored", "+5"),
            ("mingqu/v1/d1/well-07/stored", "5 "),
            ("mingqu/v1/d1/well-07/stored", "18446744073709551616"),
            ("mingqu/v1/d2/well-07/stored", "5"),
            ("mingqu/v1/d1/Well/stored", "5"),
            ("mingqu/v1/d1/a/b/stored", "5"),
            ("mingqu/v1/d1/well-07/report", "5"),
        ] {
            assert_eq!(read(topic, payload), None, "{topic} {payload}");
        }
    }
}
