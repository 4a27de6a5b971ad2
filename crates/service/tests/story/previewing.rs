//! Readings by hand are looked at before anybody signs them.

use audit::testing::TestMeter;
use service::ServiceError;
use service::hand_readings::{
    DraftError, DraftReading, MAX_DRAFT_READINGS, Preview, ReadingUnit, StoredReading,
};

use crate::drafting::by_hand;
use crate::town::at;
use crate::{Town, id};

fn draft(time: &str, value: &str) -> DraftReading {
    let (meter, unit) = ("me1".to_owned(), ReadingUnit::Own);
    DraftReading { meter, at: at(time), value: value.to_owned(), unit }
}

/// What is said of one reading.
async fn refusal(town: &Town, draft: DraftReading) -> String {
    match town.service.preview_readings(&[draft]).await.unwrap().remove(0) {
        Preview::Refused { reason } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_new_known_contradicting_and_falling_is_told_apart() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(4);
    town.send(&meter, 1..=4).await;
    let last = telemetry::decode(&meter.reports[3]).unwrap().report().readings.clone();
    let (first, last) = (last[0], last[last.len() - 1]);
    let stored = |one: telemetry::Reading| StoredReading {
        at: domain::Timestamp::from_millis(one.at_ms).unwrap(),
        value: one.value,
    };
    let entry = by_hand(&town.log.people.station, &[("05:00", last.value + 100)]);
    town.service.enter_readings(&entry).await.unwrap();

    let at_reading = |one: telemetry::Reading, value: i64| DraftReading {
        at: stored(one).at,
        value: value.to_string(),
        ..draft("00:00", "")
    };
    let drafts = [
        at_reading(first, first.value),
        at_reading(last, last.value + 1),
        draft("03:00", &(last.value - 5).to_string()),
        draft("04:00", &(last.value - 4).to_string()),
        draft("04:00", &(last.value - 3).to_string()),
        draft("05:00", &(last.value + 100).to_string()),
        draft("06:00", &(last.value + 50).to_string()),
    ];
    let previews = town.service.preview_readings(&drafts).await.unwrap();
    let new = |value, falls_from| Preview::New { value, falls_from };
    let by_hand = StoredReading { at: at("05:00"), value: last.value + 100 };
    assert_eq!(
        previews,
        [
            Preview::Known { value: first.value },
            Preview::Contradicts { value: last.value + 1, stored: stored(last) },
            new(last.value - 5, Some(stored(last))),
            // It follows the one before it in the list.
            new(last.value - 4, None),
            Preview::Contradicts {
                value: last.value - 3,
                stored: StoredReading { at: at("04:00"), value: last.value - 4 },
            },
            Preview::Known { value: last.value + 100 },
            new(last.value + 50, Some(by_hand)),
        ]
    );
}

#[tokio::test]
async fn rejects_what_could_not_be_entered() {
    let town = Town::founded().await;
    let reason = refusal(&town, DraftReading { meter: "mx9".into(), ..draft("01:00", "1") }).await;
    assert!(reason.contains("no meter mx9"), "{reason}");
    let reason = refusal(&town, DraftReading { meter: "M 1".into(), ..draft("01:00", "1") }).await;
    assert!(reason.contains("a-z"), "{reason}");
    let before = DraftReading { at: id("2016-03-31T23:00:00Z"), ..draft("01:00", "1") };
    assert!(refusal(&town, before).await.contains("stood at its outlet"));
    let tomorrow = DraftReading { at: id("2016-05-11T00:00:00Z"), ..draft("01:00", "1") };
    assert!(refusal(&town, tomorrow).await.contains("future"));
    assert!(refusal(&town, draft("01:00", "4720.6")).await.contains("a whole number"));
    let unit = DraftReading { unit: ReadingUnit::KilowattHours, ..draft("01:00", "1") };
    assert!(refusal(&town, unit).await.contains("does not count kilowatt-hours"));
}

#[tokio::test]
async fn rejects_too_many_at_once() {
    let town = Town::founded().await;
    let many = vec![draft("01:00", "1"); MAX_DRAFT_READINGS + 1];
    assert!(town.service.preview_readings(&many).await.is_err());
}

#[tokio::test]
async fn what_the_preview_refuses_is_refused_when_it_is_signed() {
    let town = Town::founded().await;
    let station = &town.log.people.station;
    let enter = async |readings: &[(&str, i64)]| {
        town.service.enter_readings(&by_hand(station, readings)).await
    };
    let first = enter(&[("01:00", 500)]).await.unwrap();
    assert_eq!(enter(&[("01:00", 500)]).await.unwrap(), first);
    let error = enter(&[("00:30", 480), ("01:00", 501)]).await.unwrap_err();
    assert!(
        matches!(error, ServiceError::ReadingContradicts { value: 501, stored: 500, .. }),
        "{error}"
    );
    town.set_clock(at("02:00"));
    let error = enter(&[("03:00", 900)]).await.unwrap_err();
    assert!(matches!(error, ServiceError::HandReading(DraftError::Future(_))), "{error}");
    // Nothing of what was refused is kept.
    assert_eq!(enter(&[("01:30", 520)]).await.unwrap().entry, first.entry + 1);
}
