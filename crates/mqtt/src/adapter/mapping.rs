//! From a message's fields to readings: what both kinds of adapters have in common.

use chrono::{DateTime, NaiveDateTime};
use telemetry::{Flags, Reading};

use super::config::{FlagsConfig, TimeConfig, TimeForm, ValueConfig};
use super::data::Data;
use super::decimal::{Decimal, MAX_FACTOR_DIGITS, NumberError, Rounding};
use super::json::{Json, Pointer};
use super::{AdapterConfigError, AdapterError};

const BEIJING_OFFSET_MILLIS: i64 = 8 * 3600 * 1000;
const BEIJING_FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// 2000-01-01 and 2200-01-01 in UTC: a time outside is a broken clock or another form.
const EARLIEST_MILLIS: i64 = 946_684_800_000;
const END_MILLIS: i64 = 7_258_118_400_000;
const MILLIS_PER_SECOND: i64 = 1000;
/// The largest value, in either direction: differences of two stay far within 64 bits.
const MAX_VALUE: u64 = 1_000_000_000_000_000;

/// Where samples stand in a message, and what each holds.
#[derive(Debug, Clone)]
pub struct Mapping {
    samples: Option<Pointer>,
    place: Place,
    linear: Linear,
    time: Time,
    flags: FlagRules,
}

#[derive(Debug, Clone)]
enum Place {
    Pointer(Pointer),
    Data(Data),
}

/// number × scale + offset, then whole.
#[derive(Debug, Clone, Copy)]
struct Linear {
    scale: Decimal,
    offset: Decimal,
    rounding: Rounding,
}

#[derive(Debug, Clone)]
struct Time {
    form: TimeForm,
    /// None with [`TimeForm::Arrival`].
    pointer: Option<Pointer>,
}

#[derive(Debug, Clone)]
struct FlagRules {
    battery: Option<(Pointer, Decimal)>,
    tamper: Option<Pointer>,
}

impl Mapping {
    pub(super) fn new(
        samples: Option<&String>,
        value: &ValueConfig,
        time: &TimeConfig,
        flags: &FlagsConfig,
    ) -> Result<Self, AdapterConfigError> {
        let samples = samples.map(|text| pointer("samples", text)).transpose()?;
        let place = match (&value.pointer, &value.data) {
            (Some(text), None) => Place::Pointer(pointer("value.pointer", text)?),
            (None, Some(data)) if samples.is_none() => Place::Data(Data::new(*data)?),
            (None, Some(_)) => return Err(AdapterConfigError::DataWithSamples),
            _ => return Err(AdapterConfigError::ValuePlace),
        };
        let time = Time::new(time)?;
        if samples.is_some() && time.pointer.is_none() {
            return Err(AdapterConfigError::SamplesWithoutTime);
        }
        Ok(Self {
            samples,
            place,
            linear: Linear::new(value)?,
            time,
            flags: FlagRules::new(flags)?,
        })
    }

    /// Whether the value stands in the bytes of `data`, which only `ChirpStack` events have.
    pub(super) fn reads_data(&self) -> bool {
        matches!(self.place, Place::Data(_))
    }

    /// The readings of a message, by time.
    pub(super) fn readings(
        &self,
        message: Json<'_>,
        arrived_ms: i64,
    ) -> Result<Vec<Reading>, AdapterError> {
        let samples = match &self.samples {
            Some(pointer) => {
                let array = message.need(pointer)?;
                let samples = array.elements(pointer, telemetry::MAX_READINGS)?;
                if samples.is_empty() {
                    return Err(AdapterError::NoSamples(pointer.as_str().to_owned()));
                }
                samples
            }
            None => vec![message],
        };
        let mut readings = samples
            .into_iter()
            .map(|sample| {
                Ok(Reading {
                    at_ms: self.time.read(sample, arrived_ms)?,
                    value: self.value(sample)?,
                })
            })
            .collect::<Result<Vec<_>, AdapterError>>()?;
        readings.sort_by_key(|reading| reading.at_ms);
        Ok(readings)
    }

    pub(super) fn flags(&self, message: Json<'_>) -> Result<Flags, AdapterError> {
        let mut flags = Flags::NONE;
        if let Some((pointer, low_below)) = &self.flags.battery
            && let Some(level) = message.find(pointer)?
        {
            let low = level.number(pointer)?.is_below(*low_below);
            if low.map_err(|error| AdapterError::number(error, pointer, "a level"))? {
                flags = flags.union(Flags::LOW_BATTERY);
            }
        }
        if let Some(pointer) = &self.flags.tamper
            && let Some(tamper) = message.find(pointer)?
            && tamper.truth(pointer)?
        {
            flags = flags.union(Flags::TAMPER);
        }
        Ok(flags)
    }

    fn value(&self, sample: Json<'_>) -> Result<i64, AdapterError> {
        match &self.place {
            Place::Pointer(pointer) => {
                let value = sample.need(pointer)?;
                let number = value.number(pointer)?;
                let integer = self.linear.apply(number);
                integer.map_err(|error| AdapterError::number(error, pointer, value.as_written()))
            }
            Place::Data(data) => {
                let number = data.read(sample)?;
                let integer = self.linear.apply(Decimal::whole(number));
                integer.map_err(|error| {
                    AdapterError::number(error, data.pointer(), &number.to_string())
                })
            }
        }
    }
}

impl Linear {
    fn new(value: &ValueConfig) -> Result<Self, AdapterConfigError> {
        let scale = factor("value.scale", value.scale.as_deref(), Decimal::ONE)?;
        if scale == Decimal::ZERO {
            return Err(AdapterConfigError::ScaleZero);
        }
        let offset = factor("value.offset", value.offset.as_deref(), Decimal::ZERO)?;
        Ok(Self { scale, offset, rounding: value.rounding })
    }

    fn apply(self, number: Decimal) -> Result<i64, NumberError> {
        let value = number.times(self.scale)?.plus(self.offset)?.to_integer(self.rounding)?;
        if value.unsigned_abs() > MAX_VALUE { Err(NumberError::Range) } else { Ok(value) }
    }
}

impl Time {
    fn new(config: &TimeConfig) -> Result<Self, AdapterConfigError> {
        let form = config.form;
        let pointer = config.pointer.as_deref().map(|text| pointer("time.pointer", text));
        let pointer = pointer.transpose()?;
        if pointer.is_none() != (form == TimeForm::Arrival) {
            return Err(AdapterConfigError::TimePointer);
        }
        Ok(Self { form, pointer })
    }

    /// Unix milliseconds, cut to the whole second: a report's readings are whole seconds apart.
    fn read(&self, sample: Json<'_>, arrived_ms: i64) -> Result<i64, AdapterError> {
        let Some(pointer) = &self.pointer else { return Ok(whole_seconds(arrived_ms)) };
        let value = sample.find(pointer)?;
        let value = value.ok_or_else(|| AdapterError::TimeMissing(pointer.as_str().to_owned()))?;
        let shown = || value.as_written().chars().take(40).collect();
        let unreadable = || AdapterError::TimeUnreadable {
            pointer: pointer.as_str().to_owned(),
            text: shown(),
            form: self.form.name(),
        };
        let millis = match self.form {
            TimeForm::UnixSeconds | TimeForm::UnixMilliseconds => {
                let number = value.number(pointer).map_err(|_| unreadable())?;
                let per_unit = if self.form == TimeForm::UnixSeconds { 1000 } else { 1 };
                let millis = number.times(Decimal::whole(per_unit));
                millis.and_then(|millis| millis.to_integer(Rounding::Down))
            }
            _ => {
                let text = value.text(pointer).map_err(|_| unreadable())?;
                wall(self.form, &text).ok_or(NumberError::Format)
            }
        };
        match millis {
            Ok(millis) if (EARLIEST_MILLIS..END_MILLIS).contains(&millis) => {
                Ok(whole_seconds(millis))
            }
            Ok(_) | Err(NumberError::Range) => Err(AdapterError::TimeOutOfRange {
                pointer: pointer.as_str().to_owned(),
                text: shown(),
            }),
            Err(_) => Err(unreadable()),
        }
    }
}

impl FlagRules {
    fn new(config: &FlagsConfig) -> Result<Self, AdapterConfigError> {
        let battery = match &config.battery {
            Some(battery) => Some((
                pointer("flags.battery.pointer", &battery.pointer)?,
                factor("flags.battery.low_below", Some(&battery.low_below), Decimal::ZERO)?,
            )),
            None => None,
        };
        let tamper = config.tamper.as_deref().map(|text| pointer("flags.tamper", text));
        Ok(Self { battery, tamper: tamper.transpose()? })
    }
}

fn wall(form: TimeForm, text: &str) -> Option<i64> {
    if form == TimeForm::Beijing {
        let wall = NaiveDateTime::parse_from_str(text, BEIJING_FORMAT).ok()?;
        return wall.and_utc().timestamp_millis().checked_sub(BEIJING_OFFSET_MILLIS);
    }
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
}

fn whole_seconds(millis: i64) -> i64 {
    millis - millis.rem_euclid(MILLIS_PER_SECOND)
}

/// Reads a pointer of the configuration.
pub(super) fn pointer(key: &'static str, text: &str) -> Result<Pointer, AdapterConfigError> {
    Pointer::parse(text).ok_or_else(|| AdapterConfigError::Pointer { key, text: text.to_owned() })
}

fn factor(
    key: &'static str,
    text: Option<&str>,
    otherwise: Decimal,
) -> Result<Decimal, AdapterConfigError> {
    let Some(text) = text else { return Ok(otherwise) };
    Decimal::parse(text, MAX_FACTOR_DIGITS)
        .map_err(|_| AdapterConfigError::Factor { key, text: text.to_owned() })
}
