//! One outlet in the field: its water, its meter, its radio, in order of time.

use std::collections::VecDeque;
use std::sync::Arc;

use telemetry::{EncodeError, MeterId};

use super::agenda::{Agenda, Due, DueWhat, Turn, minutes_ms};
use super::{FieldError, Happening, Occurrence};
use crate::Outgoing;
use crate::life::{Making, Meter};
use crate::physics::{Outflow, Source};
use crate::scenario::{Series, What};

/// The true sums at both ends of a turn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivered {
    start_microlitres: i64,
    end_microlitres: i64,
}

impl Delivered {
    pub(crate) const fn microlitres(&self) -> i64 {
        self.end_microlitres - self.start_microlitres
    }
}

#[derive(Debug)]
pub(crate) struct Outlet {
    making: Arc<Making>,
    pub(crate) code: MeterId,
    pub(crate) number: u32,
    outflow: Outflow,
    pub(crate) meter: Meter,
    /// Meters that were here before, the first one first.
    pub(crate) former: Vec<Meter>,
    turns: Vec<Turn>,
    /// One for each turn.
    delivered: Vec<Delivered>,
    due: Vec<Due>,
    next_due: usize,
    next_reading_ms: i64,
    silent_until_ms: i64,
    /// Reports that wait for the radio.
    held: VecDeque<Outgoing>,
    /// How far it has lived, and what came out until then.
    pub(crate) now_ms: i64,
    pub(crate) microlitres: i64,
}

impl Outlet {
    pub(crate) fn new(
        making: &Arc<Making>,
        code: MeterId,
        number: u32,
        agenda: Agenda,
        start_ms: i64,
    ) -> Self {
        let (dice, series) = (making.dice, &making.series);
        let source = Source::new(&series.source, &code, dice);
        let mut outflow = Outflow::new(source, agenda.openings, start_ms);
        let truth = outflow.at(start_ms);
        let meter = Meter::install(making, code.clone(), start_ms, &truth, None);
        // Whole seconds, so that all of a meter's times are.
        let period_s = i64::from(series.reading_seconds);
        let phase_s = dice.between("phase", &code, 0, 0, period_s - 1);
        let mut outlet = Self {
            making: Arc::clone(making),
            code,
            number,
            outflow,
            meter,
            former: Vec::new(),
            delivered: vec![Delivered::default(); agenda.turns.len()],
            turns: agenda.turns,
            due: agenda.due,
            next_due: 0,
            next_reading_ms: start_ms + phase_s * 1000,
            silent_until_ms: i64::MIN,
            held: VecDeque::new(),
            now_ms: start_ms,
            microlitres: 0,
        };
        outlet.prepare_wrap(start_ms);
        outlet
    }

    /// What it shares with others.
    pub(crate) fn series(&self) -> &Series {
        &self.making.series
    }

    /// Lives on up to and with an instant.
    pub(crate) fn advance(
        &mut self,
        until_ms: i64,
        out: &mut Vec<Happening>,
    ) -> Result<(), FieldError> {
        loop {
            let due = self.due.get(self.next_due).copied();
            match due {
                Some(due) if due.at_ms <= self.next_reading_ms && due.at_ms <= until_ms => {
                    self.next_due += 1;
                    self.meet(due, out)?;
                }
                _ if self.next_reading_ms <= until_ms => {
                    let now_ms = self.next_reading_ms;
                    self.next_reading_ms += i64::from(self.making.series.reading_seconds) * 1000;
                    self.read(now_ms, out)?;
                }
                _ => break,
            }
        }
        self.now_ms = until_ms;
        self.microlitres = self.outflow.at(until_ms).microlitres;
        Ok(())
    }

    /// The turns that are over, with what came out in each.
    pub(crate) fn past_turns(&self) -> impl Iterator<Item = (&Turn, &Delivered)> {
        self.turns.iter().zip(&self.delivered).filter(|(turn, _)| turn.end_ms <= self.now_ms)
    }

    /// The end: what was measured is reported, what was kept is sent.
    pub(crate) fn finish(
        &mut self,
        now_ms: i64,
        out: &mut Vec<Happening>,
    ) -> Result<(), FieldError> {
        let last = self.meter.close_report();
        let last = self.made(last)?;
        self.send(now_ms, last, out);
        if !self.has_radio(now_ms) {
            self.silent_until_ms = now_ms;
            self.radio_returns(now_ms, out);
        }
        Ok(())
    }

    fn read(&mut self, now_ms: i64, out: &mut Vec<Happening>) -> Result<(), FieldError> {
        if self.has_radio(now_ms) {
            let closed = self.meter.keep_time(now_ms);
            let closed = self.made(closed)?;
            self.send(now_ms, closed, out);
        }
        let room = self.has_room(now_ms);
        let truth = self.outflow.at(now_ms);
        let closed = self.meter.read(now_ms, &truth, room);
        let closed = self.made(closed)?;
        self.send(now_ms, closed, out);
        if self.has_room(now_ms) {
            let full = self.meter.close_full_report();
            let full = self.made(full)?;
            self.send(now_ms, full, out);
        }
        Ok(())
    }

    fn meet(&mut self, due: Due, out: &mut Vec<Happening>) -> Result<(), FieldError> {
        let now_ms = due.at_ms;
        match due.what {
            DueWhat::TurnStarts(turn) => {
                let microlitres = self.outflow.at(now_ms).microlitres;
                if let Some(delivered) = self.delivered.get_mut(turn) {
                    delivered.start_microlitres = microlitres;
                }
            }
            DueWhat::TurnEnds(turn) => {
                let microlitres = self.outflow.at(now_ms).microlitres;
                if let Some(delivered) = self.delivered.get_mut(turn) {
                    delivered.end_microlitres = microlitres;
                }
            }
            DueWhat::RadioReturns => self.radio_returns(now_ms, out),
            DueWhat::Befalls(event, what) => {
                *self.meter.tally.faults.entry(what.name()).or_default() += 1;
                self.tell(now_ms, Occurrence::Befell { event, what: what.name() }, out);
                self.befall(now_ms, what, out)?;
            }
        }
        Ok(())
    }

    fn befall(
        &mut self,
        now_ms: i64,
        what: What,
        out: &mut Vec<Happening>,
    ) -> Result<(), FieldError> {
        match what {
            What::Outage { minutes } => {
                if self.has_radio(now_ms) {
                    self.tell(now_ms, Occurrence::RadioLost, out);
                }
                self.silent_until_ms = self.silent_until_ms.max(now_ms + minutes_ms(minutes));
            }
            What::Reboot { down_seconds } => {
                self.meter.reboot(now_ms, i64::from(down_seconds) * 1000);
            }
            What::Tamper { minutes } => self.meter.tamper(now_ms + minutes_ms(minutes)),
            What::Swap { initial_value, declared } => {
                self.swap(now_ms, initial_value, declared, out)?;
            }
            What::Reset { after, declared } => {
                let truth = self.outflow.at(now_ms);
                self.meter.reset(now_ms, &truth, after, declared);
            }
            What::Drift { ppm } => self.meter.drift(now_ms, ppm.into()),
            What::Battery { left_permille } => self.meter.battery(now_ms, left_permille.into()),
            What::KeyRotation {} => self.meter.rotate_key(),
            // These are in the water, or were prepared when the meter was installed.
            What::Rollover {}
            | What::Reverse { .. }
            | What::Leak { .. }
            | What::UseOutsideRounds { .. } => {}
        }
        Ok(())
    }

    fn swap(
        &mut self,
        now_ms: i64,
        initial_value: Option<i64>,
        declared: bool,
        out: &mut Vec<Happening>,
    ) -> Result<(), FieldError> {
        let truth = self.outflow.at(now_ms);
        let last = self.meter.remove(now_ms, &truth, declared);
        let last = self.made(last)?;
        self.send(now_ms, last, out);
        let silent_until_ms = std::mem::replace(&mut self.silent_until_ms, now_ms);
        if silent_until_ms > now_ms {
            // Whoever takes a meter down carries it to where there is radio.
            self.radio_returns(now_ms, out);
        }
        self.tell(now_ms, Occurrence::Removed, out);
        let id = MeterId::new(&format!("{}-{}", self.code, self.former.len() + 2))?;
        let new = Meter::install(&self.making, id, now_ms, &truth, initial_value);
        self.former.push(std::mem::replace(&mut self.meter, new));
        self.tell(now_ms, Occurrence::Installed, out);
        if silent_until_ms > now_ms {
            self.silent_until_ms = silent_until_ms;
            self.tell(now_ms, Occurrence::RadioLost, out);
        }
        self.prepare_wrap(now_ms);
        // Whoever installs a meter lets it read at once.
        let first = self.meter.read(now_ms, &truth, true);
        let first = self.made(first)?;
        self.send(now_ms, first, out);
        Ok(())
    }

    /// If this meter's register shall wrap at some instant, makes it stand at the right value now.
    fn prepare_wrap(&mut self, now_ms: i64) {
        let later = self.due.get(self.next_due..).unwrap_or_default();
        let wrap = later
            .iter()
            .take_while(|due| {
                !matches!(due.what, DueWhat::Befalls(_, What::Swap { .. } | What::Reset { .. }))
            })
            .find(|due| matches!(due.what, DueWhat::Befalls(_, What::Rollover {})));
        if let Some(wrap) = wrap {
            let now = self.outflow.at(now_ms);
            let then = self.outflow.clone().at(wrap.at_ms);
            self.meter.wrap_at(&now, &then);
        }
    }

    const fn has_radio(&self, now_ms: i64) -> bool {
        self.silent_until_ms <= now_ms
    }

    fn has_room(&self, now_ms: i64) -> bool {
        self.has_radio(now_ms) || self.held.len() < self.making.series.memory_reports
    }

    /// Names the meter that could not make a report.
    fn made<T>(&self, made: Result<T, EncodeError>) -> Result<T, FieldError> {
        made.map_err(|reason| FieldError::Report { meter: self.meter.id().clone(), reason })
    }

    fn send(
        &mut self,
        now_ms: i64,
        reports: impl IntoIterator<Item = Outgoing>,
        out: &mut Vec<Happening>,
    ) {
        for report in reports {
            if self.has_radio(now_ms) {
                let meter = report.meter.clone();
                out.push(Happening { at_ms: now_ms, meter, what: Occurrence::Report(report) });
            } else {
                self.held.push_back(report);
            }
        }
    }

    fn radio_returns(&mut self, now_ms: i64, out: &mut Vec<Happening>) {
        if !self.has_radio(now_ms) {
            // Another outage lasts longer.
            return;
        }
        self.tell(now_ms, Occurrence::RadioBack, out);
        let held = std::mem::take(&mut self.held);
        self.send(now_ms, held, out);
    }

    fn tell(&self, at_ms: i64, what: Occurrence, out: &mut Vec<Happening>) {
        out.push(Happening { at_ms, meter: self.meter.id().clone(), what });
    }
}
