//! Events of a `ChirpStack` v4 server: `application/{id}/device/{devEui}/event/{event}`, JSON by the protobuf mapping, in
//! which a field that is zero, empty or false is left out.

use std::collections::BTreeMap;

use telemetry::MeterId;

use super::config::{ChirpstackConfig, TimeConfig, TimeForm};
use super::decimal::{Decimal, Rounding};
use super::json::{Json, Pointer};
use super::mapping::Mapping;
use super::{
    AdapterConfigError, AdapterError, ForeignReading, Ignored, Taken, check_size, meter_of, text_id,
};

/// A device EUI is eight bytes.
const EUI_HEX_CHARS: usize = 16;
const TOPIC_SHAPE: &str = "…/device/{devEui}/event/{event}";

#[derive(Debug)]
pub(super) struct Chirpstack {
    devices: BTreeMap<String, MeterId>,
    ports: Option<Vec<u8>>,
    mapping: Mapping,
    battery_low_below: Option<Decimal>,
    fields: Fields,
}

/// Where the event's own fields stand.
#[derive(Debug)]
struct Fields {
    dev_eui: Pointer,
    id: Pointer,
    port: Pointer,
    data: Pointer,
    battery_level: Pointer,
    battery_unavailable: Pointer,
    external_power: Pointer,
}

impl Fields {
    fn new() -> Result<Self, AdapterConfigError> {
        let field = |text| super::mapping::pointer("event", text);
        Ok(Self {
            dev_eui: field("/deviceInfo/devEui")?,
            id: field("/deduplicationId")?,
            port: field("/fPort")?,
            data: field("/data")?,
            battery_level: field("/batteryLevel")?,
            battery_unavailable: field("/batteryLevelUnavailable")?,
            external_power: field("/externalPowerSource")?,
        })
    }
}

impl Chirpstack {
    pub(super) fn new(config: &ChirpstackConfig) -> Result<Self, AdapterConfigError> {
        let own_time = TimeConfig { form: TimeForm::Rfc3339, pointer: Some("/time".to_owned()) };
        let time = config.time.as_ref().unwrap_or(&own_time);
        let mut devices = BTreeMap::new();
        for (device, meter) in &config.devices {
            let eui = device.to_ascii_lowercase();
            if eui.len() != EUI_HEX_CHARS || !eui.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(AdapterConfigError::DeviceEui(device.clone()));
            }
            if devices.insert(eui, meter_of("devices", meter)?).is_some() {
                return Err(AdapterConfigError::DeviceTwice(device.clone()));
            }
        }
        if devices.is_empty() {
            return Err(AdapterConfigError::NoDevices);
        }
        if config.battery_low_below_percent.is_some_and(|percent| percent > 100) {
            return Err(AdapterConfigError::Percent);
        }
        Ok(Self {
            devices,
            ports: config.ports.clone(),
            mapping: Mapping::new(config.samples.as_ref(), &config.value, time, &config.flags)?,
            battery_low_below: config
                .battery_low_below_percent
                .map(|percent| Decimal::whole(percent.into())),
            fields: Fields::new()?,
        })
    }

    pub(super) fn take(
        &self,
        topic: &str,
        payload: &[u8],
        arrived_ms: i64,
    ) -> Result<Taken, AdapterError> {
        let mut levels = topic.rsplit('/');
        let (event, between, eui, before) =
            (levels.next(), levels.next(), levels.next(), levels.next());
        let (Some(event), Some("event"), Some(eui), Some("device")) = (event, between, eui, before)
        else {
            return Err(AdapterError::TopicShape(TOPIC_SHAPE));
        };
        match (event, self.battery_low_below) {
            ("up", _) => self.uplink(eui, payload, arrived_ms),
            ("status", Some(low_below)) => self.status(eui, payload, low_below),
            _ => Ok(Taken::Ignored(Ignored::Event)),
        }
    }

    fn uplink(
        &self,
        topic_eui: &str,
        payload: &[u8],
        arrived_ms: i64,
    ) -> Result<Taken, AdapterError> {
        check_size(payload)?;
        let event = Json::parse(payload)?;
        let meter = self.meter(event, topic_eui)?;
        if let Some(ports) = &self.ports {
            let port = match event.find(&self.fields.port)? {
                Some(port) => port.integer(&self.fields.port)?,
                None => 0,
            };
            if !ports.iter().any(|known| i64::from(*known) == port) {
                return Ok(Taken::Ignored(Ignored::Port));
            }
        }
        // Without a payload the frame carried commands of the network alone.
        let data = event.find(&self.fields.data)?;
        let data = data.map(|data| data.text(&self.fields.data)).transpose()?;
        if data.is_none_or(|data| data.is_empty()) {
            return Ok(Taken::Ignored(Ignored::Empty));
        }
        Ok(Taken::Reading(ForeignReading {
            meter,
            readings: self.mapping.readings(event, arrived_ms)?,
            flags: self.mapping.flags(event)?,
            message_id: text_id(event, &self.fields.id)?,
        }))
    }

    fn status(
        &self,
        topic_eui: &str,
        payload: &[u8],
        low_below: Decimal,
    ) -> Result<Taken, AdapterError> {
        check_size(payload)?;
        let event = Json::parse(payload)?;
        let meter = self.meter(event, topic_eui)?;
        let says = |pointer: &Pointer| match event.find(pointer)? {
            Some(value) => value.truth(pointer),
            None => Ok(false),
        };
        let fields = &self.fields;
        let unknown = says(&fields.external_power)? || says(&fields.battery_unavailable)?;
        let level = match event.find(&fields.battery_level)? {
            Some(level) => level.number(&fields.battery_level)?,
            None => Decimal::ZERO,
        };
        let below = level
            .is_below(low_below)
            .map_err(|error| AdapterError::number(error, &fields.battery_level, "a level"))?;
        Ok(Taken::Battery { meter, low: below && !unknown })
    }

    /// The meter of the device that the event names, which must be the topic's.
    fn meter(&self, event: Json<'_>, topic_eui: &str) -> Result<MeterId, AdapterError> {
        let pointer = &self.fields.dev_eui;
        let eui = event.need(pointer)?.text(pointer)?.to_ascii_lowercase();
        let shown = |text: &str| text.chars().take(40).collect();
        if eui != topic_eui.to_ascii_lowercase() {
            return Err(AdapterError::OtherDevicesTopic {
                topic: shown(topic_eui),
                message: shown(&eui),
            });
        }
        let meter = self.devices.get(&eui).cloned();
        meter.ok_or_else(|| AdapterError::UnknownDevice(shown(&eui)))
    }
}

impl Json<'_> {
    fn integer(self, pointer: &Pointer) -> Result<i64, AdapterError> {
        let number = self.number(pointer)?.to_integer(Rounding::Refuse);
        number.map_err(|error| AdapterError::number(error, pointer, self.as_written()))
    }
}
