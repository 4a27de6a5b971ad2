//! What may stand in the public record, beyond what the stories reach: corrections, repetition, extremes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod rosters;
mod shares;

use audit::testing::{ROUND, TestLog, TestMeter, id};
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::record::RecordError;
use disclosure::statement::{
    Correction, Kind, MeterKey, Origin, Registry, RosterEntry, RosterError, Statement,
    WateringFacts,
};
use domain::rating::RatingTable;
use domain::scale::{DatedTable, Scale};
use domain::share::{Share, divide};
use domain::tariff::{Price, Tariff};
use domain::{Area, Fen, Litres};

/// A log with a watering of east from 01:00 to 03:30 at index 9.
fn watered() -> (TestLog, TestMeter, WateringFacts) {
    let mut log = TestLog::founded();
    let mut meter = TestMeter::east();
    meter.run_for(24);
    let facts = draft(&mut log, &meter, "t1", "01:00", "03:30");
    assert_eq!(log.post_watering(facts.clone()), 9);
    (log, meter, facts)
}

fn draft(
    log: &mut TestLog,
    meter: &TestMeter,
    turn: &str,
    start: &str,
    end: &str,
) -> WateringFacts {
    let at = |time: &str| format!("2016-05-01T{time}:00Z");
    log.draft(meter, turn, &at(start), &at(end))
}

fn correction(log: &TestLog, supersedes: u64, reason: &str, watering: WateringFacts) -> Envelope {
    let signers = [&log.people.station, &log.people.east];
    let head = TestLog::head(&signers);
    let reason = reason.to_owned();
    TestLog::seal(
        &Statement::Correction(Correction { head, supersedes, reason, watering }),
        &signers,
    )
}

fn refused(log: &TestLog, envelope: &Envelope) -> RecordError {
    log.record.admit(envelope, &log.attachments).unwrap_err()
}

#[test]
fn a_correction_takes_the_place_of_what_it_supersedes() {
    let (mut log, meter, _) = watered();
    let longer = draft(&mut log, &meter, "t1", "01:00", "04:30");
    let envelope = correction(&log, 9, "闸门关得晚", longer.clone());
    assert_eq!(log.post(&envelope), 10);
    assert_eq!(log.record.watering(9).unwrap().superseded_by, Some(10));
    let shorter = draft(&mut log, &meter, "t1", "01:00", "02:00");
    let envelope = correction(&log, 10, "重新核对", shorter);
    assert_eq!(log.post(&envelope), 11);
    // The time that the correction gave up is free again; what it kept is not.
    let next = draft(&mut log, &meter, "t2", "02:00", "04:00");
    let overlap = draft(&mut log.clone(), &meter, "t3", "01:50", "02:00");
    let error = refused(&log, &log.seal_watering(overlap));
    assert!(matches!(error, RecordError::Overlap(11)), "{error}");
    log.post_watering(next);
    let run = log.draft_bill_run("east");
    assert_eq!(run.waterings, [11, 12]);
    let envelope = log.seal_bill_run(run);
    log.post(&envelope);
    assert!(audit::audit(&log.export(), None).holds());
}

#[test]
fn rejects_a_correction_of_what_does_not_hold() {
    let (mut log, meter, facts) = watered();
    let longer = draft(&mut log, &meter, "t1", "01:00", "04:30");
    for nothing in [8, 10, u64::MAX] {
        let error = refused(&log, &correction(&log, nothing, "x", longer.clone()));
        assert!(matches!(error, RecordError::NothingToSupersede(_)), "{error}");
    }
    let first = correction(&log, 9, "x", longer);
    log.post(&first);
    let error = refused(&log, &correction(&log, 9, "y", facts));
    assert!(matches!(error, RecordError::NothingToSupersede(9)), "{error}");
    let error = refused(&log, &first);
    assert!(matches!(error, RecordError::PostedBefore(10)), "{error}");
}

#[test]
fn rejects_a_correction_without_reason_or_of_another_turn() {
    let (mut log, meter, facts) = watered();
    for reason in ["", "a\tb", &"长".repeat(201)] {
        let error = refused(&log, &correction(&log, 9, reason, facts.clone()));
        assert!(matches!(error, RecordError::Reason), "{error}");
    }
    let other = draft(&mut log, &meter, "t2", "01:00", "03:30");
    let error = refused(&log, &correction(&log, 9, "x", other));
    assert!(matches!(error, RecordError::CorrectsAnother(9)), "{error}");
}

#[test]
fn rejects_a_correction_that_runs_into_its_neighbour() {
    let (mut log, meter, _) = watered();
    let next = draft(&mut log, &meter, "t2", "03:30", "05:00");
    log.post_watering(next);
    let longer = draft(&mut log, &meter, "t1", "01:00", "03:40");
    let error = refused(&log, &correction(&log, 9, "x", longer));
    assert!(matches!(error, RecordError::Overlap(10)), "{error}");
    let around = draft(&mut log, &meter, "t3", "00:30", "05:30");
    let error = refused(&log, &log.seal_watering(around));
    assert!(matches!(error, RecordError::Overlap(_)), "{error}");
}

#[test]
fn what_was_billed_and_corrected_is_billed_as_a_difference() {
    let (mut log, meter, _) = watered();
    let bill = |log: &mut TestLog| {
        let run = log.draft_bill_run("east");
        let envelope = log.seal_bill_run(run.clone());
        log.post(&envelope);
        run
    };
    // 15 intervals of 3,700 L at 0.152: 843.6 fen; and 120 yuan for 30 mu.
    assert_eq!(bill(&mut log).total_fen, Fen(12_844));
    let longer = draft(&mut log, &meter, "t1", "01:00", "04:30");
    let envelope = correction(&log, 9, "关闸时间记错", longer);
    assert_eq!(log.post(&envelope), 11);
    // 21 intervals: 1,181.04 fen, less the 844.
    let second = bill(&mut log);
    assert_eq!((second.waterings.as_slice(), second.total_fen), (&[11][..], Fen(1181 - 844)));
    let lines = String::from_utf8(log.attachments[&second.bills.sha256].clone()).unwrap();
    assert!(lines.contains(r#""watering":9"#) && lines.contains(r#""billed_fen":236"#), "{lines}");
    assert_eq!(log.record.billed_by(11), Some(12));
    let error = log.record.settle(&id("east"), &id(ROUND)).unwrap_err();
    assert!(matches!(error, RecordError::BilledBefore { run: 12 }), "{error}");
    let report = audit::audit(&log.export(), None);
    assert!(report.holds(), "{report}");
    assert_eq!(report.billed_fen, Fen(12_000 + 1181));
}

#[test]
fn a_closed_year_takes_nothing_any_more() {
    let (mut log, meter, _) = watered();
    let (east, over) = (id("east"), id("2016-12-31T16:00:00Z"));
    let error = log.record.settle_year(&east, 2016, id("2016-12-31T15:59:59.999Z")).unwrap_err();
    assert!(matches!(error, RecordError::YearNotOver(2016)), "{error}");
    let error = log.record.settle_year(&east, 2015, over).unwrap_err();
    assert!(matches!(error, RecordError::NothingToBill), "{error}");
    let due = log.record.settle_year(&east, 2016, over).unwrap();
    assert_eq!((due.waterings.as_slice(), due.total_fen), (&[9][..], Fen(12_844)));
    let mut run = log.draft_bill_run("east");
    run.round = None;
    let error = refused(&log, &log.seal_bill_run(run.clone()));
    assert!(matches!(error, RecordError::YearNotOver(2016)), "{error}");
    run.head.drafted_at = over;
    let envelope = log.seal_bill_run(run);
    assert_eq!(log.post(&envelope), 10);
    assert_eq!(log.record.closed_by(&east, 2016), Some(10));
    // The log's own balances are missing up to the year's end; nothing else is.
    let report = audit::audit(&log.export(), None);
    assert!(report.findings.iter().all(|one| one.rule == audit::Rule::BalanceMissing), "{report}");
    assert_eq!(report.billed_fen, Fen(12_844));
    let longer = draft(&mut log, &meter, "t1", "01:00", "04:30");
    let error = refused(&log, &correction(&log, 9, "x", longer));
    assert!(matches!(error, RecordError::YearClosed { year: 2016, run: 10, .. }), "{error}");
    let next = draft(&mut log, &meter, "t2", "04:00", "05:00");
    let error = refused(&log, &log.seal_watering(next));
    assert!(matches!(error, RecordError::YearClosed { year: 2016, run: 10, .. }), "{error}");
    for again in [log.record.settle_year(&east, 2016, over), log.record.settle(&east, &id(ROUND))] {
        assert!(matches!(
            again,
            Err(RecordError::BilledBefore { run: 10 } | RecordError::NothingToBill)
        ));
    }
}

#[test]
fn rejects_every_posted_statement_handed_in_again() {
    let (log, ..) = watered();
    for (index, entry) in (0..).zip(&log.entries) {
        let error = refused(&log, &Envelope::parse(entry).unwrap());
        assert!(matches!(error, RecordError::PostedBefore(at) if at == index), "{index}: {error}");
    }
}

#[test]
fn an_old_price_is_not_in_force_again_by_repetition() {
    let mut log = TestLog::founded();
    let old = Envelope::parse(&log.entries[8]).unwrap();
    let Statement::Tariff(mut notice) = Statement::parse(&old.payload_type, &old.payload).unwrap()
    else {
        unreachable!("posting 8 is the tariff")
    };
    let mut terms = notice.tariff.terms().clone();
    terms.metered[0].price = Price::new("0.1").unwrap();
    notice.tariff = Tariff::new(terms).unwrap();
    let office = [&log.people.roots[0].clone(), &log.people.station.clone()];
    log.post(&TestLog::seal(&Statement::Tariff(notice), &office));
    let error = refused(&log, &old);
    assert!(matches!(error, RecordError::PostedBefore(8)), "{error}");
}

#[test]
fn rejects_a_volume_that_leaves_the_range_of_litres() {
    let (mut log, meter, _) = watered();
    let mut facts = draft(&mut log, &meter, "t2", "04:00", "05:00");
    facts.at_start_litres = Litres(-5);
    facts.at_end_litres = Litres(i64::MAX);
    facts.volume_litres = Litres(i64::MAX);
    let parts: Vec<_> = facts.shares.iter().map(Share::part).collect();
    facts.shares = divide(facts.volume_litres, facts.method, &parts).unwrap();
    let error = refused(&log, &log.seal_watering(facts.clone()));
    assert!(matches!(error, RecordError::Volume { .. }), "{error}");
    facts.at_start_litres = Litres(i64::MAX);
    facts.at_end_litres = Litres(i64::MIN);
    facts.volume_litres = Litres(i64::MIN);
    let error = refused(&log, &log.seal_watering(facts));
    assert!(matches!(error, RecordError::Volume { .. }), "{error}");
}

#[test]
fn the_largest_volume_is_shared_and_priced_or_refused_but_never_wraps() {
    let (mut log, meter, _) = watered();
    let mut facts = draft(&mut log, &meter, "t2", "04:00", "05:00");
    facts.at_start_litres = Litres(0);
    facts.at_end_litres = Litres(i64::MAX);
    facts.volume_litres = Litres(i64::MAX);
    let parts: Vec<_> = facts.shares.iter().map(Share::part).collect();
    facts.shares = divide(facts.volume_litres, facts.method, &parts).unwrap();
    log.post_watering(facts);
    let due = log.record.settle(&id("east"), &id(ROUND)).unwrap();
    // 0.152 yuan/m³ of 2^63 − 1 litres, half up, beside the first watering and the basic charge.
    let metered = (i128::from(i64::MAX) * 152 + 5_000) / 10_000;
    assert_eq!(i128::from(due.total_fen.get()), metered + 844 + 12_000);
}

#[test]
fn rejects_a_roster_of_an_absurd_area() {
    let mut log = TestLog::founded();
    let people = log.people.clone();
    let signers = [&people.station, &people.east];
    for area in [i64::MAX, 10_000_001, 0, -1] {
        let roster = log.roster("east", &[("101", area)], &signers);
        let envelope = TestLog::seal(&Statement::Roster(roster), &signers);
        let error = refused(&log, &envelope);
        assert!(matches!(error, RecordError::Roster(RosterError::Area(_))), "{area}: {error}");
    }
    let roster = log.roster("east", &[("101", 10_000_000)], &signers);
    log.post(&TestLog::seal(&Statement::Roster(roster), &signers));
    let entry: &RosterEntry =
        log.record.household(&id("101"), id("2016-05-01T00:00:00Z")).unwrap().1;
    assert_eq!(entry.area(), Area(10_000_000));
}

#[test]
fn rejects_a_share_of_somebody_in_no_or_another_group() {
    let (mut log, meter, _) = watered();
    let mut facts = draft(&mut log, &meter, "t2", "04:00", "05:00");
    facts.shares[0].household = id("201");
    let error = refused(&log, &log.seal_watering(facts));
    assert!(matches!(error, RecordError::NotInGroup(..)), "{error}");
}

#[test]
fn rejects_a_policy_that_no_envelope_can_meet() {
    let log = TestLog::founded();
    let [one, two] = &log.people.roots;
    let mut stricter = log.genesis();
    let rule = stricter.policy.0.iter_mut().find(|rule| rule.kind == Kind::Watering).unwrap();
    rule.needs[0].count = 16;
    let error = refused(&log, &TestLog::seal(&Statement::District(stricter), &[one, two]));
    assert!(matches!(error, RecordError::Policy(_)), "{error}");
}

#[test]
fn rejects_a_household_that_irrigated_more_than_its_land() {
    let (mut log, meter, _) = watered();
    let mut facts = draft(&mut log, &meter, "t2", "04:00", "05:00");
    facts.shares[0].area = Area(facts.shares[0].area.get() + 1);
    let error = refused(&log, &log.seal_watering(facts));
    assert!(matches!(error, RecordError::AreaTooLarge(_)), "{error}");
}

#[test]
fn rejects_evidence_that_does_not_fit_its_origin() {
    let (mut log, meter, _) = watered();
    let facts = draft(&mut log, &meter, "t2", "04:00", "05:00");
    let bent = |bend: fn(&mut WateringFacts)| {
        let mut bent = facts.clone();
        bend(&mut bent);
        refused(&log, &log.seal_watering(bent))
    };
    for error in [
        bent(|facts| facts.evidence.clear()),
        bent(|facts| facts.origin = Origin::Manual),
        bent(|facts| facts.evidence[0].origin = Origin::GatewayVouched),
        bent(|facts| facts.evidence.push(facts.evidence[0].clone())),
    ] {
        assert!(matches!(error, RecordError::EvidencePieces), "{error}");
    }
}

fn registry(log: &TestLog, change: impl Fn(&mut Registry)) -> Envelope {
    let mut registry = log.registry();
    registry.villages.clear();
    registry.outlets.clear();
    registry.meters.truncate(1);
    change(&mut registry);
    TestLog::seal(&Statement::Registry(registry), &[&log.people.roots[0], &log.people.station])
}

#[test]
fn a_swap_names_both_meters_or_is_refused() {
    let (log, ..) = watered();
    let successor = |registry: &Registry| {
        let mut new = registry.meters[0].clone();
        new.meter.code = id("me2");
        new.meter.installed_at = id("2016-05-02T00:00:00Z");
        new.meter.initial_value = Some(17);
        new.keys[0].key = PublicKey::of(&SigningKey::from_bytes(&[46; 32]));
        new
    };
    let alone = registry(&log, |registry| registry.meters = vec![successor(registry)]);
    assert!(matches!(refused(&log, &alone), RecordError::StillInstalled { .. }));
    let swap = registry(&log, |registry| {
        registry.meters.push(successor(registry));
        registry.meters[0].meter.removed_at = Some(id("2016-05-02T00:00:00Z"));
        registry.meters[0].meter.final_value = Some(9_000);
    });
    assert!(log.record.admit(&swap, &log.attachments).is_ok());
}

#[test]
fn a_rating_table_is_posted_once_and_before_it_is_used() {
    let (mut log, ..) = watered();
    let table = |most: i64| RatingTable {
        id: id("flume"),
        source: "现场率定".to_owned(),
        valid_from_mm: 30,
        rows: vec![(0, 0), (30, 3_000), (100, most)],
    };
    let gauge = |registry: &mut Registry| {
        let from = id("2016-04-01T00:00:00Z");
        registry.meters[0].meter.scale =
            Scale::Stage { tables: vec![DatedTable { from, table: id("flume") }] };
    };
    let error = refused(&log, &registry(&log, gauge));
    assert!(matches!(error, RecordError::UnknownTable(_)), "{error}");
    log.post(&registry(&log, |registry| {
        registry.tables = vec![table(20_000)];
        gauge(registry);
    }));
    let changed = registry(&log, |registry| registry.tables = vec![table(20_001)]);
    assert!(matches!(refused(&log, &changed), RecordError::TableChanged(_)));
}

#[test]
fn rejects_keys_that_leave_a_report_unsigned() {
    let (log, ..) = watered();
    let key = |from_report, seed| MeterKey {
        key: PublicKey::of(&SigningKey::from_bytes(&[seed; 32])),
        from_report,
    };
    for keys in [
        vec![],
        vec![key(2, 46)],
        vec![key(1, 46), key(1, 47)],
        vec![key(1, 46), key(9, 47), key(5, 48)],
    ] {
        let bad = registry(&log, |registry| registry.meters[0].keys.clone_from(&keys));
        assert!(matches!(refused(&log, &bad), RecordError::MeterKey(_)), "{keys:?}");
    }
    let rotated = registry(&log, |registry| registry.meters[0].keys = vec![key(1, 46), key(9, 47)]);
    assert!(log.record.admit(&rotated, &log.attachments).is_ok());
}

#[test]
fn a_key_is_one_meters_own_or_a_gateways() {
    let (mut log, ..) = watered();
    let whole = log.registry();
    let key = |seed| PublicKey::of(&SigningKey::from_bytes(&[seed; 32]));
    // Meters at outlets of their own, each with one key.
    let stand = |registry: &mut Registry, meters: &[(&str, Origin, u8)]| {
        registry.meters.clear();
        for (code, origin, seed) in meters {
            let mut outlet = whole.outlets[0].clone();
            outlet.id = id(code);
            registry.outlets.push(outlet);
            let mut entry = whole.meters[0].clone();
            (entry.meter.code, entry.meter.outlet) = (id(code), id(code));
            entry.origin = *origin;
            entry.keys = vec![MeterKey { key: key(*seed), from_report: 1 }];
            registry.meters.push(entry);
        }
    };
    let (own, gateway) = (Origin::MeterSigned, Origin::GatewayVouched);
    let posted = [("n1", own, 46), ("n2", gateway, 47), ("n3", gateway, 47)];
    log.post(&registry(&log, |registry| stand(registry, &posted)));
    for shared in [
        &[("n4", own, 46)][..],
        &[("n4", gateway, 46)],
        &[("n4", own, 47)],
        &[("n4", own, 48), ("n5", own, 48)],
        &[("n4", gateway, 48), ("n5", own, 48)],
        &[("n4", gateway, 48), ("n5", gateway, 48), ("n6", own, 48)],
        // What a meter signed with stays its own while it stands in the registry.
        &[("n1", own, 48), ("n4", own, 46)],
    ] {
        let error = refused(&log, &registry(&log, |registry| stand(registry, shared)));
        assert!(matches!(error, RecordError::DeviceKeyShared(_)), "{shared:?}: {error}");
    }
    let fine = [("n1", own, 49), ("n4", gateway, 47), ("n5", own, 48)];
    log.post(&registry(&log, |registry| stand(registry, &fine)));
    // The key that n1 has no more is free again.
    log.post(&registry(&log, |registry| stand(registry, &[("n6", own, 46)])));
}
