//! Which roster holds when.

use audit::testing::{Person, ROUND, TestLog, id};
use disclosure::dsse::Envelope;
use disclosure::record::RecordError;
use disclosure::statement::{Statement, WateringFacts};
use domain::bill::Charge;
use domain::share::{Share, divide};
use domain::{Area, Fen, HouseholdNo, Timestamp};

use super::{draft, refused, watered};

/// Another roster of a village, effective from a time.
fn roster(log: &mut TestLog, village: &str, from: &str, households: &[(&str, i64)]) -> Envelope {
    let people = log.people.clone();
    let cadre: &Person = if village == "east" { &people.east } else { &people.west };
    let signers = [&people.station, cadre];
    let mut roster = log.roster(village, households, &signers);
    roster.effective_from = id(from);
    TestLog::seal(&Statement::Roster(roster), &signers)
}

fn post(log: &mut TestLog, village: &str, from: &str, households: &[(&str, i64)]) -> u64 {
    let envelope = roster(log, village, from, households);
    log.post(&envelope)
}

fn in_force(log: &TestLog, at: &str) -> u64 {
    log.record.roster(&id("east"), id(at)).unwrap().index
}

#[test]
fn the_latest_effective_roster_is_in_force_and_of_equal_ones_the_last_posted() {
    let mut log = TestLog::founded();
    let noon = post(&mut log, "east", "2016-05-01T12:00:00Z", &[("101", 500)]);
    assert_eq!(in_force(&log, "2016-05-01T11:59:59Z"), 6);
    assert_eq!(in_force(&log, "2016-05-01T12:00:00Z"), noon);
    let earlier = post(&mut log, "east", "2016-05-01T06:00:00Z", &[("101", 600)]);
    assert_eq!(in_force(&log, "2016-05-01T06:00:00Z"), earlier);
    assert_eq!(in_force(&log, "2016-06-01T00:00:00Z"), noon);
    let again = post(&mut log, "east", "2016-05-01T12:00:00Z", &[("101", 700)]);
    assert_eq!(in_force(&log, "2016-06-01T00:00:00Z"), again);
    let (village, entry) = log.record.household(&id("101"), id("2016-05-01T07:00:00Z")).unwrap();
    assert_eq!((village.as_str(), entry.area()), ("east", Area(600)));
    assert!(log.record.roster(&id("east"), id("2015-12-31T15:59:59Z")).is_none());
}

#[test]
fn a_watering_goes_by_the_roster_in_force_when_it_began() {
    let (mut log, meter, _) = watered();
    post(&mut log, "east", "2016-05-01T05:00:00Z", &[("101", 100), ("104", 300)]);
    let before = draft(&mut log, &meter, "t2", "04:00", "06:00");
    let households = |facts: &WateringFacts| -> Vec<(HouseholdNo, Area)> {
        facts.shares.iter().map(|share| (share.household.clone(), share.area)).collect()
    };
    let old = [("101", 840), ("102", 1170), ("103", 990)];
    assert_eq!(households(&before), old.map(|(number, area)| (id(number), Area(area))));
    log.post_watering(before);
    let after = draft(&mut log, &meter, "t3", "06:00", "07:00");
    let new = [("101", 100), ("104", 300)];
    assert_eq!(households(&after), new.map(|(number, area)| (id(number), Area(area))));
    log.post_watering(after);
    assert!(audit::audit(&log.export(), None).holds());
}

#[test]
fn rejects_a_watering_by_a_roster_that_was_not_in_force_when_it_began() {
    let (mut log, meter, _) = watered();
    let old = draft(&mut log, &meter, "t2", "04:00", "05:00");
    post(&mut log, "east", "2016-05-01T04:00:00Z", &[("101", 839), ("102", 1170)]);
    let error = refused(&log, &log.seal_watering(old.clone()));
    assert!(matches!(&error, RecordError::AreaTooLarge(no) if no.as_str() == "101"), "{error}");
    let mut smaller = old;
    smaller.shares[0].area = Area(839);
    let parts: Vec<_> = smaller.shares.iter().map(Share::part).collect();
    smaller.shares = divide(smaller.volume_litres, smaller.method, &parts).unwrap();
    let error = refused(&log, &log.seal_watering(smaller));
    assert!(matches!(&error, RecordError::NotInGroup(no, _) if no.as_str() == "103"), "{error}");
}

#[test]
fn rejects_a_watering_before_the_first_roster() {
    let (mut log, meter, _) = watered();
    let mut early = draft(&mut log, &meter, "t2", "04:00", "05:00");
    early.start = id::<Timestamp>("2015-12-31T15:00:00Z");
    let error = refused(&log, &log.seal_watering(early.clone()));
    assert!(matches!(error, RecordError::NoRoster(_, at) if at == early.start), "{error}");
}

#[test]
fn rejects_a_household_that_stands_in_another_village_at_the_same_time() {
    let mut log = TestLog::founded();
    let moved = [("201", 600), ("101", 100)];
    for from in ["2015-12-31T16:00:00Z", "2016-06-01T00:00:00Z"] {
        let envelope = roster(&mut log, "west", from, &moved);
        let error = refused(&log, &envelope);
        let named = matches!(&error, RecordError::InTwoVillages(household, village)
            if household.as_str() == "101" && village.as_str() == "east");
        assert!(named, "{from}: {error}");
    }
    // It leaves the one village before it stands in the other.
    post(&mut log, "east", "2016-05-01T00:00:00Z", &[("102", 1170)]);
    let too_early = roster(&mut log, "west", "2016-04-30T23:59:59Z", &moved);
    let error = refused(&log, &too_early);
    assert!(matches!(error, RecordError::InTwoVillages(..)), "{error}");
    post(&mut log, "west", "2016-05-01T00:00:00Z", &moved);
    let place = |at: &str| log.record.household(&id("101"), id(at)).unwrap().0.to_string();
    assert_eq!(place("2016-04-30T23:59:59Z"), "east");
    assert_eq!(place("2016-05-01T00:00:00Z"), "west");
    // Nor may it come back by a roster that reaches into the other's time.
    let back = roster(&mut log, "east", "2016-04-01T00:00:00Z", &[("101", 840)]);
    log.post(&back);
    let again = roster(&mut log, "east", "2016-07-01T00:00:00Z", &[("101", 840)]);
    let error = refused(&log, &again);
    assert!(matches!(error, RecordError::InTwoVillages(..)), "{error}");
}

#[test]
fn rejects_a_group_that_the_village_does_not_have() {
    let mut log = TestLog::founded();
    let people = log.people.clone();
    let signers = [&people.station, &people.east];
    let mut roster = log.roster("east", &[], &signers);
    let entries = r#"[{"household":"101","group":"g9","plots":[{"crop":"玉米","source":"ground","area":1}]}]"#;
    roster.households = 1;
    roster.entries = log.attach(disclosure::statement::ROSTER_MEDIA_TYPE, entries.into());
    let error = refused(&log, &TestLog::seal(&Statement::Roster(roster), &signers));
    assert!(
        matches!(&error, RecordError::UnknownGroup(group, _) if group.as_str() == "g9"),
        "{error}"
    );
}

#[test]
fn the_years_charges_go_by_the_roster_at_its_beginning_and_water_by_that_at_its_start() {
    let (mut log, ..) = watered();
    let basic = |log: &TestLog| {
        let due = log.record.settle(&id("east"), &id(ROUND)).unwrap();
        let line = due.bills[0].lines[0].clone();
        assert!(matches!(line.charge, Charge::Basic { year: 2016, .. }), "{line:?}");
        (due.bills.len(), line.amount_fen)
    };
    assert_eq!(basic(&log), (3, Fen(3360)));
    post(&mut log, "east", "2016-05-01T03:00:00Z", &[("101", 100)]);
    assert_eq!(basic(&log), (3, Fen(3360)), "it came into force after the watering had begun");
    let four = [("101", 900), ("102", 1170), ("103", 990), ("104", 500)];
    post(&mut log, "east", "2015-12-31T16:00:00Z", &four);
    assert_eq!(basic(&log), (4, Fen(3600)));
}
