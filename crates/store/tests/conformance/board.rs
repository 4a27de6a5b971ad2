//! Totals, bills and holders.

use domain::{Fen, HouseholdNo, Litres};
use store::{NewBill, NewEntry, Projection};

use crate::ground::{Ground, entry, household, round, village};
use crate::waterings::{post, watering};

pub fn bill(number: &str, total: i64) -> NewBill {
    NewBill {
        household: household(number),
        total: Fen(total),
        body: format!("{{\"total\":{total},\"note\":\"两部制 \\\"A\\\"\"}}"),
    }
}

pub fn bill_run(index: u64, of_round: Option<&str>, bills: Vec<NewBill>) -> NewEntry {
    NewEntry {
        kind: "bill-run".into(),
        village: Some(village("shang")),
        round: of_round.map(round),
        projection: Projection::BillRun { year: 2016, bills },
        ..entry(index)
    }
}

pub async fn totals_follow_the_postings(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(store.village_totals().await.unwrap(), []);
    let elsewhere = NewEntry {
        village: Some(village("xia")),
        round: Some(round("2016-2")),
        ..watering(2, 0, [1, 1], None)
    };
    post(&store, vec![watering(0, 0, [6, 4], None), watering(1, 1, [3, 2], None), elsewhere]).await;
    post(
        &store,
        vec![
            bill_run(3, Some("2016-1"), vec![bill("001", 100), bill("002", 50)]),
            bill_run(4, None, vec![bill("001", -30)]),
        ],
    )
    .await;
    let totals = store.village_totals().await.unwrap();
    let told: Vec<_> = totals
        .iter()
        .map(|total| (total.village.as_str(), total.waterings, total.volume, total.billed))
        .collect();
    assert_eq!(told, [("shang", 2, Litres(15), Fen(120)), ("xia", 1, Litres(2), Fen(0))]);
    let rounds = store.round_totals(&village("shang")).await.unwrap();
    let told: Vec<_> = rounds
        .iter()
        .map(|total| (total.round.clone(), total.waterings, total.volume, total.billed))
        .collect();
    let spring = Some(round("2016-1"));
    assert_eq!(told, [(None, 0, Litres(0), Fen(-30)), (spring, 2, Litres(15), Fen(150))]);
}

pub async fn bills_read_back(ground: Ground) {
    let store = ground.store().await;
    let spring = vec![bill("002", 50), bill("001", 100), bill("003", 7)];
    post(
        &store,
        vec![bill_run(0, Some("2016-1"), spring), bill_run(1, None, vec![bill("001", -30)])],
    )
    .await;

    let mine = store.bills(&household("001")).await.unwrap();
    let told: Vec<_> = mine.iter().map(|bill| (bill.run_index, bill.year, bill.total)).collect();
    assert_eq!(told, [(1, 2016, Fen(-30)), (0, 2016, Fen(100))]);
    assert_eq!(mine[1].body, bill("001", 100).body);
    let numbers = |rows: Vec<store::BillRow>| {
        rows.into_iter().map(|row| row.household.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(store.bills_of_run(0, None, 2).await.unwrap()), ["001", "002"]);
    let after = household("002");
    assert_eq!(numbers(store.bills_of_run(0, Some(&after), 10).await.unwrap()), ["003"]);

    let runs = store.bill_runs(&village("shang"), Some(&round("2016-1"))).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].run_index, runs[0].bills, runs[0].total), (0, 3, Fen(157)));
    let year = store.bill_runs(&village("shang"), None).await.unwrap();
    assert_eq!((year.len(), year[0].run_index, &year[0].round), (1, 1, &None));
    assert_eq!(store.bill_runs(&village("xia"), None).await.unwrap(), []);
}

/// More bills than one statement takes; numbers sort by their bytes on both engines.
pub async fn many_bills_go_in_whole(ground: Ground) {
    const BILLS: i64 = 5000;
    let store = ground.store().await;
    let number = |n: i64| if n % 2 == 0 { format!("{n:04}-a") } else { format!("{n:04}a") };
    let bills: Vec<NewBill> = (0..BILLS).map(|n| bill(&number(n), n)).collect();
    let mut expected: Vec<HouseholdNo> = bills.iter().map(|bill| bill.household.clone()).collect();
    expected.sort();
    post(&store, vec![bill_run(0, None, bills)]).await;

    let mut read: Vec<HouseholdNo> = Vec::new();
    loop {
        let page = store.bills_of_run(0, read.last(), u32::MAX).await.unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page.into_iter().map(|row| row.household));
    }
    assert!(read == expected, "{} read", read.len());
    let runs = store.bill_runs(&village("shang"), None).await.unwrap();
    assert_eq!((runs[0].bills, runs[0].total), (5000, Fen(BILLS * (BILLS - 1) / 2)));
}

pub async fn names_stand_beside_the_log(ground: Ground) {
    let store = ground.store().await;
    let (one, two) = (household("001"), household("002"));
    let names = [(one.clone(), "张*明".to_owned()), (two.clone(), "李*".to_owned())];
    store.put_holders(&names).await.unwrap();
    store.put_holders(&[(two.clone(), "王*".to_owned())]).await.unwrap();
    assert_eq!(store.holder(&one).await.unwrap().as_deref(), Some("张*明"));
    let found = store.holders(&[two.clone(), household("009"), one.clone()]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found.get(&two).map(String::as_str), Some("王*"));
    assert!(store.remove_holder(&one).await.unwrap());
    assert!(!store.remove_holder(&one).await.unwrap());
    assert_eq!(store.holder(&one).await.unwrap(), None);
}
