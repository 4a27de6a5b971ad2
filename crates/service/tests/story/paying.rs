//! Households pay, the station records it, and what was recorded wrongly is reversed.

use audit::testing::TestMeter;
use domain::Fen;
use domain::payment::{Payment, PaymentWay, ReceiptNo};
use service::board::{self, OwedAfter};
use service::payments::{PaymentPreview, PaymentProblem, WhyRefused};
use service::request::{Ask, MAX_PAYMENTS};
use service::{Answer, ErrorClass, ServiceError};

use crate::{Town, asks, at, id};

/// 101 owes 3,596 fen, 102 5,009 and 103 4,239.
async fn billed() -> Town {
    let town = Town::founded().await;
    let mut meter = TestMeter::east();
    meter.run_for(24);
    town.send(&meter, 1..=24).await;
    town.turn("t1", "e1", "01:00", "03:30").await;
    town.service.draft_due().await.unwrap();
    town.sign_all().await;
    let settle = Ask::Settle { village: id("east"), round: id("2016-1") };
    town.ask(&town.log.people.station, settle).await.unwrap();
    town.sign_all().await;
    town
}

fn payment(household: &str, fen: i64, reference: Option<&str>) -> Payment {
    Payment {
        household: id(household),
        amount_fen: Fen(fen),
        way: if reference.is_some() { PaymentWay::Bank } else { PaymentWay::Cash },
        paid_at: at("10:00"),
        reference: reference.map(str::to_owned),
        note: None,
    }
}

async fn record(town: &Town, payments: Vec<Payment>) -> Result<Vec<(u64, bool)>, ServiceError> {
    match town.ask(&town.log.people.station, Ask::RecordPayments { payments }).await? {
        Answer::Receipts { receipts } => {
            Ok(receipts.iter().map(|one| (one.receipt.get(), one.known)).collect())
        }
        other => panic!("{other:?}"),
    }
}

async fn reverse(town: &Town, receipt: u64, reason: &str) -> Result<Answer, ServiceError> {
    let receipt = ReceiptNo::new(receipt).unwrap();
    let ask = Ask::ReversePayment { receipt, reason: reason.to_owned() };
    town.ask(&town.log.people.station, ask).await
}

/// What each household of east owes, with what it paid.
async fn owed(town: &Town) -> Vec<(String, i64, i64)> {
    let view = board::owed(&town.service, &id("east"), &OwedAfter::Number(None)).await.unwrap();
    let rows = view.unwrap().rows;
    rows.iter().map(|row| (row.household.to_string(), row.paid.get(), row.owed().get())).collect()
}

fn why(error: ServiceError) -> (usize, WhyRefused) {
    match error {
        ServiceError::Payment(PaymentProblem::Refused { number, why, .. }) => (number, why),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn payments_settle_bills_and_the_list_of_what_is_owed_shrinks() {
    let town = billed().await;
    let line = |household: &str, paid, owed| (household.to_owned(), paid, owed);
    let all = [line("101", 0, 3_596), line("102", 0, 5_009), line("103", 0, 4_239)];
    assert_eq!(owed(&town).await, all);
    let paid = vec![payment("101", 3_596, Some("TX1")), payment("102", 2_000, None)];
    assert_eq!(record(&town, paid).await.unwrap(), [(1, false), (2, false)]);
    assert_eq!(owed(&town).await, [line("102", 2_000, 3_009), line("103", 0, 4_239)]);

    let mine = board::household_payments(&town.service, &id("102"), None).await.unwrap().unwrap();
    let year = mine.account.year(2016);
    assert_eq!((year.billed, year.paid, year.owed()), (Fen(5_009), Fen(2_000), Fen(3_009)));
    let receipt = mine.payments[0].receipt;
    let view = board::payment(&town.service, receipt).await.unwrap().unwrap();
    assert_eq!((view.household, view.village.name.as_str()), (id("102"), "东村"));
    assert_eq!(view.payment.recorded_by, id("station-1"));
    // Payments are no postings.
    town.audit().await;
}

#[tokio::test]
async fn the_same_bytes_again_give_the_same_answer() {
    let town = billed().await;
    let payments =
        vec![payment("101", 5, None), payment("101", 5, None), payment("102", 7, Some("a"))];
    let ask = Ask::RecordPayments { payments };
    let bytes = asks(&town.log.people.station, ask).to_json();
    let first = town.service.request(&bytes).await.unwrap();
    let other = town.another_server().await;
    assert_eq!(other.request(&bytes).await.unwrap(), first);
    assert_eq!(owed(&town).await[0].1, 10);
    // Another request, as of the bank's file handed in once more.
    assert_eq!(record(&town, vec![payment("102", 7, Some("a"))]).await.unwrap(), [(3, true)]);
    assert_eq!(owed(&town).await[1].1, 7);
}

#[tokio::test]
async fn a_mistake_is_put_right_by_a_reversal() {
    let town = billed().await;
    record(&town, vec![payment("101", 3_596, Some("TX1"))]).await.unwrap();
    // It was 102's money.
    let taken = record(&town, vec![payment("102", 3_596, Some("TX1"))]).await.unwrap_err();
    assert_eq!(taken.class(), ErrorClass::Conflict);
    assert!(taken.to_string().contains("receipt 1, 35.96 yuan of household 101"), "{taken}");
    for _ in 0..2 {
        assert_eq!(reverse(&town, 1, "户号录错").await.unwrap(), Answer::Done);
    }
    assert_eq!(
        record(&town, vec![payment("102", 3_596, Some("TX1"))]).await.unwrap(),
        [(2, false)]
    );
    let mine = board::household_payments(&town.service, &id("101"), None).await.unwrap().unwrap();
    let reversal = mine.payments[0].reversal.clone().unwrap();
    assert_eq!((reversal.reason.as_str(), reversal.by), ("户号录错", id("station-1")));
    assert_eq!((mine.account.paid, mine.account.owed()), (Fen(0), Fen(3_596)));

    let again = reverse(&town, 1, "另一个原因").await.unwrap_err();
    assert!(matches!(again, ServiceError::Payment(PaymentProblem::Reversed(_))), "{again}");
    let unknown = reverse(&town, 9, "户号录错").await.unwrap_err();
    assert_eq!(unknown.class(), ErrorClass::NotFound);
    let blank = reverse(&town, 2, " ").await.unwrap_err();
    assert!(matches!(blank, ServiceError::Payment(PaymentProblem::Reason)), "{blank}");
}

#[tokio::test]
async fn rejects_a_request_of_which_one_payment_is_wrong() {
    let town = billed().await;
    record(&town, vec![payment("101", 100, Some("a"))]).await.unwrap();
    let good = || payment("103", 1, Some("new"));
    let future = Payment { paid_at: at("23:00"), ..payment("101", 1, None) };
    for (wrong, is_right) in [
        (
            payment("999", 1, None),
            (|why| matches!(why, WhyRefused::UnknownHousehold(_))) as fn(&_) -> _,
        ),
        (payment("101", 0, None), |why| matches!(why, WhyRefused::Payment(_))),
        (payment("101", 1, Some("流水")), |why| matches!(why, WhyRefused::Payment(_))),
        (payment("101", 99, Some("a")), |why| matches!(why, WhyRefused::Taken { .. })),
        (payment("102", 1, Some("new")), |why| matches!(why, WhyRefused::Twice(_))),
        (future, |why| matches!(why, WhyRefused::Future(_))),
    ] {
        let (number, why) = why(record(&town, vec![good(), wrong]).await.unwrap_err());
        assert!(number == 2 && is_right(&why), "{number}: {why}");
    }
    let none = board::household_payments(&town.service, &id("103"), None).await.unwrap().unwrap();
    assert_eq!(none.payments, []);
}

#[tokio::test]
async fn rejects_no_payments_too_many_and_those_of_a_cadre() {
    let town = billed().await;
    for count in [0, MAX_PAYMENTS + 1] {
        let error = record(&town, vec![payment("101", 1, None); count]).await.unwrap_err();
        assert!(matches!(error, ServiceError::Payment(PaymentProblem::Count(_))), "{error}");
    }
    let receipt = ReceiptNo::new(1).unwrap();
    for ask in [
        Ask::RecordPayments { payments: vec![payment("101", 1, None)] },
        Ask::ReversePayment { receipt, reason: "户号录错".to_owned() },
    ] {
        let error = town.ask(&town.log.people.east, ask).await.unwrap_err();
        assert!(matches!(error, ServiceError::NotAllowed { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_new_known_and_refused_is_told_before() {
    let town = billed().await;
    record(&town, vec![payment("101", 100, Some("a"))]).await.unwrap();
    let list = [
        payment("102", 5, Some("b")),
        payment("101", 100, Some("a")),
        payment("102", 100, Some("a")),
        payment("999", 5, Some("c")),
        payment("102", 6, Some("b")),
    ];
    let previews = town.service.preview_payments(&list).await.unwrap();
    assert_eq!(previews[0], PaymentPreview::New);
    assert_eq!(previews[1], PaymentPreview::Known { receipt: ReceiptNo::new(1).unwrap() });
    for (place, part) in [(2, "stands twice"), (3, "knows household 999"), (4, "stands twice")] {
        let PaymentPreview::Refused { reason } = &previews[place] else { panic!("{place}") };
        assert!(reason.contains(part), "{reason}");
    }
    let taken = town.service.preview_payments(&[payment("102", 100, Some("a"))]).await.unwrap();
    assert!(
        matches!(&taken[0], PaymentPreview::Refused { reason } if reason.contains("receipt 1"))
    );
    assert_eq!(owed(&town).await[0].1, 100);
}
