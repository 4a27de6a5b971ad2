//! JSON of any shape, mapped by pointers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use telemetry::MeterId;

use super::config::{JsonConfig, MeterConfig};
use super::json::{Json, Pointer};
use super::mapping::{Mapping, pointer};
use super::{
    AdapterConfigError, AdapterError, ForeignReading, Taken, check_size, meter_of, text_id,
};

#[derive(Debug)]
pub(super) struct Mapped {
    device: Device,
    devices: Option<BTreeMap<String, MeterId>>,
    mapping: Mapping,
    message_id: Option<Pointer>,
}

/// Whose message it is.
#[derive(Debug)]
enum Device {
    Fixed(MeterId),
    Pointer(Pointer),
    /// Counted from 0.
    TopicLevel(usize),
}

impl Mapped {
    pub(super) fn new(config: &JsonConfig) -> Result<Self, AdapterConfigError> {
        let mapping =
            Mapping::new(config.samples.as_ref(), &config.value, &config.time, &config.flags)?;
        if mapping.reads_data() {
            return Err(AdapterConfigError::DataOfJson);
        }
        let device = Device::new(&config.meter)?;
        if matches!(device, Device::Fixed(_)) && config.devices.is_some() {
            return Err(AdapterConfigError::DevicesOfFixed);
        }
        let named = |(name, meter): (&String, &String)| {
            Ok::<_, AdapterConfigError>((name.clone(), meter_of("devices", meter)?))
        };
        let devices = config.devices.as_ref().map(|devices| devices.iter().map(named).collect());
        let message_id = config.message_id.as_deref().map(|text| pointer("message_id", text));
        Ok(Self {
            device,
            devices: devices.transpose()?,
            mapping,
            message_id: message_id.transpose()?,
        })
    }

    pub(super) fn take(
        &self,
        topic: &str,
        payload: &[u8],
        arrived_ms: i64,
    ) -> Result<Taken, AdapterError> {
        check_size(payload)?;
        let message = Json::parse(payload)?;
        let message_id = match &self.message_id {
            Some(pointer) => text_id(message, pointer)?,
            None => None,
        };
        Ok(Taken::Reading(ForeignReading {
            meter: self.meter(topic, message)?,
            readings: self.mapping.readings(message, arrived_ms)?,
            flags: self.mapping.flags(message)?,
            message_id,
        }))
    }

    fn meter(&self, topic: &str, message: Json<'_>) -> Result<MeterId, AdapterError> {
        let name = match &self.device {
            Device::Fixed(meter) => return Ok(meter.clone()),
            Device::Pointer(pointer) => message.need(pointer)?.name(pointer)?,
            Device::TopicLevel(level) => {
                let level = topic.split('/').nth(*level);
                Cow::Borrowed(level.ok_or(AdapterError::TopicShape("meter.topic_level"))?)
            }
        };
        let meter = match &self.devices {
            Some(devices) => devices.get(name.as_ref()).cloned(),
            None => MeterId::new(&name).ok(),
        };
        meter.ok_or_else(|| AdapterError::UnknownDevice(name.chars().take(40).collect()))
    }
}

impl Device {
    fn new(config: &MeterConfig) -> Result<Self, AdapterConfigError> {
        match (&config.fixed, &config.pointer, config.topic_level) {
            (Some(meter), None, None) => Ok(Self::Fixed(meter_of("meter.fixed", meter)?)),
            (None, Some(text), None) => Ok(Self::Pointer(pointer("meter.pointer", text)?)),
            (None, None, Some(level @ 1..)) => Ok(Self::TopicLevel(level - 1)),
            _ => Err(AdapterConfigError::MeterSource),
        }
    }
}
