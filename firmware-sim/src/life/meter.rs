//! One meter from its installation to its removal: what it reads, keeps, notices and signs.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::{EncodeError, Flags, MeterId, Reading, VerifyingKey};

use super::{Battery, Clock};
use crate::dice::Dice;
use crate::physics::{Flume, Sensor, Truth};
use crate::scenario::{MINUTE_MS, Series};
use crate::{Device, Outgoing};

const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_SECONDS: i64 = 24 * 3_600;
/// The highest value that a register is installed with.
const MAX_INITIAL_VALUE: i64 = 1_000_000;

/// What the meter did, and what befell it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) readings: u64,
    /// Readings that were never taken, for want of power or memory, or lost before they stood in a report.
    pub(crate) readings_lost: u64,
    pub(crate) reports: u64,
    /// By the names of the scenario file.
    pub(crate) faults: BTreeMap<&'static str, u32>,
}

/// What the registry wants to know of a meter. Values are those of its register; a stage gauge has none.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) installed_ms: i64,
    pub(crate) initial_value: Option<i64>,
    pub(crate) removed_ms: Option<i64>,
    pub(crate) final_value: Option<i64>,
    /// Time, value before, value after.
    pub(crate) resets: Vec<(i64, i64, i64)>,
    /// Each with the first report that it signs.
    pub(crate) keys: Vec<(VerifyingKey, u64)>,
}

/// What each meter of a fleet is given.
#[derive(Debug, Clone)]
pub(crate) struct Making {
    pub(crate) series: Arc<Series>,
    pub(crate) flume: Option<Arc<Flume>>,
    pub(crate) dice: Dice,
    pub(crate) seed: u64,
    /// Reports are counted, not signed.
    pub(crate) rehearsal: bool,
}

#[derive(Debug)]
pub(crate) struct Meter {
    making: Arc<Making>,
    device: Device,
    sensor: Sensor,
    clock: Clock,
    battery: Option<Battery>,
    pending: Vec<Reading>,
    /// How many readings the report under way takes.
    wanted: usize,
    noticed: Flags,
    off_until_ms: i64,
    open_until_ms: i64,
    last_counted: i64,
    last_read_ms: Option<i64>,
    pub(crate) tally: Tally,
    pub(crate) history: History,
}

impl Meter {
    /// Installs a meter. Its register shows `initial_value`, or something drawn.
    pub(crate) fn install(
        making: &Arc<Making>,
        id: MeterId,
        now_ms: i64,
        truth: &Truth,
        initial_value: Option<i64>,
    ) -> Self {
        let (series, dice) = (&making.series, making.dice);
        let most = series
            .meter
            .modulus()
            .map_or(MAX_INITIAL_VALUE, |modulus| MAX_INITIAL_VALUE.min(modulus - 1));
        let initial = initial_value.unwrap_or_else(|| dice.between("initial", &id, 0, 0, most));
        let sensor = Sensor::new(&series.meter, making.flume.as_ref(), &id, dice, truth, initial);
        let most_ppm = i64::from(series.clock.drift_ppm);
        let drift_ppm = dice.between("drift", &id, 0, -most_ppm, most_ppm);
        let device = Device::new(making.seed, id).with_kind(sensor.kind());
        let history = History {
            installed_ms: now_ms,
            initial_value: sensor.register(truth),
            removed_ms: None,
            final_value: None,
            resets: Vec::new(),
            keys: vec![(device.public_key(), 1)],
        };
        let battery = series.battery_days.map(|days| {
            Battery::new(i64::from(days) * DAY_SECONDS / i64::from(series.reading_seconds))
        });
        // Not all of a fleet report at the same minute.
        let full = i64::try_from(series.readings_per_report).unwrap_or(i64::MAX);
        let wanted = dice.between("first-report", device.id(), 0, 1, full);
        Self {
            making: Arc::clone(making),
            sensor,
            clock: Clock::new(
                now_ms,
                drift_ppm,
                now_ms + i64::from(series.clock.set_hours) * HOUR_MS,
            ),
            battery,
            pending: Vec::new(),
            wanted: usize::try_from(wanted).unwrap_or(1),
            noticed: Flags::NONE,
            off_until_ms: i64::MIN,
            open_until_ms: i64::MIN,
            last_counted: 0,
            last_read_ms: None,
            tally: Tally::default(),
            history,
            device,
        }
    }

    pub(crate) const fn id(&self) -> &MeterId {
        self.device.id()
    }

    /// What its values are.
    pub(crate) const fn kind(&self) -> telemetry::Kind {
        self.sensor.kind()
    }

    /// Whether it runs.
    pub(crate) fn powered(&self, now_ms: i64) -> bool {
        self.off_until_ms <= now_ms && !self.battery.as_ref().is_some_and(Battery::empty)
    }

    /// Sets the clock if it is time to, which needs radio. A report under way that the new time would not fit is
    /// closed before.
    pub(crate) fn keep_time(&mut self, now_ms: i64) -> Result<Option<Outgoing>, EncodeError> {
        if self.clock.due(now_ms) && self.powered(now_ms) {
            return self.set_clock(now_ms);
        }
        Ok(None)
    }

    fn set_clock(&mut self, now_ms: i64) -> Result<Option<Outgoing>, EncodeError> {
        let hours = i64::from(self.making.series.clock.set_hours);
        self.clock.set(now_ms, now_ms + hours * HOUR_MS);
        self.close_before(self.clock.shows_ms(now_ms))
    }

    /// Closes the report under way if its last reading is later than the time that the clock shows.
    fn close_before(&mut self, shown_ms: i64) -> Result<Option<Outgoing>, EncodeError> {
        if self.pending.last().is_some_and(|last| last.at_ms > shown_ms) {
            return self.close_report();
        }
        Ok(None)
    }

    /// Takes a reading, unless there is no power or, in a full report that the memory has no room for, no place.
    pub(crate) fn read(
        &mut self,
        now_ms: i64,
        truth: &Truth,
        room: bool,
    ) -> Result<Option<Outgoing>, EncodeError> {
        if !self.powered(now_ms) || (!room && self.pending.len() >= self.wanted) {
            self.tally.readings_lost += 1;
            return Ok(None);
        }
        let at_ms = self.clock.shows_ms(now_ms);
        if self.last_read_ms == Some(at_ms) {
            // Whoever installed or removes it had it read just now.
            return Ok(None);
        }
        self.last_read_ms = Some(at_ms);
        let before = self.close_before(at_ms)?;
        let value =
            self.sensor.read(truth, self.device.id(), self.making.dice, self.tally.readings);
        self.tally.readings += 1;
        self.pending.push(Reading { at_ms, value });
        self.notice(now_ms, truth);
        if let Some(battery) = &mut self.battery {
            battery.use_up();
        }
        Ok(before)
    }

    fn notice(&mut self, now_ms: i64, truth: &Truth) {
        let counted = self.sensor.counted(truth);
        let ran_back = counted < self.last_counted;
        self.last_counted = counted;
        let low = self.battery.as_ref().is_some_and(Battery::low);
        for (holds, flag) in [
            (ran_back, Flags::REVERSE_FLOW),
            (!self.clock.is_set(), Flags::CLOCK_NOT_SYNCHRONISED),
            (now_ms < self.open_until_ms, Flags::TAMPER),
            (low, Flags::LOW_BATTERY),
        ] {
            if holds {
                self.noticed = self.noticed.union(flag);
            }
        }
    }

    /// Closes the report under way if it is full.
    pub(crate) fn close_full_report(&mut self) -> Result<Option<Outgoing>, EncodeError> {
        if self.pending.len() < self.wanted { Ok(None) } else { self.close_report() }
    }

    /// Closes the report under way, if anything stands in it.
    pub(crate) fn close_report(&mut self) -> Result<Option<Outgoing>, EncodeError> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let flags = std::mem::take(&mut self.noticed);
        let readings = std::mem::take(&mut self.pending);
        self.wanted = self.making.series.readings_per_report;
        self.tally.reports += 1;
        if self.making.rehearsal {
            return Ok(Some(self.device.rehearse()));
        }
        self.device.report(readings, flags).map(Some)
    }

    /// Power goes and comes back after so long. What stands in no report is lost.
    pub(crate) fn reboot(&mut self, now_ms: i64, down_ms: i64) {
        self.tally.readings_lost += u64::try_from(self.pending.len()).unwrap_or(0);
        self.pending.clear();
        self.noticed = Flags::NONE;
        self.off_until_ms = now_ms + down_ms;
        let after = i64::from(self.making.series.clock.set_after_reboot_minutes) * MINUTE_MS;
        self.clock.restart(self.off_until_ms, down_ms, self.off_until_ms + after);
        self.device.reboot();
    }

    /// The case stands open until then.
    pub(crate) fn tamper(&mut self, until_ms: i64) {
        self.open_until_ms = self.open_until_ms.max(until_ms);
        self.noticed = self.noticed.union(Flags::TAMPER);
    }

    /// Runs so much fast from now on.
    pub(crate) const fn drift(&mut self, now_ms: i64, ppm: i64) {
        self.clock.drift(now_ms, ppm);
    }

    /// Leaves so much in the battery; an empty one that is changed starts the meter again.
    pub(crate) fn battery(&mut self, now_ms: i64, left_permille: i64) {
        let Some(battery) = &mut self.battery else { return };
        let dead = battery.empty();
        battery.set(left_permille);
        if dead && left_permille > 0 {
            self.reboot(now_ms, 0);
        }
    }

    /// Sets the register. Whether the registry is told is another matter.
    pub(crate) fn reset(&mut self, now_ms: i64, truth: &Truth, after: i64, declared: bool) {
        let before = self.sensor.register(truth);
        self.sensor.set(truth, after);
        self.last_counted = 0;
        if let Some(before) = before.filter(|_| declared) {
            self.history.resets.push((now_ms, before, after));
        }
    }

    /// Signs with a new key from the next report on.
    pub(crate) fn rotate_key(&mut self) {
        let generation = self.history.keys.len() + 1;
        self.device.rotate_key(self.making.seed, generation);
        self.history.keys.push((self.device.public_key(), self.device.seq() + 1));
    }

    /// The last reading, with the clock set by whoever removes it, and the last report. Without power there is no
    /// reading, but the register is read off.
    pub(crate) fn remove(
        &mut self,
        now_ms: i64,
        truth: &Truth,
        declared: bool,
    ) -> Result<Vec<Outgoing>, EncodeError> {
        let mut last = Vec::new();
        if self.powered(now_ms) {
            last.extend(self.set_clock(now_ms)?);
            last.extend(self.read(now_ms, truth, true)?);
        }
        last.extend(self.close_report()?);
        if declared {
            self.history.removed_ms = Some(now_ms);
            self.history.final_value = self.sensor.register(truth);
        }
        Ok(last)
    }

    /// Makes the register such that it wraps when the truth will be this one.
    pub(crate) fn wrap_at(&mut self, now: &Truth, then: &Truth) {
        if let Some(initial) = self.sensor.initial_to_wrap(then) {
            self.sensor.set(now, initial);
            self.history.initial_value = Some(initial);
        }
    }
}
