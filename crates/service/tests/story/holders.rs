//! Masked names of holders, handed in by the station.

use domain::holder::MaskedName;
use service::request::{Ask, Holder, MAX_HOLDERS};
use service::{Answer, ServiceError};

use crate::{Town, asks, id};

fn holders(names: &[(&str, &str)]) -> Ask {
    let holder = |&(household, name): &(&str, &str)| Holder {
        household: id(household),
        name: MaskedName::new(name).unwrap(),
    };
    Ask::Holders(names.iter().map(holder).collect())
}

#[tokio::test]
async fn a_later_import_replaces_names_and_an_old_one_sent_again_does_not() {
    let town = Town::founded().await;
    let station = town.log.people.station.clone();
    let first = asks(&station, holders(&[("101", "张*明"), ("102", "王*")])).to_json();
    assert_eq!(town.service.request(&first).await.unwrap(), Answer::Done);
    town.ask(&station, holders(&[("101", "李*")])).await.unwrap();
    assert_eq!(town.service.request(&first).await.unwrap(), Answer::Done);
    let store = town.service.store();
    assert_eq!(store.holder(&id("101")).await.unwrap().as_deref(), Some("李*"));
    assert_eq!(store.holder(&id("102")).await.unwrap().as_deref(), Some("王*"));
}

#[tokio::test]
async fn rejects_names_of_anybody_but_the_station_and_too_many_at_once() {
    let town = Town::founded().await;
    let people = town.log.people.clone();
    let error = town.ask(&people.east, holders(&[("101", "张*明")])).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
    let many = vec![("101", "张*明"); MAX_HOLDERS + 1];
    let error = town.ask(&people.station, holders(&many)).await.unwrap_err();
    assert!(matches!(error, ServiceError::TooLarge { limit: MAX_HOLDERS, .. }), "{error}");
}
