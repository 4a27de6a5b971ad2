//! Words for alarms, meters and turns.

use std::borrow::Borrow;

use service::board::{AlarmKind, Cause, Litres, Progress, Severity};

use crate::here::Here;

impl Here {
    /// What a kind of alarm is called.
    pub(crate) fn alarm(&self, kind: impl Borrow<AlarmKind>) -> &'static str {
        let watch = self.watch;
        match kind.borrow() {
            AlarmKind::Tamper => watch.tamper,
            AlarmKind::ChainBroken => watch.chain_broken,
            AlarmKind::RegisterFell => watch.register_fell,
            AlarmKind::Contradiction => watch.contradiction,
            AlarmKind::UseOutsideRound => watch.use_outside_round,
            AlarmKind::LateData => watch.late_data,
            AlarmKind::Silent => watch.silent,
            AlarmKind::MissingReports => watch.missing_reports,
            AlarmKind::LeakLike => watch.leak_like,
            AlarmKind::AboveCapacity => watch.above_capacity,
            AlarmKind::OutOfTable => watch.out_of_table,
            AlarmKind::NoScale => watch.no_scale,
            AlarmKind::ReverseFlow => watch.reverse_flow,
            AlarmKind::LowBattery => watch.low_battery,
            AlarmKind::Reboots => watch.reboots,
            AlarmKind::ClockNotSynchronised => watch.clock_not_synchronised,
        }
    }

    /// What to do about a kind of alarm.
    pub(crate) fn alarm_do(&self, kind: impl Borrow<AlarmKind>) -> &'static str {
        let watch = self.watch;
        match kind.borrow() {
            AlarmKind::Tamper => watch.tamper_do,
            AlarmKind::ChainBroken => watch.chain_broken_do,
            AlarmKind::RegisterFell => watch.register_fell_do,
            AlarmKind::Contradiction => watch.contradiction_do,
            AlarmKind::UseOutsideRound => watch.use_outside_round_do,
            AlarmKind::LateData => watch.late_data_do,
            AlarmKind::Silent => watch.silent_do,
            AlarmKind::MissingReports => watch.missing_reports_do,
            AlarmKind::LeakLike => watch.leak_like_do,
            AlarmKind::AboveCapacity => watch.above_capacity_do,
            AlarmKind::OutOfTable => watch.out_of_table_do,
            AlarmKind::NoScale => watch.no_scale_do,
            AlarmKind::ReverseFlow => watch.reverse_flow_do,
            AlarmKind::LowBattery => watch.low_battery_do,
            AlarmKind::Reboots => watch.reboots_do,
            AlarmKind::ClockNotSynchronised => watch.clock_not_synchronised_do,
        }
    }

    /// What an alarm says beyond its kind, if anything.
    pub(crate) fn alarm_detail(&self, cause: &Cause) -> Option<String> {
        let watch = self.watch;
        let cubic = |litres: &Litres| self.exact(*litres);
        let (words, parts) = match cause {
            Cause::ChainBroken { report } => (watch.chain_broken_detail, vec![report.to_string()]),
            Cause::RegisterFell { before, after } => {
                (watch.register_fell_detail, vec![before.to_string(), after.to_string()])
            }
            Cause::Contradiction { one, other } => {
                (watch.contradiction_detail, vec![one.to_string(), other.to_string()])
            }
            Cause::UseOutsideRound { litres } => {
                (watch.use_outside_round_detail, vec![cubic(litres)])
            }
            Cause::LateData { turn, signed, measured: Some(measured), .. } => {
                (watch.late_data_detail, vec![turn.to_string(), cubic(signed), cubic(measured)])
            }
            Cause::LateData { turn, signed, measured: None, .. } => {
                (watch.late_data_untold, vec![turn.to_string(), cubic(signed)])
            }
            Cause::MissingReports { first, last } => {
                (watch.missing_reports_detail, vec![first.to_string(), last.to_string()])
            }
            Cause::LeakLike { litres } => (watch.leak_like_detail, vec![cubic(litres)]),
            Cause::Reboots { times } => (watch.reboots_detail, vec![times.to_string()]),
            Cause::Tamper
            | Cause::Silent
            | Cause::AboveCapacity
            | Cause::OutOfTable
            | Cause::NoScale
            | Cause::ReverseFlow
            | Cause::LowBattery
            | Cause::ClockNotSynchronised => return None,
        };
        Some(self.say(words, parts))
    }

    /// How soon somebody should look.
    pub(crate) fn severity(&self, severity: impl Borrow<Severity>) -> &'static str {
        match severity.borrow() {
            Severity::Urgent => self.watch.urgent,
            Severity::Soon => self.watch.soon,
            Severity::Minor => self.watch.minor,
        }
    }

    /// What an unposted watering waits for.
    pub(crate) fn unposted_state(&self, progress: impl Borrow<Progress>) -> &'static str {
        match progress.borrow() {
            Progress::Draft => self.watch.state_draft,
            Progress::Awaiting => self.watch.state_awaiting,
            _ => self.watch.state_co_signed,
        }
    }

    /// The mark that shows it.
    #[expect(clippy::unused_self, reason = "a template calls it on the page's `here`")]
    pub(crate) fn severity_class(&self, severity: impl Borrow<Severity>) -> &'static str {
        match severity.borrow() {
            Severity::Urgent => "bad",
            Severity::Soon => "care",
            Severity::Minor => "plain",
        }
    }
}
