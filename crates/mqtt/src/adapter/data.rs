//! A number in the bytes of a `ChirpStack` event's `data`, for devices that no codec is written for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::config::{ByteOrder, DataConfig, Digits};
use super::json::{Json, Pointer};
use super::{AdapterConfigError, AdapterError};

/// A number of at most 64 bits.
const MAX_VALUE_BYTES: usize = 8;
/// The longest payload of a `LoRaWAN` frame is 242 bytes.
const MAX_DATA_BYTES: usize = 256;

/// Where an unsigned number stands in `data`.
#[derive(Debug, Clone)]
pub(super) struct Data {
    config: DataConfig,
    pointer: Pointer,
}

impl Data {
    pub(super) fn new(config: DataConfig) -> Result<Self, AdapterConfigError> {
        if !(1..=MAX_VALUE_BYTES).contains(&config.bytes) || config.from >= MAX_DATA_BYTES {
            return Err(AdapterConfigError::DataPlace);
        }
        Ok(Self { config, pointer: super::mapping::pointer("value.data", "/data")? })
    }

    /// Where the bytes stand in a message.
    pub(super) fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    pub(super) fn read(&self, event: Json<'_>) -> Result<u64, AdapterError> {
        let DataConfig { from, bytes, order, digits } = self.config;
        let text = event.need(&self.pointer)?.text(&self.pointer)?;
        let data = STANDARD.decode(text.as_bytes()).map_err(|_| AdapterError::DataUnreadable)?;
        let short = AdapterError::DataTooShort { found: data.len(), from, to: from + bytes - 1 };
        let number = data.get(from..from + bytes).ok_or(short)?;
        let mut number = number.to_vec();
        if order == ByteOrder::LittleEndian {
            number.reverse();
        }
        match digits {
            Digits::Binary => Ok(number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
            Digits::Bcd => hex::encode(&number).parse().map_err(|_| AdapterError::NotANumber {
                pointer: self.pointer.as_str().to_owned(),
                text: hex::encode(&number),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: DataConfig, base64: &str) -> Result<u64, AdapterError> {
        let event = format!("{{\"data\":\"{base64}\"}}");
        Data::new(config).unwrap().read(Json::parse(event.as_bytes()).unwrap())
    }

    fn place(from: usize, bytes: usize) -> DataConfig {
        DataConfig { from, bytes, order: ByteOrder::BigEndian, digits: Digits::Binary }
    }

    #[test]
    fn reads_both_orders_and_both_kinds_of_digits() {
        // 01 00 00 12 34 56
        let base64 = "AQAAEjRW";
        assert_eq!(read(place(1, 5), base64), Ok(0x0012_3456));
        let little = DataConfig { order: ByteOrder::LittleEndian, ..place(3, 3) };
        assert_eq!(read(little, base64), Ok(0x0056_3412));
        let bcd = DataConfig { digits: Digits::Bcd, ..place(1, 5) };
        assert_eq!(read(bcd, base64), Ok(123_456));
        assert_eq!(read(place(0, 8), "//////////8="), Ok(u64::MAX));
    }

    #[test]
    fn rejects_data_that_ends_before_the_value() {
        let short = AdapterError::DataTooShort { found: 6, from: 3, to: 6 };
        assert_eq!(read(place(3, 4), "AQAAEjRW"), Err(short));
        assert!(matches!(read(place(255, 8), ""), Err(AdapterError::DataTooShort { .. })));
    }

    #[test]
    fn rejects_data_that_is_not_base64() {
        assert_eq!(read(place(0, 1), "qg="), Err(AdapterError::DataUnreadable));
    }

    #[test]
    fn rejects_digits_that_are_none() {
        let bcd = DataConfig { digits: Digits::Bcd, ..place(0, 1) };
        assert!(matches!(read(bcd, "qg=="), Err(AdapterError::NotANumber { .. })));
    }

    #[test]
    fn rejects_a_place_that_no_frame_has() {
        for config in [place(0, 0), place(0, 9), place(256, 1)] {
            assert_eq!(Data::new(config).err(), Some(AdapterConfigError::DataPlace));
        }
    }
}
