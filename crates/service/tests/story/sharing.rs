//! A turn's water is shared in the way that its turn says.

use audit::testing::TestMeter;
use domain::progress::Progress;
use domain::round::{Member, Turn};
use domain::share::{Share, ShareMethod};
use service::request::Ask;

use super::drafting::facts;
use crate::{Town, at, id, turn};

#[tokio::test]
async fn a_turn_by_minutes_is_shared_among_those_it_names() {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    let member =
        |household, minutes| Member { minutes: Some(minutes), ..Member::new(id(household)) };
    let mut turn = turn("t1", "e1", "01:00");
    turn.method = ShareMethod::Minutes;
    turn.members = vec![member("101", 90), member("103", 60)];
    let station = &town.log.people.station;
    town.ask(station, Ask::OpenTurn(turn)).await.unwrap();
    let closed_at = at("03:30");
    town.ask(station, Ask::CloseTurn { turn: id("t1"), closed_at }).await.unwrap();
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let facts = facts(&draft);
    let shared: Vec<_> =
        facts.shares.iter().map(|share| (share.household.as_str(), share.minutes)).collect();
    assert_eq!(shared, [("101", Some(90)), ("103", Some(60))]);
    assert_eq!(facts.shares[0].litres.get(), facts.volume_litres.get() * 90 / 150);
    town.sign_all().await;
    town.audit().await;
}

#[tokio::test]
async fn rejects_a_turn_whose_minutes_were_not_noted() {
    let town = Town::founded().await;
    let mut turn = turn("t1", "e1", "01:00");
    turn.method = ShareMethod::Minutes;
    let error = town.ask(&town.log.people.station, Ask::OpenTurn(turn)).await.unwrap_err();
    assert!(error.to_string().contains("has no minutes to share by"), "{error}");
}

#[tokio::test]
async fn rejects_two_households_for_water_metered_to_one() {
    let town = Town::founded().await;
    let mut turn = turn("t1", "e1", "01:00");
    turn.method = ShareMethod::Household;
    turn.members = ["101", "103"].map(|household| Member::new(id(household))).to_vec();
    let station = &town.log.people.station;
    let error = town.ask(station, Ask::OpenTurn(turn.clone())).await.unwrap_err();
    assert!(error.to_string().contains("name that one alone"), "{error}");
    turn.members.truncate(1);
    turn.members[0].weight = Some(2);
    let error = town.ask(station, Ask::OpenTurn(turn)).await.unwrap_err();
    assert!(error.to_string().contains("weight noted, which the method household"), "{error}");
}

/// A turn of two households from opening to the audit; what their shares are, in per mille of the volume.
async fn shared_by(method: ShareMethod, members: Vec<Member>) -> Vec<(String, i64)> {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(12);
    town.send(&meter, 1..=12).await;
    let turn = Turn { method, members, ..turn("t1", "e1", "01:00") };
    let station = &town.log.people.station;
    town.ask(station, Ask::OpenTurn(turn)).await.unwrap();
    let closed_at = at("03:30");
    town.ask(station, Ask::CloseTurn { turn: id("t1"), closed_at }).await.unwrap();
    town.service.draft_due().await.unwrap();
    let draft = town.only(Progress::Draft).await;
    let facts = facts(&draft);
    town.sign_all().await;
    town.audit().await;
    let per_mille = |litres: i64| litres * 1000 / facts.volume_litres.get();
    let share = |share: &Share| (share.household.to_string(), per_mille(share.litres.get()));
    facts.shares.iter().map(share).collect()
}

#[tokio::test]
async fn a_turn_is_shared_by_minutes_and_flow() {
    let flowed = |household, minutes, flow| Member {
        minutes: Some(minutes),
        flow_ml_per_s: Some(flow),
        ..Member::new(id(household))
    };
    let members = vec![flowed("101", 90, 20_000), flowed("103", 30, 20_000)];
    let shares = shared_by(ShareMethod::MinutesFlow, members).await;
    assert_eq!(shares, [("101".to_owned(), 750), ("103".to_owned(), 250)]);
}

#[tokio::test]
async fn a_turn_is_shared_by_agreed_weights() {
    let agreed = |household, weight| Member { weight: Some(weight), ..Member::new(id(household)) };
    let shares = shared_by(ShareMethod::Fixed, vec![agreed("101", 1), agreed("103", 3)]).await;
    assert_eq!(shares, [("101".to_owned(), 250), ("103".to_owned(), 750)]);
}

#[tokio::test]
async fn a_turn_is_metered_to_one_household() {
    let shares = shared_by(ShareMethod::Household, vec![Member::new(id("103"))]).await;
    assert_eq!(shares, [("103".to_owned(), 1000)]);
}
