//! Each alarm as a story: raised once, cleared when it is over, raised again.

mod laws;

use std::collections::BTreeMap;

use super::*;
use crate::registry::Reset;
use crate::scale::{Dial, Scale};
use crate::{Litres, MeterCode, OutletId};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis).unwrap()
}

fn own(seq: u64) -> [u8; LINK_BYTES] {
    u128::from(seq).to_be_bytes()
}

/// A meter that reports every hour, four readings each, with so many litres in each quarter.
#[derive(Clone)]
struct Field {
    seq: u64,
    boot: u32,
    now: i64,
}

impl Field {
    const QUARTER: i64 = 15 * MINUTE;

    fn new() -> Self {
        Self { seq: 0, boot: 1, now: 0 }
    }

    fn report(&mut self, quarters: [i64; 4]) -> Observation {
        self.seq += 1;
        let from = self.now;
        let mut intervals = Vec::new();
        for litres in quarters {
            let start = self.now;
            self.now += Self::QUARTER;
            intervals.push(Interval {
                from: at(start),
                to: at(self.now),
                litres: Some(Litres(litres)),
                trouble: None,
            });
        }
        Observation {
            link: Link {
                seq: self.seq,
                at: at(from + Self::QUARTER),
                previous: own(self.seq - 1),
                own: own(self.seq),
            },
            last: (at(self.now), 0),
            boot: self.boot,
            signs: Vec::new(),
            intervals,
        }
    }

    fn still(&mut self) -> Observation {
        self.report([0; 4])
    }

    fn with(&mut self, change: impl FnOnce(&mut Observation)) -> Observation {
        let mut observation = self.still();
        change(&mut observation);
        observation
    }
}

/// What a page would show: the alarms with how often each was seen and when it was over, and the flows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Board {
    open: BTreeMap<AlarmKind, Sighting>,
    cleared: Vec<(AlarmKind, u32, Timestamp)>,
    flows: BTreeMap<Timestamp, (Timestamp, Litres, bool)>,
}

impl Board {
    fn show(&mut self, findings: Findings) {
        for finding in findings.into_vec() {
            match finding {
                Finding::Seen(new) => match self.open.get_mut(&new.cause.kind()) {
                    Some(known) => {
                        known.times += new.times;
                        known.last_at = known.last_at.max(new.last_at);
                        known.cause = new.cause;
                    }
                    None => {
                        self.open.insert(new.cause.kind(), new);
                    }
                },
                Finding::Over { kind, at } => {
                    let known = self.open.remove(&kind).expect("what is over was seen");
                    self.cleared.push((kind, known.times, at));
                }
                Finding::Flow(FlowSpan { from, to, litres, running, first }) => {
                    let known = self.flows.insert(from, (to, litres, running));
                    assert_eq!(first, known.is_none(), "told first once");
                }
            }
        }
    }

    fn kinds(&self) -> Vec<AlarmKind> {
        self.open.keys().copied().collect()
    }
}

/// A watch, its thresholds, and the board it fills.
#[derive(Default)]
struct Story {
    watch: Watch,
    thresholds: Thresholds,
    board: Board,
}

impl Story {
    fn take(&mut self, observations: impl IntoIterator<Item = Observation>) -> &Board {
        let mut findings = Findings::default();
        for observation in observations {
            self.watch.take(&observation, &self.thresholds, &mut findings);
        }
        self.board.show(findings);
        &self.board
    }

    fn fill(&mut self, links: &[Link]) -> &Board {
        let mut findings = Findings::default();
        self.watch.fill(links, &mut findings);
        self.board.show(findings);
        &self.board
    }
}

#[test]
fn a_state_that_the_meter_reports_is_raised_cleared_and_raised_again() {
    for cause in [Cause::LowBattery, Cause::ReverseFlow, Cause::ClockNotSynchronised] {
        let kind = cause.kind();
        let (mut story, mut field) = (Story::default(), Field::new());
        let said = |field: &mut Field| field.with(|one| one.signs.push(cause.clone()));
        assert_eq!(story.take([field.still()]).kinds(), []);
        let two = [said(&mut field), said(&mut field)];
        assert_eq!(story.take(two).kinds(), [kind]);
        assert_eq!(story.take([said(&mut field)]).open[&kind].times, 3);
        let board = story.take([field.still(), field.still()]);
        assert_eq!((board.kinds(), board.cleared.len()), (vec![], 1));
        assert_eq!(board.cleared[0].1, 3);
        assert_eq!(story.take([said(&mut field)]).open[&kind].times, 1);
    }
}

#[test]
fn tampering_is_not_undone_by_a_good_report() {
    let (mut story, mut field) = (Story::default(), Field::new());
    story.take([field.with(|one| one.signs.push(Cause::Tamper)), field.still(), field.still()]);
    assert_eq!(story.board.kinds(), [AlarmKind::Tamper]);
    assert_eq!(story.board.open[&AlarmKind::Tamper].times, 1);
}

#[test]
fn restarts_are_counted_within_a_day() {
    let (mut story, mut field) = (Story::default(), Field::new());
    story.take([field.still()]);
    for _ in 0..3 {
        field.boot += 1;
        assert_eq!(story.take([field.still()]).kinds(), []);
    }
    field.boot += 2;
    let board = story.take([field.still(), field.still()]);
    assert_eq!(board.open[&AlarmKind::Reboots].cause, Cause::Reboots { times: 5 });
    assert_eq!(board.open[&AlarmKind::Reboots].times, 1);
    let quiet: Vec<_> = (0..24).map(|_| field.still()).collect();
    assert_eq!(story.take(quiet).cleared.len(), 1);
    field.boot = 0;
    assert_eq!(story.take([field.still()]).kinds(), []);
}

#[test]
fn a_boot_counter_gone_mad_is_kept_small() {
    let (mut story, mut field) = (Story::default(), Field::new());
    story.take([field.still()]);
    field.boot = u32::MAX;
    story.take([field.still()]);
    assert_eq!(story.board.kinds(), [AlarmKind::Reboots]);
    assert!(story.watch.restarts.len() <= 101);
}

#[test]
fn missing_reports_are_told_until_the_last_of_them_is_in() {
    let (mut story, mut field) = (Story::default(), Field::new());
    let reports: Vec<_> = (0..9).map(|_| field.still()).collect();
    let links: Vec<Link> = reports.iter().map(|one| one.link).collect();
    let some = |seqs: &[usize]| -> Vec<_> { seqs.iter().map(|n| reports[n - 1].clone()).collect() };
    story.take(some(&[1, 2, 5, 6, 8]));
    let alarm = &story.board.open[&AlarmKind::MissingReports];
    assert_eq!(alarm.cause, Cause::MissingReports { first: 3, last: 7 });
    assert_eq!(story.watch.gaps(), [(3, 4), (7, 7)]);
    story.fill(&links[1..=4]);
    assert_eq!(story.watch.gaps(), [(7, 7)]);
    assert_eq!(story.board.kinds(), [AlarmKind::MissingReports]);
    let board = story.fill(&links[5..=7]);
    assert_eq!((board.kinds(), board.cleared.len()), (vec![], 1));
    field.seq += 1;
    assert_eq!(story.take([field.still()]).kinds(), [AlarmKind::MissingReports]);
}

#[test]
fn a_gap_from_before_the_watch_is_told_at_the_first_look() {
    let watch = serde_json::from_str(r#"{"seq":6,"gaps":[[3,6]]}"#).unwrap();
    let mut story = Story { watch, ..Story::default() };
    let mut field = Field::new();
    let links: Vec<Link> = (0..6).map(|_| field.still().link).collect();
    let board = story.fill(&[links[1], links[2], links[4], links[5]]);
    let alarm = &board.open[&AlarmKind::MissingReports];
    assert_eq!(alarm.cause, Cause::MissingReports { first: 4, last: 4 });
    assert_eq!(story.fill(&links).kinds(), []);
}

#[test]
fn a_report_behind_a_gap_waits_for_those_before_it() {
    let (mut story, mut field) = (Story::default(), Field::new());
    let (first, _, third) = (field.still(), field.still(), field.still());
    story.take([first]);
    let waits = |seq| story.watch.waits_until(seq, at(5 * HOUR), &story.thresholds);
    assert_eq!(waits(2), None);
    assert_eq!(waits(third.link.seq), Some(at(6 * HOUR)));
}

#[test]
fn a_broken_chain_is_told_once_wherever_it_breaks() {
    let (mut story, mut field) = (Story::default(), Field::new());
    let mut reports: Vec<_> = (0..6).map(|_| field.still()).collect();
    reports[1].link.previous = own(77);
    reports[4].link.previous = own(78);
    story.take([reports[0].clone(), reports[1].clone(), reports[3].clone(), reports[5].clone()]);
    assert_eq!(story.watch.breaks(), [2]);
    let links: Vec<Link> = reports.iter().map(|one| one.link).collect();
    story.fill(&links[1..]);
    story.fill(&links);
    assert_eq!(story.watch.breaks(), [2, 5]);
    assert_eq!(story.board.kinds(), [AlarmKind::ChainBroken]);
    assert_eq!(story.board.open[&AlarmKind::ChainBroken].times, 2);
}

#[test]
fn a_fault_of_the_readings_is_an_event() {
    let (mut story, mut field) = (Story::default(), Field::new());
    let fell = Cause::RegisterFell { before: 900, after: 3 };
    let report = field.with(|one| {
        one.intervals[2].litres = None;
        one.intervals[2].trouble = Some(fell.clone());
    });
    story.take([report, field.still()]);
    let alarm = &story.board.open[&AlarmKind::RegisterFell];
    assert_eq!(
        (&alarm.cause, alarm.since, alarm.last_at),
        (&fell, at(30 * MINUTE), at(45 * MINUTE))
    );
}

#[test]
fn a_fault_of_the_scale_is_over_after_a_whole_report_without_it() {
    for cause in [Cause::AboveCapacity, Cause::OutOfTable, Cause::NoScale] {
        let (mut story, mut field) = (Story::default(), Field::new());
        let mut flickering = || {
            field.with(|one| {
                one.intervals[0].trouble = Some(cause.clone());
                one.intervals[2].trouble = Some(cause.clone());
            })
        };
        story.take([flickering(), flickering()]);
        assert_eq!(story.board.open[&cause.kind()].times, 4);
        assert_eq!(story.take([field.still()]).cleared.len(), 1);
    }
}

#[test]
fn water_that_runs_is_one_span_over_short_pauses() {
    let (mut story, mut field) = (Story::default(), Field::new());
    // 2 L/s, a quarter of rest, 2 L/s again, then nothing.
    story.take([field.report([0, 1800, 0, 1800])]);
    assert_eq!(story.board.flows[&at(15 * MINUTE)], (at(60 * MINUTE), Litres(3600), true));
    story.take([field.report([1800, 3, 4, 0])]);
    let span = (at(75 * MINUTE), Litres(5400), false);
    assert_eq!(story.board.flows, BTreeMap::from([(at(15 * MINUTE), span)]));
    story.take([field.report([0, 5000, 0, 0])]);
    assert_eq!(story.board.flows.len(), 2);
}

#[test]
fn a_bucket_of_water_is_no_turn() {
    let (mut story, mut field) = (Story::default(), Field::new());
    story.thresholds.turn_least_litres = 2000;
    story.take([field.report([0, 1999, 0, 0])]);
    assert!(story.board.flows.is_empty());
    story.take([field.report([1000, 1000, 0, 0])]);
    assert_eq!(story.board.flows.len(), 1);
}

#[test]
fn a_leak_is_raised_after_its_hours_and_cleared_when_it_stops() {
    let (mut story, mut field) = (Story::default(), Field::new());
    // A coarse register: 100 litres in one quarter of each hour, 27.8 mL/s over the hour.
    story.thresholds.leak_least_millilitres_per_second = 25;
    let leak = |field: &mut Field| field.report([0, 0, 100, 0]);
    for _ in 0..23 {
        assert_eq!(story.take([leak(&mut field)]).kinds(), []);
    }
    let board = story.take([leak(&mut field), leak(&mut field)]);
    let alarm = &board.open[&AlarmKind::LeakLike];
    assert_eq!(alarm.cause, Cause::LeakLike { litres: Litres(2500) });
    assert_eq!((alarm.since, alarm.last_at), (at(0), at(25 * HOUR)));
    assert_eq!(story.take([field.still()]).cleared.len(), 1);
    for _ in 0..24 {
        story.take([leak(&mut field)]);
    }
    assert_eq!(story.board.kinds(), [AlarmKind::LeakLike]);
}

#[test]
fn use_is_no_leak_and_neither_is_what_nobody_saw() {
    let (mut story, mut field) = (Story::default(), Field::new());
    for hour in 0..60 {
        let litres = if hour % 20 == 19 { 4000 } else { 200 };
        story.take([field.report([litres, 0, 0, 0])]);
    }
    assert_eq!(story.board.kinds(), []);
    // Days without a reading in which little flowed.
    let mut unseen = field.still();
    unseen.intervals = vec![Interval {
        from: at(field.now - HOUR),
        to: at(field.now + 48 * HOUR),
        litres: Some(Litres(20_000)),
        trouble: None,
    }];
    story.take([unseen]);
    assert_eq!(story.board.kinds(), []);
}

#[test]
fn a_clock_that_was_set_back_counts_nothing_twice() {
    let (mut story, mut field) = (Story::default(), Field::new());
    story.take([field.report([1800; 4])]);
    field.now -= HOUR;
    story.take([field.report([1800; 4]), field.report([1800; 4])]);
    assert_eq!(story.board.flows[&at(0)], (at(2 * HOUR), Litres(14_400), true));
}

/// A well's meter of 100 litres a unit, which wraps at 1,000.
fn well() -> Meter {
    let dial = Dial { modulus: Some(1000), jitter_units: 1, capacity_ml_per_s: Some(50_000) };
    let scale = Scale::Register { millilitres_per_unit: 100_000, dial };
    Meter::new(MeterCode::new("m1").unwrap(), OutletId::new("w1").unwrap(), at(0), scale)
}

/// Takes a report with these readings, by minutes and value.
fn read(story: &mut Story, field: &mut Field, meter: &Meter, readings: &[(i64, i64)]) {
    let one = |&(minutes, value): &(i64, i64)| Reading {
        at: at(minutes * MINUTE),
        value,
        doubts: Doubts::NONE,
    };
    let readings: Vec<Reading> = readings.iter().map(one).collect();
    let last = readings.iter().max_by_key(|reading| reading.at).unwrap();
    let intervals = story.watch.intervals(meter, &BTreeMap::new(), &readings);
    let observation = field.with(|one| {
        one.link.at = readings[0].at;
        one.last = (last.at, last.value);
        one.intervals = intervals;
    });
    story.take([observation]);
}

#[test]
fn what_flows_is_told_over_reports_rollovers_and_resets() {
    let (mut story, mut field) = (Story::default(), Field::new());
    let mut meter = well();
    read(&mut story, &mut field, &meter, &[(0, 900), (10, 940)]);
    read(&mut story, &mut field, &meter, &[(20, 980), (30, 20)]);
    assert_eq!(story.board.flows[&at(0)], (at(30 * MINUTE), Litres(12_000), true));
    // The register is set to 500 in minute 35; nothing flows by that.
    meter.resets.push(Reset { at: at(35 * MINUTE), before: 40, after: 500 });
    read(&mut story, &mut field, &meter, &[(40, 520), (50, 521), (90, 521)]);
    assert_eq!(story.board.flows[&at(0)], (at(40 * MINUTE), Litres(16_000), false));
    assert_eq!(story.board.kinds(), []);
}

#[test]
fn a_fall_that_nobody_declared_is_told_and_so_is_a_rise_beyond_reason() {
    let (mut story, mut field) = (Story::default(), Field::new());
    let meter = well();
    read(&mut story, &mut field, &meter, &[(0, 500), (10, 499)]);
    assert_eq!(story.board.kinds(), []);
    read(&mut story, &mut field, &meter, &[(20, 3), (30, 900)]);
    assert_eq!(story.board.kinds(), [AlarmKind::RegisterFell, AlarmKind::AboveCapacity]);
    let fell = &story.board.open[&AlarmKind::RegisterFell];
    assert_eq!(fell.cause, Cause::RegisterFell { before: 499, after: 3 });
    assert_eq!((fell.since, fell.last_at), (at(10 * MINUTE), at(20 * MINUTE)));
}

#[test]
fn two_readings_of_one_instant_and_a_missing_table_are_told() {
    let (mut story, mut field) = (Story::default(), Field::new());
    read(&mut story, &mut field, &well(), &[(0, 5), (10, 9), (10, 90)]);
    let clash = Cause::Contradiction { one: 9, other: 90 };
    assert_eq!(story.board.open[&AlarmKind::Contradiction].cause, clash);
    let gauge = Meter { scale: Scale::Stage { tables: Vec::new() }, ..well() };
    read(&mut story, &mut field, &gauge, &[(20, 150), (30, 150)]);
    assert!(story.board.kinds().contains(&AlarmKind::NoScale));
}

#[test]
fn a_value_beyond_all_litres_is_told_as_beyond_reason_and_not_as_a_missing_scale() {
    let (mut story, mut field) = (Story::default(), Field::new());
    read(&mut story, &mut field, &well(), &[(0, 5), (10, i64::MAX)]);
    assert_eq!(story.board.kinds(), [AlarmKind::AboveCapacity]);
}

#[test]
fn what_was_read_under_an_old_version_is_read_with_its_defaults() {
    assert_eq!(serde_json::from_str::<Watch>("{}").unwrap(), Watch::default());
    let begun: Watch = serde_json::from_str(r#"{"seq":900,"gaps":[[3,5]]}"#).unwrap();
    assert_eq!((begun.seq(), begun.gaps()), (900, &[(3, 5)][..]));
    assert!(serde_json::from_str::<Watch>(r#"{"sequence":1}"#).is_err());
}
