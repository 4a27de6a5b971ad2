//! Two servers, a broker, and the sample district's two meters.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use audit::testing::{ORIGIN, TestLog, TestMeter, id};
use disclosure::dsse::Envelope;
use disclosure::key::SigningKey;
use disclosure::note::KeyName;
use disclosure::statement::Statement;
use firmware_sim::{Ledger, Publisher, PublisherOptions};
use mqtt::{Batcher, Broker, BrokerConfig, Counters, Level, Topics};
use service::board::Timestamp;
use service::{Clock, LogKey, NewAttachment, Service};
use store::Store;
use telemetry::MeterId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::mosquitto::Mosquitto;

/// Long enough for the slowest machine; a test that gets here has failed.
const DEADLINE: Duration = Duration::from_mins(1);
/// How long a meter waits for a receipt before it sends a report again.
const RESEND_INTERVAL: Duration = Duration::from_millis(250);

/// After all that the meters report.
struct LongAfter;

impl Clock for LongAfter {
    fn now(&self) -> Timestamp {
        id("2017-01-01T00:00:00Z")
    }
}

/// One server: its service, and its client at the broker.
struct Server {
    service: Arc<Service>,
    counters: Arc<Counters>,
    stop: Vec<oneshot::Sender<()>>,
    running: Vec<JoinHandle<()>>,
}

impl Server {
    async fn start(url: &str, port: u16, client_id: &str) -> Self {
        let store = Store::open(url, &id("sample")).await.unwrap();
        let log_key = LogKey::new(KeyName::new(ORIGIN).unwrap(), SigningKey::from_bytes(&[99; 32]));
        let service = Service::open(store, log_key, Arc::new(LongAfter)).await.unwrap();
        let service = Arc::new(service);
        let counters = Arc::new(Counters::default());
        let (queue, batcher) = Batcher::new(Arc::clone(&service), Arc::clone(&counters));
        let broker = Broker::new(BrokerConfig {
            client_id: client_id.into(),
            host: "127.0.0.1".into(),
            port,
            login: None,
            protocol: Level::V5,
            share: Some("pool".into()),
        });
        let (stop_batcher, batcher_stops) = oneshot::channel::<()>();
        let (stop_broker, broker_stops) = oneshot::channel::<()>();
        let (topics, statuses) = (Topics::new("sample").unwrap(), Arc::clone(service.statuses()));
        let running = vec![
            tokio::spawn(batcher.run(async { drop(batcher_stops.await) })),
            tokio::spawn(broker.unwrap().run(topics, statuses, queue, async {
                drop(broker_stops.await);
            })),
        ];
        let server = Self { service, counters, stop: vec![stop_batcher, stop_broker], running };
        soon(async {
            while server.service.device_status(&id("me1")).is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        server
    }

    async fn stop(mut self) {
        for stop in self.stop.drain(..) {
            stop.send(()).unwrap();
        }
        for running in self.running.drain(..) {
            soon(running).await.unwrap();
        }
    }
}

/// All of it.
pub struct Pool {
    url: String,
    broker: Mosquitto,
    first: Option<Server>,
    second: Server,
    meters: [TestMeter; 2],
}

impl Pool {
    /// Founds the sample district, and starts both servers on it.
    pub async fn start(url: &str) -> Self {
        let broker = Mosquitto::start();
        say_online(broker.port).await;
        let first = Server::start(url, broker.port, "mingqu-1").await;
        found(&first.service).await;
        let second = Server::start(url, broker.port, "mingqu-2").await;
        let meters = [TestMeter::east(), TestMeter::west()];
        Self { url: url.into(), broker, first: Some(first), second, meters }
    }

    /// A connection that sends again whatever gets no receipt.
    pub fn publisher(&self) -> Publisher {
        let broker = firmware_sim::Broker {
            host: "127.0.0.1".into(),
            port: self.broker.port,
            client_id: "meters".into(),
            credentials: None,
        };
        let options = PublisherOptions {
            resend_interval: RESEND_INTERVAL,
            ..PublisherOptions::new(broker, "sample")
        };
        Publisher::start(options, Ledger::in_memory()).unwrap()
    }

    /// Hands over the reports of both meters with these numbers.
    pub async fn begin(&mut self, publisher: &Publisher, numbers: RangeInclusive<usize>) {
        for number in numbers {
            for meter in &mut self.meters {
                meter.run_for(number - meter.reports.len());
                let (id, bytes) = (meter.code.as_str(), meter.reports[number - 1].clone());
                publisher.publish(&MeterId::new(id).unwrap(), number as u64, bytes).await.unwrap();
            }
        }
    }

    /// The same, and waits for every receipt.
    pub async fn report(&mut self, publisher: &Publisher, numbers: RangeInclusive<usize>) {
        self.begin(publisher, numbers).await;
        soon(publisher.drained()).await.unwrap();
    }

    /// How many reports each server was given.
    pub fn received(&self) -> [u64; 2] {
        let first = self.first.as_ref().map_or(0, |first| first.counters.counts().received);
        [first, self.second.counters.counts().received]
    }

    /// How many reports are on disk.
    pub async fn stored(&self) -> usize {
        let stored = self.second.service.store().report_count().await.unwrap();
        usize::try_from(stored).unwrap()
    }

    /// What was refused, by reason.
    pub async fn refused(&self) -> Vec<(String, u64)> {
        self.second.service.store().quarantine_counts().await.unwrap()
    }

    /// The first server is gone at once: no farewell, and what it was storing is rolled back.
    pub async fn kill_first(&mut self) {
        let first = self.first.take().unwrap();
        for task in first.running {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    }

    pub async fn restart_first(&mut self) {
        self.first = Some(Server::start(&self.url, self.broker.port, "mingqu-1").await);
    }

    /// The first server ends as it should.
    pub async fn stop_first(&mut self) {
        self.first.take().unwrap().stop().await;
    }

    pub async fn stop(self) {
        self.second.stop().await;
    }
}

/// A retained status, so that a server which knows it has subscribed.
async fn say_online(port: u16) {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let options = MqttOptions::new("me1", "127.0.0.1", port);
    let (client, mut events) = AsyncClient::new(options, 4);
    let topic = "mingqu/v1/sample/me1/status";
    client.publish(topic, QoS::AtLeastOnce, true, "online").await.unwrap();
    soon(async {
        while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::PubAck(_))) {}
    })
    .await;
}

async fn found(service: &Service) {
    let log = TestLog::founded();
    for entry in &log.entries {
        let envelope = Envelope::parse(entry).unwrap();
        let statement = Statement::parse(&envelope.payload_type, &envelope.payload).unwrap();
        let attachment = |named: &disclosure::attachment::AttachmentRef| NewAttachment {
            media_type: named.media_type.clone(),
            bytes: log.attachments[&named.sha256].clone(),
        };
        let attachments = statement.attachments().into_iter().map(attachment).collect();
        service.propose(entry, attachments).await.unwrap();
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it did not happen in time")
}
