//! Devices that sign nothing: the server's gateway key vouches for what an adapter read.

use audit::testing::TestLog;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{Origin, RegistryMeter, Statement};
use domain::Timestamp;
use domain::progress::Progress;
use service::{Arrival, ForeignReading, Service};
use telemetry::{ChainHash, Flags, MAX_READINGS, MeterId, Reading};

use crate::drafting::facts;
use crate::town::{at, log_key};
use crate::{Town, id};

fn gateway() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

/// Posts that the gateway vouches for the east meter with this key.
async fn vouch_for_east(town: &Town, key: &SigningKey) {
    let mut registry = town.log.registry();
    registry.villages.clear();
    registry.outlets.clear();
    registry.meters.truncate(1);
    let meter = registry.meters[0].meter.clone();
    let signing = RegistryMeter::signing(meter, PublicKey::of(key));
    registry.meters[0] = RegistryMeter { origin: Origin::GatewayVouched, ..signing };
    let signers = [&town.log.people.roots[0], &town.log.people.station];
    town.propose(&TestLog::seal(&Statement::Registry(registry), &signers)).await.unwrap();
}

/// A server of the town that holds the gateway key.
async fn vouching(town: &Town) -> Service {
    town.reopen(log_key()).await.unwrap().vouching_with(gateway())
}

/// A message with readings at these minutes after midnight.
fn message(message_id: Option<&str>, readings: &[(i64, i64)]) -> Arrival {
    let midnight = at("00:00").millis();
    let reading =
        |&(minute, value): &(i64, i64)| Reading { at_ms: midnight + minute * 60_000, value };
    Arrival {
        topic: "application/1/device/24e124136b502217/event/up".to_owned(),
        meter: "me1".to_owned(),
        payload: format!("{message_id:?} {readings:?}").into_bytes(),
        refused: None,
        foreign: Some(ForeignReading {
            meter: MeterId::new("me1").unwrap(),
            readings: readings.iter().map(reading).collect(),
            flags: Flags::LOW_BATTERY,
            message_id: message_id.map(str::to_owned),
        }),
    }
}

/// All stored reports of the east meter, which follow each other and are signed by the gateway.
async fn stored(service: &Service) -> Vec<Vec<(i64, i64)>> {
    let midnight = at("00:00").millis();
    let reports = service.store().reports(&id::<domain::MeterCode>("me1"), 1, 1_000).await.unwrap();
    let (mut before, mut all) = (ChainHash::FIRST, Vec::new());
    for (seq, stored) in (1..).zip(&reports) {
        let signed = telemetry::decode(&stored.bytes).unwrap();
        signed.verify(&gateway().verifying_key()).unwrap();
        let report = signed.report();
        assert_eq!((report.seq, report.previous, report.flags), (seq, before, Flags::LOW_BATTERY));
        before = signed.chain_hash();
        let shown = |one: &Reading| ((one.at_ms - midnight) / 60_000, one.value);
        all.push(report.readings.iter().map(shown).collect());
    }
    all
}

/// Why messages were kept apart, newest first.
async fn reasons(service: &Service) -> Vec<String> {
    let rows = service.store().quarantine(None, 100).await.unwrap();
    rows.into_iter().map(|row| row.reason).collect()
}

#[tokio::test]
async fn what_an_adapter_read_becomes_reports_and_a_watering_that_an_auditor_follows() {
    let town = Town::founded().await;
    vouch_for_east(&town, &gateway()).await;
    let server = vouching(&town).await;
    for hour in 0..5 {
        let readings = [(hour * 60, 100 + hour * 30), (hour * 60 + 30, 115 + hour * 30)];
        server.ingest(vec![message(None, &readings)]).await.unwrap();
    }
    assert_eq!(stored(&server).await.len(), 5);
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    let facts = facts(&town.only(Progress::Draft).await);
    assert_eq!(facts.origin, Origin::GatewayVouched);
    assert_eq!(facts.volume_litres.get(), 75 * 100);
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn the_same_again_is_counted_and_dropped() {
    let town = Town::founded().await;
    vouch_for_east(&town, &gateway()).await;
    let server = vouching(&town).await;
    let (one, two) = (message(Some("a"), &[(0, 5)]), message(Some("b"), &[(10, 6)]));
    // Twice in one batch, in a later one, and under another id.
    server.ingest(vec![one.clone(), one.clone(), two.clone()]).await.unwrap();
    server.ingest(vec![two, one, message(Some("c"), &[(10, 6)])]).await.unwrap();
    // A device that sends its buffer again and adds to it.
    server.ingest(vec![message(None, &[(0, 5), (10, 6), (20, 7)])]).await.unwrap();
    assert_eq!(stored(&server).await, [[(0, 5)], [(10, 6)], [(20, 7)]]);
    let counts = server.foreign_counts();
    assert_eq!((counts.stored, counts.repeated), (3, 6));
    // The same id with a time of arrival that is another.
    server.ingest(vec![message(Some("a"), &[(90, 5)])]).await.unwrap();
    assert_eq!(stored(&server).await.len(), 3);
    assert_eq!(reasons(&server).await, [""; 0]);
}

#[tokio::test]
async fn a_late_uplink_is_kept() {
    let town = Town::founded().await;
    vouch_for_east(&town, &gateway()).await;
    let server = vouching(&town).await;
    for (minute, value) in [(30, 8), (10, 6), (20, 7), (0, 5)] {
        server.ingest(vec![message(None, &[(minute, value)])]).await.unwrap();
    }
    assert_eq!(stored(&server).await, [[(30, 8)], [(10, 6)], [(20, 7)], [(0, 5)]]);
    // And not taken twice for that.
    server.ingest(vec![message(None, &[(10, 6)])]).await.unwrap();
    assert_eq!(stored(&server).await.len(), 4);
}

#[tokio::test]
async fn a_long_buffer_becomes_reports_that_fit() {
    let town = Town::founded().await;
    vouch_for_east(&town, &gateway()).await;
    let server = vouching(&town).await;
    // As far apart as an adapter lets them be.
    let apart = |n: i64| if n % 2 == 0 { 1_000_000_000_000_000 } else { -1_000_000_000_000_000 };
    let count = i64::try_from(MAX_READINGS).unwrap();
    let readings: Vec<(i64, i64)> = (0..count).map(|n| (n * 40, apart(n))).collect();
    town.set_clock(id::<Timestamp>("2016-06-01T00:00:00Z"));
    server.ingest(vec![message(Some("long"), &readings)]).await.unwrap();
    assert_eq!(stored(&server).await.concat(), readings);
}

#[tokio::test]
async fn rejects_a_meter_that_nobody_registered() {
    let town = Town::founded().await;
    let server = vouching(&town).await;
    let mut stranger = message(None, &[(0, 5)]);
    stranger.foreign.as_mut().unwrap().meter = MeterId::new("mx9").unwrap();
    server.ingest(vec![stranger]).await.unwrap();
    assert_eq!(reasons(&server).await, ["unknown-meter"]);
}

#[tokio::test]
async fn rejects_a_meter_that_signs_itself_or_that_another_gateway_vouches_for() {
    let town = Town::founded().await;
    let server = vouching(&town).await;
    server.ingest(vec![message(None, &[(0, 5)])]).await.unwrap();
    vouch_for_east(&town, &SigningKey::from_bytes(&[78; 32])).await;
    server.ingest(vec![message(None, &[(0, 5)])]).await.unwrap();
    // A server without a gateway key.
    vouch_for_east(&town, &gateway()).await;
    town.service.ingest(vec![message(None, &[(0, 5)])]).await.unwrap();
    assert_eq!(reasons(&server).await, ["foreign-not-vouched"; 3]);
    assert_eq!(stored(&server).await, [[(0, 0); 0]; 0]);
    let kept = server.store().quarantine(None, 1).await.unwrap().remove(0);
    assert_eq!(kept.payload, message(None, &[(0, 5)]).payload);
}

#[tokio::test]
async fn rejects_a_time_that_has_not_come() {
    let town = Town::founded().await;
    vouch_for_east(&town, &gateway()).await;
    let server = vouching(&town).await;
    town.set_clock(at("01:00"));
    server.ingest(vec![message(None, &[(0, 5), (71, 6)])]).await.unwrap();
    assert_eq!(reasons(&server).await, ["time-ahead"]);
    server.ingest(vec![message(None, &[(0, 5), (70, 6)])]).await.unwrap();
    assert_eq!(stored(&server).await, [[(0, 5), (70, 6)]]);
}
