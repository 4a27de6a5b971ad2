//! Readings by hand before they are entered: what each would come to, and what is stored already.

use domain::registry::Meter;
use domain::scale::{Dial, Scale};
use domain::units::{UnitError, parse_decimal};
use domain::{IdError, MeterCode, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Stream, StreamId};
use thiserror::Error;

use crate::{MAX_CLOCK_AHEAD_MILLIS, Service, ServiceError};

/// The most readings that are looked at in one call.
pub const MAX_DRAFT_READINGS: usize = 1_000;

/// A reading that somebody is about to enter, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftReading {
    /// The meter.
    pub meter: String,
    /// When it was read.
    pub at: Timestamp,
    /// The value as plain decimal text.
    pub value: String,
    /// What the value counts.
    pub unit: ReadingUnit,
}

/// What a written value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingUnit {
    /// Whole units of the meter itself: a register's unit, watt-hours, millimetres.
    Own,
    /// Cubic metres, of a register.
    CubicMetres,
    /// Kilowatt-hours, of an energy meter.
    KilowattHours,
    /// Metres of stage, of a gauge.
    Metres,
}

/// What a reading would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Preview {
    /// It can be entered.
    New {
        /// The value in the meter's own units.
        value: i64,
        /// The reading before it, stored or in the same list, if that is higher: a rollover, a reset, or a slip of
        /// the pen.
        falls_from: Option<StoredReading>,
    },
    /// The same reading is stored.
    Known {
        /// The value in the meter's own units.
        value: i64,
    },
    /// A reading of the same instant with another value is stored, or stands before it in the list.
    Contradicts {
        /// The value in the meter's own units.
        value: i64,
        /// The other one.
        stored: StoredReading,
    },
    /// It cannot be entered.
    Refused {
        /// What is wrong and what to do.
        reason: String,
    },
}

/// A reading that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredReading {
    /// When.
    pub at: Timestamp,
    /// What the meter showed, in its own units.
    pub value: i64,
}

/// Why a reading cannot be entered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DraftError {
    /// Not a meter's code.
    #[error(transparent)]
    Code(#[from] IdError),
    /// A meter that the registry does not know.
    #[error("the registry has no meter {0}: check its code, or post it first")]
    UnknownMeter(MeterCode),
    /// A time that has not come.
    #[error("{0} lies in the future: check the date")]
    Future(Timestamp),
    /// A time before the meter was installed or after it was removed.
    #[error("{at} lies outside the time in which meter {meter} stood at its outlet")]
    NotInstalled {
        /// The meter.
        meter: MeterCode,
        /// When.
        at: Timestamp,
    },
    /// Not a number of the unit.
    #[error(transparent)]
    Value(#[from] UnitError),
    /// A unit that the meter does not count in.
    #[error("meter {meter} does not count {unit}: use another unit's column")]
    Unit {
        /// The meter.
        meter: MeterCode,
        /// The unit in words.
        unit: &'static str,
    },
    /// A fraction of the register's unit.
    #[error("{value} m³ is not a whole number of the meter's unit of {millilitres_per_unit} ml")]
    Fraction {
        /// The value as written.
        value: String,
        /// The register's unit.
        millilitres_per_unit: i64,
    },
    /// More than the register can show.
    #[error("{value} is more than meter {meter} can show: it starts again at {modulus}")]
    BeyondDial {
        /// The meter.
        meter: MeterCode,
        /// The value in the meter's own units.
        value: i64,
        /// Its modulus.
        modulus: i64,
    },
}

impl Service {
    /// Looks at readings that somebody is about to enter, by meter and time; changes nothing.
    pub async fn preview_readings(
        &self,
        drafts: &[DraftReading],
    ) -> Result<Vec<Preview>, ServiceError> {
        if drafts.len() > MAX_DRAFT_READINGS {
            let what = "readings to look at";
            return Err(ServiceError::TooLarge { what, limit: MAX_DRAFT_READINGS });
        }
        // The meter may have been registered through another server.
        self.catch_up().await?;
        let mut previews = Vec::with_capacity(drafts.len());
        let mut before: Option<(MeterCode, StoredReading)> = None;
        for draft in drafts {
            match self.read_draft(draft) {
                Ok((meter, value)) => {
                    let own = StoredReading { at: draft.at, value };
                    let listed = before.filter(|(code, _)| *code == meter.code);
                    let preview =
                        self.compared(&meter, own, listed.as_ref().map(|one| one.1)).await?;
                    before = match preview {
                        Preview::New { .. } | Preview::Known { .. } => Some((meter.code, own)),
                        Preview::Contradicts { .. } | Preview::Refused { .. } => listed,
                    };
                    previews.push(preview);
                }
                Err(error) => previews.push(Preview::Refused { reason: error.to_string() }),
            }
        }
        Ok(previews)
    }

    fn read_draft(&self, draft: &DraftReading) -> Result<(Meter, i64), DraftError> {
        let code = MeterCode::new(draft.meter.as_str())?;
        let meter = self.record().meters().get(&code).map(|registered| registered.meter.clone());
        let meter = meter.ok_or(DraftError::UnknownMeter(code))?;
        let value = own_units(&meter, &draft.value, draft.unit)?;
        self.check_possible(&meter, StoredReading { at: draft.at, value })?;
        Ok((meter, value))
    }

    /// Whether a meter can have shown this then.
    fn check_possible(&self, meter: &Meter, reading: StoredReading) -> Result<(), DraftError> {
        let StoredReading { at, value } = reading;
        if at > self.now().plus_millis(MAX_CLOCK_AHEAD_MILLIS) {
            return Err(DraftError::Future(at));
        }
        if !meter.stood_between(at, at) {
            return Err(DraftError::NotInstalled { meter: meter.code.clone(), at });
        }
        check_dial(meter, value)
    }

    /// Refuses a reading that cannot be, or that says otherwise than a stored one of the same instant: signed, it could not
    /// be taken back.
    pub(crate) async fn check_reading(
        &self,
        meter: &Meter,
        reading: StoredReading,
    ) -> Result<(), ServiceError> {
        self.check_possible(meter, reading)?;
        match self.compared(meter, reading, None).await? {
            Preview::Contradicts { value, stored } => Err(ServiceError::ReadingContradicts {
                meter: meter.code.clone(),
                at: reading.at,
                value,
                stored: stored.value,
            }),
            _ => Ok(()),
        }
    }

    /// `listed` is the reading of the same meter before it in the list.
    async fn compared(
        &self,
        meter: &Meter,
        own: StoredReading,
        listed: Option<StoredReading>,
    ) -> Result<Preview, ServiceError> {
        let StoredReading { at, value } = own;
        let around = self.stored_around(&meter.code, at).await?;
        let same_instant = || around.iter().filter(|stored| stored.at == at);
        if same_instant().any(|stored| stored.value == value) {
            return Ok(Preview::Known { value });
        }
        let listed_with_it = listed.filter(|listed| listed.at == at && listed.value != value);
        if let Some(stored) = same_instant().next().copied().or(listed_with_it) {
            return Ok(Preview::Contradicts { value, stored });
        }
        let stored = around.iter().filter(|stored| stored.at < at).copied();
        let before = stored.chain(listed).max_by_key(|before| before.at);
        let highest = value.saturating_add(dial(&meter.scale).jitter_units);
        let falls_from = before.filter(|before| meter.scale.counts() && before.value > highest);
        Ok(Preview::New { value, falls_from })
    }

    /// Stored readings at an instant and next to it.
    async fn stored_around(
        &self,
        meter: &MeterCode,
        at: Timestamp,
    ) -> Result<Vec<StoredReading>, ServiceError> {
        let mut around = Vec::new();
        for stream in Stream::ALL {
            let id = StreamId { meter: meter.clone(), stream };
            let Some((first, last)) = self.store.evidence_span(&id, at, at).await? else {
                continue;
            };
            let stored = self.store.reports(&id, first, last).await?;
            let record = self.record();
            let readings = stored.iter().flat_map(|report| {
                match stream {
                    Stream::Primary => telemetry::decode(&report.bytes)
                        .ok()
                        .and_then(|signed| evidence::readings(signed.report()).ok()),
                    Stream::Manual => evidence::hand_readings(record.directory(), &report.bytes)
                        .ok()
                        .map(|(_, readings)| readings),
                }
                .unwrap_or_default()
            });
            around.extend(readings.map(|one| StoredReading { at: one.at, value: one.value }));
        }
        Ok(around)
    }
}

/// A written value in the meter's own units, exactly.
fn own_units(meter: &Meter, text: &str, unit: ReadingUnit) -> Result<i64, DraftError> {
    const WHAT: &str = "reading";
    let other = |unit| DraftError::Unit { meter: meter.code.clone(), unit };
    Ok(match (unit, &meter.scale) {
        (ReadingUnit::Own, _) => parse_decimal(WHAT, text, 0)?,
        (ReadingUnit::CubicMetres, Scale::Register { millilitres_per_unit, .. }) => {
            let millilitres = parse_decimal(WHAT, text, 6)?;
            if millilitres % millilitres_per_unit != 0 {
                return Err(DraftError::Fraction {
                    value: text.to_owned(),
                    millilitres_per_unit: *millilitres_per_unit,
                });
            }
            millilitres / millilitres_per_unit
        }
        (ReadingUnit::KilowattHours, Scale::Energy { .. })
        | (ReadingUnit::Metres, Scale::Stage { .. }) => parse_decimal(WHAT, text, 3)?,
        (ReadingUnit::CubicMetres, _) => return Err(other("cubic metres")),
        (ReadingUnit::KilowattHours, _) => return Err(other("kilowatt-hours")),
        (ReadingUnit::Metres, _) => return Err(other("metres of stage")),
    })
}

fn check_dial(meter: &Meter, value: i64) -> Result<(), DraftError> {
    match dial(&meter.scale).modulus {
        Some(modulus) if value >= modulus => {
            Err(DraftError::BeyondDial { meter: meter.code.clone(), value, modulus })
        }
        _ => Ok(()),
    }
}

fn dial(scale: &Scale) -> Dial {
    match scale {
        Scale::Register { dial, .. } | Scale::Energy { dial, .. } => *dial,
        Scale::Stage { .. } => Dial::default(),
    }
}

#[cfg(test)]
mod tests {
    use domain::OutletId;
    use domain::scale::Coefficient;

    use super::*;

    fn meter(scale: Scale) -> Meter {
        let (code, outlet) = (MeterCode::new("m1").unwrap(), OutletId::new("w1").unwrap());
        Meter::new(code, outlet, Timestamp::EARLIEST, scale)
    }

    fn own(scale: Scale, text: &str, unit: ReadingUnit) -> Result<i64, String> {
        let meter = meter(scale);
        let read = own_units(&meter, text, unit);
        read.and_then(|value| check_dial(&meter, value).map(|()| value)).map_err(|e| e.to_string())
    }

    fn energy() -> Scale {
        let coefficient = Coefficient {
            from: Timestamp::EARLIEST,
            until: None,
            millilitres_per_watt_hour: 2_500,
            source: "test".into(),
        };
        Scale::Energy { coefficients: vec![coefficient], dial: Dial::default() }
    }

    #[test]
    fn a_written_value_becomes_the_meters_own_units_exactly() {
        use ReadingUnit::{CubicMetres, KilowattHours, Metres, Own};
        assert_eq!(own(Scale::register(100_000), "4720", Own), Ok(4_720));
        assert_eq!(own(Scale::register(100_000), "4720.6", CubicMetres), Ok(47_206));
        assert_eq!(own(Scale::register(1), "0.000001", CubicMetres), Ok(1));
        assert_eq!(own(energy(), "1888.24", KilowattHours), Ok(1_888_240));
        assert_eq!(own(Scale::Stage { tables: Vec::new() }, "0.207", Metres), Ok(207));
    }

    #[test]
    fn rejects_what_is_no_whole_number_of_the_unit() {
        let register = || Scale::register(100_000);
        let refused = own(register(), "4720.65", ReadingUnit::CubicMetres).unwrap_err();
        assert!(refused.contains("100000 ml"), "{refused}");
        assert!(
            own(register(), "4720.6", ReadingUnit::Own).unwrap_err().contains("a whole number")
        );
        assert!(own(register(), "-1", ReadingUnit::Own).is_err());
        assert!(own(register(), "4,720", ReadingUnit::CubicMetres).is_err());
    }

    #[test]
    fn rejects_a_unit_that_the_meter_does_not_count_in() {
        for (scale, unit) in [
            (energy(), ReadingUnit::CubicMetres),
            (Scale::register(1), ReadingUnit::KilowattHours),
            (Scale::register(1), ReadingUnit::Metres),
        ] {
            assert!(own(scale, "1", unit).unwrap_err().contains("does not count"));
        }
    }

    #[test]
    fn rejects_more_than_the_register_can_show() {
        let dial = Dial { modulus: Some(1_000_000), capacity_ml_per_s: Some(1), ..Dial::default() };
        let scale = || Scale::Register { millilitres_per_unit: 1_000, dial };
        assert_eq!(own(scale(), "999999", ReadingUnit::Own), Ok(999_999));
        let refused = own(scale(), "1000000", ReadingUnit::Own).unwrap_err();
        assert!(refused.contains("starts again at 1000000"), "{refused}");
    }
}
