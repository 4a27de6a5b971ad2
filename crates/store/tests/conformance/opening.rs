//! Opening a database, and what stands in it afterwards.

use domain::DistrictId;
use store::{Store, StoreError};

use crate::ground::{Ground, at, meter, outlet, report, round, spring};

pub async fn answers_and_names_its_schema(ground: Ground) {
    let store = ground.store().await;
    store.ping().await.unwrap();
    assert!(store.schema_version().await.unwrap() >= 1);
    assert_eq!(store.district(), &ground.district);
    store.close().await;
    assert!(store.ping().await.is_err());
}

pub async fn keeps_everything_over_a_restart(ground: Ground) {
    let store = ground.store().await;
    store.store_reports(at(1), &[report("m1", 1)], &[]).await.unwrap();
    store.put_round(&spring()).await.unwrap();
    store.close().await;

    let store = ground.store().await;
    assert_eq!(store.report_count().await.unwrap(), 1);
    assert_eq!(store.rounds().await.unwrap(), [spring()]);
    store.close().await;
}

pub async fn districts_do_not_see_each_other(ground: Ground) {
    let (ours, theirs) = (ground.store().await, ground.of_district("neighbour").store().await);
    ours.store_reports(at(1), &[report("m1", 1), report("m1", 2)], &[]).await.unwrap();
    ours.put_round(&spring()).await.unwrap();
    assert_eq!(theirs.report_count().await.unwrap(), 0);
    assert_eq!(theirs.reports(&meter("m1"), 1, 9).await.unwrap(), []);
    assert_eq!(theirs.round(&round("2016-1")).await.unwrap(), None);
    // The same code is another meter there.
    let batch = theirs.store_reports(at(1), &[report("m1", 1)], &[]).await.unwrap();
    assert_eq!((batch.stored, batch.duplicates), (1, 0));
}

pub async fn a_value_nobody_wrote_is_corrupt(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    store.open_turn(&crate::ground::new_turn("t1", "w1")).await.unwrap();
    let district = format!("(SELECT id FROM district WHERE code = '{}')", ground.district);
    ground
        .tamper(&format!("UPDATE turn SET village = 'No/Village' WHERE district = {district}"))
        .await;
    let error = store.open_turn_at(&outlet("w1")).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Corrupt { table: "turn", column: "village", .. }),
        "{error}"
    );
    ground.tamper(&format!("UPDATE round SET opens_at = -1 WHERE district = {district}")).await;
    let error = store.rounds().await.unwrap_err();
    assert!(
        matches!(error, StoreError::Corrupt { table: "round", column: "opens_at", .. }),
        "{error}"
    );
}

pub async fn refuses_a_newer_schema(url: &str) {
    let ground = Ground::new(url.into());
    ground.store().await.close().await;
    ground
        .tamper(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
    let error = Store::open(url, &ground.district).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
}

#[tokio::test]
async fn sqlite_refuses_a_newer_schema() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("newer.db").display());
    refuses_a_newer_schema(&url).await;
}

#[tokio::test]
async fn rejects_addresses_of_other_kinds() {
    let district = DistrictId::new("d").unwrap();
    for url in ["", "mysql://u:secret@h/d", "sqlite:", "sqlite::memory:", "postgres:x", "/a/file"] {
        let error = Store::open(url, &district).await.unwrap_err();
        assert!(matches!(error, StoreError::Url { .. }), "{url}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
