//! Whole fleets on the wire: every meter by itself, or all on a few connections.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../examples/receiver/keeper.rs"]
mod keeper;

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use firmware_sim::{
    Broker, Connections, Faults, Field, LedgerSummary, PublisherOptions, Scenario, Uplink,
};
use keeper::Keeper;
use mqtt::{Batcher, Counters, Endpoint, EndpointConfig, MAX_CONNECTIONS, Topics};
use service::{DeviceState, Statuses};
use telemetry::MeterId;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How long a test waits for anything before it fails.
const DEADLINE: Duration = Duration::from_mins(1);

struct Site {
    address: SocketAddr,
    keeper: Arc<Keeper>,
    statuses: Arc<Statuses>,
}

impl Site {
    async fn open() -> Self {
        let keeper = Arc::new(Keeper::default());
        let statuses = Arc::new(Statuses::new(Arc::new(keeper::Stopped)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (queue, batcher) = Batcher::new(Arc::clone(&keeper), Arc::new(Counters::default()));
        let config = EndpointConfig {
            topics: Topics::new("d1").unwrap(),
            statuses: Arc::clone(&statuses),
            connections: MAX_CONNECTIONS,
        };
        tokio::spawn(batcher.run(std::future::pending()));
        tokio::spawn(Endpoint::serve(listener, config, queue, std::future::pending()));
        Self { address, keeper, statuses }
    }

    fn options(&self) -> PublisherOptions {
        let broker = Broker {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            client_id: "fleet".into(),
            credentials: None,
        };
        PublisherOptions::new(broker, "d1")
    }

    fn with(&self, state: DeviceState) -> usize {
        self.statuses.count(state)
    }

    fn state(&self, meter: &MeterId) -> Option<DeviceState> {
        self.statuses.get(meter).map(|status| status.state)
    }

    /// Waits until so many meters say that they are online, and so many that they are not.
    async fn statuses_are(&self, online: usize, offline: usize) {
        let mut version = self.statuses.version();
        let settled = async {
            while (self.with(DeviceState::Online), self.with(DeviceState::Offline))
                != (online, offline)
            {
                version.changed().await.unwrap();
            }
        };
        let found = || (self.with(DeviceState::Online), self.with(DeviceState::Offline));
        timeout(DEADLINE, settled).await.unwrap_or_else(|_| panic!("{:?}", found()));
    }
}

fn scenario(count: u32, events: &str) -> Scenario {
    Scenario::parse(&format!(
        "start = 2026-04-01T00:00:00+08:00\ndays = 1\n\
         [[series]]\nname = \"a\"\ncount = {count}\n\
         meter.register = {{ millilitres_per_unit = 1_000 }}\n\
         source.canal = {{ discharge_ml_per_s = [10_000, 50_000] }}\n\
         reading_seconds = 900\nreadings_per_report = 24\n\
         [[rounds]]\ncode = \"r\"\noutlets = [\"a\"]\nopens = \"06:00\"\nturn_minutes = [120]\n{events}"
    ))
    .unwrap()
}

struct Fleet {
    field: Field,
    uplink: Uplink,
}

impl Fleet {
    fn start(options: PublisherOptions, connections: Connections, scenario: Scenario) -> Self {
        let field = Field::new(scenario).unwrap();
        let mut uplink = Uplink::start(options, connections).unwrap();
        for meter in field.meters() {
            uplink.connect_meter(meter).unwrap();
        }
        Self { field, uplink }
    }

    async fn live_until(&mut self, time: &str) {
        let until_ms = self.field.scenario().instant_ms(time).unwrap();
        for happening in self.field.advance(until_ms).unwrap() {
            self.uplink.take(happening).await.unwrap();
        }
    }

    /// Lives to the end and returns how many reports were made, once all of them have their receipts.
    async fn finish(mut self) -> usize {
        self.live_until("day 2 00:00").await;
        timeout(DEADLINE, self.uplink.drained()).await.unwrap().unwrap();
        let ledger = self.field.ledger(|meter| self.uplink.summary_of(meter));
        let made = usize::try_from(ledger.totals.reports_made).unwrap();
        let LedgerSummary { receipted, acknowledged, .. } = self.uplink.summary();
        assert_eq!(receipted, made);
        // What was acknowledged on a connection that broke off is not acknowledged again once it has its receipt.
        assert!(acknowledged <= made && acknowledged > made / 2, "{acknowledged} of {made}");
        let of_meters: u64 = ledger.meters.iter().map(|books| books.reports_receipted).sum();
        assert_eq!(of_meters, ledger.totals.reports_made);
        timeout(DEADLINE, self.uplink.shutdown()).await.unwrap().unwrap();
        made
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_and_fifty_meters_have_a_connection_each() {
    let site = Site::open().await;
    let fleet = Fleet::start(site.options(), Connections::OnePerMeter, scenario(250, ""));
    site.statuses_are(250, 0).await;
    assert_eq!(fleet.uplink.connected(), 250);
    let made = fleet.finish().await;
    assert_eq!(site.keeper.kept(), (made as u64, 250));
    site.statuses_are(0, 250).await;
}

#[tokio::test]
async fn a_meter_without_radio_breaks_off_and_its_last_will_speaks_for_it() {
    let site = Site::open().await;
    let outage =
        "[[events]]\nat = \"day 1 06:00\"\nmeters = [\"a-00002\"]\nwhat.outage.minutes = 600\n";
    let mut fleet = Fleet::start(site.options(), Connections::OnePerMeter, scenario(3, outage));
    site.statuses_are(3, 0).await;
    fleet.live_until("day 1 12:00").await;
    site.statuses_are(2, 1).await;
    let silent = MeterId::new("a-00002").unwrap();
    assert_eq!(site.state(&silent), Some(DeviceState::Offline));
    fleet.live_until("day 1 16:00").await;
    site.statuses_are(3, 0).await;
    let made = fleet.finish().await;
    assert_eq!(site.keeper.kept(), (made as u64, 3));
}

#[tokio::test]
async fn a_meter_that_is_taken_down_says_farewell_and_its_successor_connects() {
    let site = Site::open().await;
    let swap = "[[events]]\nat = \"day 1 06:00\"\nmeters = [\"a-00001\"]\nwhat.swap = {}\n";
    let mut fleet = Fleet::start(site.options(), Connections::OnePerMeter, scenario(1, swap));
    site.statuses_are(1, 0).await;
    fleet.live_until("day 1 12:00").await;
    site.statuses_are(1, 1).await;
    let new = MeterId::new("a-00001-2").unwrap();
    assert_eq!(site.state(&new), Some(DeviceState::Online));
    let made = fleet.finish().await;
    assert_eq!(site.keeper.kept(), (made as u64, 2));
}

#[tokio::test]
async fn many_meters_share_a_few_connections_through_faults() {
    let site = Site::open().await;
    let faults = Faults {
        drop_permille: 100,
        duplicate_permille: 100,
        reorder_permille: 100,
        delay_permille: 50,
        reboot_permille: 0,
    };
    let resend_interval = Duration::from_millis(100);
    let options = PublisherOptions { faults, resend_interval, ..site.options() };
    let shared = Connections::Shared(NonZeroU16::new(3).unwrap());
    let fleet = Fleet::start(options, shared, scenario(100, ""));
    let made = fleet.finish().await;
    assert_eq!(site.keeper.kept(), (made as u64, 100));
    let spoken = site.with(DeviceState::Online) + site.with(DeviceState::Offline);
    assert_eq!(spoken, 0, "a shared connection speaks for no meter");
}
