//! Payments, reversals, and what is owed after them.

use domain::Fen;
use domain::payment::{PaymentWay, ReceiptNo};
use store::{
    HouseholdSums, MAX_PAYMENTS_PER_CALL, NewEntry, NewPayment, NewPayments, OwedAfter, OwedRow,
    OwedSum, PaymentsOutcome, PostOutcome, Posting, Receipted, Reversal, Store, StoreError,
    VillageYear,
};

use crate::board::{bill, bill_run};
use crate::ground::{Ground, at, household, person, posting, village};
use crate::waterings::post;

fn receipt(number: u64) -> ReceiptNo {
    ReceiptNo::new(number).unwrap()
}

fn payment(number: &str, fen: i64, reference: Option<&str>) -> NewPayment {
    NewPayment {
        household: household(number),
        village: village("shang"),
        amount: Fen(fen),
        way: if reference.is_some() { PaymentWay::Bank } else { PaymentWay::Cash },
        paid_at: at(60),
        reference: reference.map(str::to_owned),
        note: None,
    }
}

fn request(digest: u8, payments: Vec<NewPayment>) -> NewPayments {
    NewPayments {
        request: [digest; 32],
        recorded_by: person("station-1"),
        recorded_at: at(120),
        payments,
    }
}

/// Receipt numbers, and whether each was known.
async fn record(store: &Store, digest: u8, payments: Vec<NewPayment>) -> Vec<(u64, bool)> {
    match store.record_payments(&request(digest, payments)).await.unwrap() {
        PaymentsOutcome::Recorded(receipts) => {
            receipts.iter().map(|one: &Receipted| (one.receipt.get(), one.known)).collect()
        }
        PaymentsOutcome::Taken(taken) => unreachable!("{taken:?}"),
    }
}

fn reversal() -> Reversal {
    Reversal { reason: "户号录错".to_owned(), by: person("station-2"), at: at(600) }
}

pub async fn a_payment_reads_back_with_its_receipt(ground: Ground) {
    let store = ground.store().await;
    let noted = NewPayment {
        note: Some("\"二季度\"".to_owned()),
        ..payment("001", 118_676, Some("TX/1"))
    };
    let first =
        record(&store, 1, vec![noted, payment("002", 50, None), payment("001", 50, None)]).await;
    assert_eq!(first, [(1, false), (2, false), (3, false)]);
    assert_eq!(record(&store, 2, vec![payment("001", 7, None)]).await, [(4, false)]);

    let one = store.payment(receipt(1)).await.unwrap().unwrap();
    assert_eq!((one.household, one.village), (household("001"), village("shang")));
    assert_eq!((one.amount, one.way, one.paid_at), (Fen(118_676), PaymentWay::Bank, at(60)));
    assert_eq!((one.reference.as_deref(), one.note.as_deref()), (Some("TX/1"), Some("\"二季度\"")));
    assert_eq!((one.recorded_by, one.recorded_at), (person("station-1"), at(120)));
    assert_eq!(one.reversal, None);
    assert_eq!(store.payment(receipt(5)).await.unwrap(), None);

    let mine = |before, rows| {
        let store = store.clone();
        async move {
            let rows = store.payments(&household("001"), before, rows).await.unwrap();
            rows.into_iter().map(|row| row.receipt.get()).collect::<Vec<_>>()
        }
    };
    assert_eq!(mine(None, 2).await, [4, 3]);
    assert_eq!(mine(Some(receipt(3)), u32::MAX).await, [1]);
}

pub async fn the_same_request_again_records_nothing(ground: Ground) {
    let store = ground.store().await;
    let payments =
        vec![payment("001", 5, None), payment("001", 5, None), payment("002", 6, Some("a"))];
    let first = record(&store, 1, payments.clone()).await;
    assert_eq!(first, [(1, false), (2, false), (3, false)]);
    assert_eq!(record(&store, 1, payments.clone()).await, first);
    // Another request says the same in cash, which is another payment; under a reference it is the same one.
    assert_eq!(record(&store, 2, payments.clone()).await, [(4, false), (5, false), (3, true)]);
    assert_eq!(record(&store, 2, payments).await, [(4, false), (5, false), (3, true)]);
}

pub async fn a_taken_reference_stops_the_whole_request(ground: Ground) {
    let store = ground.store().await;
    record(&store, 1, vec![payment("001", 5, Some("a"))]).await;
    let others =
        vec![payment("003", 1, None), payment("002", 5, Some("a")), payment("003", 2, Some("b"))];
    for number in ["002", "001"] {
        let mut others = others.clone();
        others[1] = payment(number, if number == "001" { 6 } else { 5 }, Some("a"));
        let outcome = store.record_payments(&request(2, others)).await.unwrap();
        let PaymentsOutcome::Taken(taken) = outcome else { unreachable!("{outcome:?}") };
        let told: Vec<_> = taken.iter().map(|one| (one.place, one.by.receipt.get())).collect();
        assert_eq!(told, [(1, 1)]);
    }
    assert_eq!(store.payments(&household("003"), None, 10).await.unwrap(), []);
    let found = store.payments_by_reference(&["b", "a"]).await.unwrap();
    assert_eq!(found.iter().map(|row| row.receipt.get()).collect::<Vec<_>>(), [1]);
    // No number was lost.
    assert_eq!(record(&store, 3, vec![payment("003", 1, None)]).await, [(2, false)]);
    let twice = vec![payment("001", 1, Some("c")), payment("001", 1, Some("c"))];
    let error = store.record_payments(&request(4, twice)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { what: "payments", .. }), "{error}");
}

pub async fn a_reversed_payment_stays_and_does_not_count(ground: Ground) {
    let store = ground.store().await;
    record(&store, 1, vec![payment("001", 500, Some("a")), payment("001", 70, None)]).await;
    assert!(store.reverse_payment(receipt(1), &reversal()).await.unwrap());
    let another = Reversal { reason: "再说".to_owned(), ..reversal() };
    assert!(!store.reverse_payment(receipt(1), &another).await.unwrap());
    let one = store.payment(receipt(1)).await.unwrap().unwrap();
    assert_eq!((one.amount, one.reversal), (Fen(500), Some(reversal())));
    let error = store.reverse_payment(receipt(9), &reversal()).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    let sums = store.household_sums(&household("001")).await.unwrap();
    assert_eq!(sums, HouseholdSums { billed: vec![], paid: Fen(70) });
    // The bank's file again brings it not back; the right household may have its reference.
    assert_eq!(record(&store, 2, vec![payment("001", 500, Some("a"))]).await, [(1, true)]);
    assert_eq!(record(&store, 3, vec![payment("002", 500, Some("a"))]).await, [(3, false)]);
    let outcome = store.record_payments(&request(4, vec![payment("003", 500, Some("a"))])).await;
    assert!(matches!(outcome.unwrap(), PaymentsOutcome::Taken(_)));
}

/// Two servers number one book.
pub async fn two_servers_leave_no_gap(ground: Ground) {
    let (one, two) = (ground.store().await, ground.store().await);
    let rounds = 0..8_u8;
    let first = rounds
        .clone()
        .map(|n| record(&one, n, vec![payment("001", 1, Some("a")), payment("001", 2, None)]));
    let second = rounds.map(|n| {
        record(&two, 100 + n, vec![payment("001", 1, Some("a")), payment("002", 3, None)])
    });
    let (first, second) = tokio::join!(in_turn(first), in_turn(second));
    let mut numbers: Vec<u64> = first
        .iter()
        .chain(&second)
        .flatten()
        .filter(|(_, known)| !known)
        .map(|(n, _)| *n)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=17).collect::<Vec<u64>>());
}

async fn in_turn<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    for one in all {
        done.push(one.await);
    }
    done
}

pub async fn rejects_more_payments_than_a_request_holds(ground: Ground) {
    let store = ground.store().await;
    let many = |count: usize| vec![payment("001", 1, None); count];
    assert_eq!(record(&store, 1, many(MAX_PAYMENTS_PER_CALL)).await.len(), MAX_PAYMENTS_PER_CALL);
    let error = store.record_payments(&request(2, many(MAX_PAYMENTS_PER_CALL + 1))).await;
    assert!(matches!(error, Err(StoreError::TooMany { .. })), "{error:?}");
    let references = vec!["a"; MAX_PAYMENTS_PER_CALL + 1];
    let error = store.payments_by_reference(&references).await;
    assert!(matches!(error, Err(StoreError::TooMany { .. })), "{error:?}");
}

pub async fn a_payment_nobody_wrote_is_corrupt(ground: Ground) {
    let store = ground.store().await;
    record(&store, 1, vec![payment("001", 1, None)]).await;
    let district = &ground.district;
    ground
        .tamper(&format!(
            "UPDATE payment SET way = 'cheque' WHERE district = (SELECT id FROM district WHERE code = '{district}')"
        ))
        .await;
    let error = store.payment(receipt(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { column: "way", .. }), "{error}");
}

/// 001 is billed 100 and then 40, 002 50, 003 75, 004 9 and then by another village.
async fn billed(store: &Store) {
    let first = vec![bill("001", 100), bill("002", 50), bill("003", 75), bill("004", 9)];
    let moved = NewEntry {
        village: Some(village("xia")),
        ..bill_run(2, Some("2016-1"), vec![bill("004", 30)])
    };
    let later = bill_run(1, None, vec![bill("001", 40)]);
    for (day, run) in (1..).zip([bill_run(0, Some("2016-1"), first), later, moved]) {
        let on_top = posting(store.head().await.unwrap(), vec![run], 1);
        let dated = Posting { posted_at: at(day * 86_400), ..on_top };
        assert_eq!(store.post(&dated).await.unwrap(), PostOutcome::Posted);
    }
}

fn owed(rows: &[OwedRow]) -> Vec<(&str, i64, i64, i64)> {
    let told = |row: &OwedRow| (row.billed.get(), row.paid.get(), row.owed().get());
    rows.iter()
        .map(|row| {
            let (billed, paid, owed) = told(row);
            (row.household.as_str(), billed, paid, owed)
        })
        .collect()
}

pub async fn what_is_owed_is_billed_less_what_counts(ground: Ground) {
    let store = ground.store().await;
    billed(&store).await;
    let paid =
        vec![payment("001", 110, None), payment("002", 50, Some("a")), payment("003", 75, None)];
    record(&store, 1, paid).await;
    store.reverse_payment(receipt(3), &reversal()).await.unwrap();
    let shang = village("shang");
    let rows = store.owed(&shang, &OwedAfter::Number(None), 10).await.unwrap();
    assert_eq!(owed(&rows), [("001", 140, 110, 30), ("003", 75, 0, 75)]);
    // 110 fen cover the first bill and not the second.
    assert_eq!(rows[0].since, at(2 * 86_400));
    assert_eq!(rows[1].since, at(86_400));
    assert_eq!(store.owed_sum(&shang).await.unwrap(), OwedSum { households: 2, owed: Fen(105) });
    // Who moved is reminded once, of all.
    let rows = store.owed(&village("xia"), &OwedAfter::Balance(None), 10).await.unwrap();
    assert_eq!(owed(&rows), [("004", 39, 0, 39)]);
    assert_eq!(store.owed_sum(&village("zhong")).await.unwrap(), OwedSum::default());
    let sums = store.household_sums(&household("001")).await.unwrap();
    assert_eq!(sums, HouseholdSums { billed: vec![(2016, Fen(140))], paid: Fen(110) });
    assert_eq!(store.billed_village(&household("004")).await.unwrap(), Some(village("xia")));
    assert_eq!(store.billed_village(&household("009")).await.unwrap(), None);
}

pub async fn what_is_owed_is_read_by_number_or_balance(ground: Ground) {
    let store = ground.store().await;
    let bills = vec![bill("b", 20), bill("a", 20), bill("c", 90), bill("d", 5), bill("e", -5)];
    post(&store, vec![bill_run(0, None, bills)]).await;
    let shang = village("shang");
    for (first, expected) in [
        (OwedAfter::Number(None), ["a", "b", "c", "d"]),
        (OwedAfter::Balance(None), ["c", "a", "b", "d"]),
    ] {
        let (mut after, mut read) = (first, Vec::new());
        while let Some(row) = store.owed(&shang, &after, 1).await.unwrap().pop() {
            after = match after {
                OwedAfter::Number(_) => OwedAfter::Number(Some(row.household.clone())),
                OwedAfter::Balance(_) => {
                    OwedAfter::Balance(Some((row.owed(), row.household.clone())))
                }
            };
            read.push(row.household.to_string());
        }
        assert_eq!(read, expected);
    }
}

pub async fn a_villages_money_adds_up_by_year(ground: Ground) {
    let store = ground.store().await;
    billed(&store).await;
    // 2016-05-01 and some years of seconds later.
    let later = NewPayment { paid_at: at(2 * 365 * 86_400), ..payment("002", 20, None) };
    record(&store, 1, vec![payment("001", 110, None), later, payment("003", 75, None)]).await;
    store.reverse_payment(receipt(3), &reversal()).await.unwrap();
    let year =
        |year, billed, received| VillageYear { year, billed: Fen(billed), received: Fen(received) };
    let years = store.village_years(&village("shang")).await.unwrap();
    assert_eq!(years, [year(2018, 0, 20), year(2016, 274, 110)]);
    assert_eq!(store.village_years(&village("xia")).await.unwrap(), [year(2016, 30, 0)]);
}
