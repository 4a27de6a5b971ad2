//! The publisher against a broker that loses connections, and a server that is late with its receipts.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod broker;

use std::collections::BTreeSet;
use std::time::Duration;

use broker::{DEADLINE, Mood, TestBroker};
use firmware_sim::{
    Broker, Faults, Fleet, Ledger, LedgerSummary, Outgoing, Publisher, PublisherOptions,
};
use tokio::net::TcpListener;
use tokio::time::timeout;

const WELL: Mood = Mood { acknowledges: true, receipts: true, hang_up_after: None };
const SILENT: Mood = Mood { receipts: false, ..WELL };

fn options(broker: &TestBroker) -> PublisherOptions {
    let address = Broker {
        host: broker.addr.ip().to_string(),
        port: broker.addr.port(),
        client_id: "firmware-sim-test".into(),
        credentials: None,
    };
    let resend_interval = Duration::from_millis(100);
    PublisherOptions { resend_interval, ..PublisherOptions::new(address, "d1") }
}

fn reports(hours: usize) -> Vec<Outgoing> {
    let mut fleet = Fleet::synthetic(1, 5, 1_775_001_600_000, Faults::NONE).unwrap();
    (0..hours).flat_map(|_| fleet.hour().unwrap()).collect()
}

async fn publish(publisher: &Publisher, reports: &[Outgoing]) {
    for report in reports {
        publisher.publish(&report.meter, report.seq, report.bytes.clone()).await.unwrap();
    }
}

async fn drained(publisher: &Publisher) {
    timeout(DEADLINE, publisher.drained()).await.unwrap().unwrap();
    assert_eq!(publisher.outstanding(), 0);
}

/// Every report is stored with the bytes that were sent, and booked.
fn assert_complete(broker: &TestBroker, ledger: &Ledger, reports: &[Outgoing]) {
    let all = reports.len();
    assert_eq!(ledger.summary(), LedgerSummary { meters: 5, acknowledged: all, receipted: all });
    broker.look(|seen| {
        assert_eq!(seen.reports(), all);
        for report in reports {
            assert_eq!(seen.stored[&report.meter][&report.seq], report.bytes);
        }
    });
}

#[tokio::test]
async fn reports_are_kept_until_their_receipts() {
    let broker = TestBroker::start(SILENT).await;
    let publisher = Publisher::start(options(&broker), Ledger::in_memory()).unwrap();
    let reports = reports(4);
    publish(&publisher, &reports).await;
    broker.wait_until(|seen| seen.reports() == 20).await;
    assert_eq!(publisher.outstanding(), 20);
    broker.wait_until(|seen| seen.arrivals.len() > 40).await;

    broker.mood.send_replace(WELL);
    drained(&publisher).await;
    let ledger = publisher.shutdown().await.unwrap();
    assert_complete(&broker, &ledger, &reports);
}

#[tokio::test]
async fn connections_that_break_lose_nothing() {
    let broker = TestBroker::start(Mood { hang_up_after: Some(3), ..SILENT }).await;
    let publisher = Publisher::start(options(&broker), Ledger::in_memory()).unwrap();
    let reports = reports(4);
    publish(&publisher, &reports).await;
    broker.wait_until(|seen| seen.subscriptions >= 3).await;
    assert_eq!(publisher.outstanding(), 20);

    broker.mood.send_replace(WELL);
    drained(&publisher).await;
    let ledger = publisher.shutdown().await.unwrap();
    assert_eq!(ledger.summary().receipted, 20);
    broker.look(|seen| assert_eq!(seen.reports(), 20));
}

#[tokio::test]
async fn a_broker_that_comes_late_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let address = Broker {
        host: addr.ip().to_string(),
        port: addr.port(),
        client_id: "firmware-sim-test".into(),
        credentials: None,
    };
    let options = PublisherOptions::new(address, "d1");
    let publisher = Publisher::start(options, Ledger::in_memory()).unwrap();
    let reports = reports(2);
    publish(&publisher, &reports).await;
    assert!(!publisher.connected());

    let broker = TestBroker::start_at(TcpListener::bind(addr).await.unwrap(), WELL);
    drained(&publisher).await;
    let ledger = publisher.shutdown().await.unwrap();
    assert_complete(&broker, &ledger, &reports);
}

#[tokio::test]
async fn a_full_window_of_unacknowledged_reports_blocks_nobody() {
    let broker = TestBroker::start(Mood { acknowledges: false, ..SILENT }).await;
    let window = PublisherOptions { in_flight_reports: 4, ..options(&broker) };
    let publisher = Publisher::start(window, Ledger::in_memory()).unwrap();
    let reports = reports(20);
    timeout(DEADLINE, publish(&publisher, &reports)).await.unwrap();
    broker.wait_until(|seen| seen.arrivals.len() == 4).await;
    assert_eq!(publisher.outstanding(), 100);

    // The broker hangs up on what it never acknowledged, again and again, and comes back well.
    broker.mood.send_replace(Mood { hang_up_after: Some(4), ..WELL });
    broker.wait_until(|seen| seen.subscriptions >= 3).await;
    broker.mood.send_replace(WELL);
    drained(&publisher).await;
    let ledger = publisher.shutdown().await.unwrap();
    assert_eq!(ledger.summary().receipted, 100);
    broker.look(|seen| assert_eq!(seen.reports(), 100));
}

#[tokio::test]
async fn faults_on_the_way_lose_nothing() {
    let broker = TestBroker::start(WELL).await;
    let faults = Faults {
        drop_permille: 200,
        duplicate_permille: 200,
        reorder_permille: 200,
        delay_permille: 200,
        reboot_permille: 0,
    };
    let troubled = PublisherOptions { faults, seed: 9, ..options(&broker) };
    let publisher = Publisher::start(troubled, Ledger::in_memory()).unwrap();
    let reports = reports(20);
    publish(&publisher, &reports).await;
    drained(&publisher).await;
    let ledger = publisher.shutdown().await.unwrap();
    assert_complete(&broker, &ledger, &reports);
    broker.look(|seen| {
        let distinct: BTreeSet<_> = seen.arrivals.iter().collect();
        assert!(distinct.len() < seen.arrivals.len(), "some came twice");
        let one: Vec<u64> = seen
            .arrivals
            .iter()
            .filter(|(meter, _)| *meter == reports[0].meter)
            .map(|(_, seq)| *seq)
            .collect();
        assert!(!one.is_sorted(), "some came out of order: {one:?}");
    });
}

#[tokio::test]
async fn a_restarted_fleet_sends_what_has_no_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let broker = TestBroker::start(WELL).await;
    let publisher = Publisher::start(options(&broker), Ledger::open(&path).unwrap()).unwrap();
    publish(&publisher, &reports(2)).await;
    drained(&publisher).await;
    drop(publisher);

    let publisher = Publisher::start(options(&broker), Ledger::open(&path).unwrap()).unwrap();
    let arrived = broker.look(|seen| seen.arrivals.len());
    let reports = reports(4);
    publish(&publisher, &reports).await;
    assert!(publisher.outstanding() <= 10, "the first ten have their receipts");
    drained(&publisher).await;
    broker.look(|seen| assert!(seen.arrivals[arrived..].iter().all(|(_, seq)| *seq > 2)));
    let ledger = publisher.shutdown().await.unwrap();
    assert_complete(&broker, &ledger, &reports);
    drop(ledger);
    assert_eq!(Ledger::load(&path).unwrap().summary().receipted, 20);
}
