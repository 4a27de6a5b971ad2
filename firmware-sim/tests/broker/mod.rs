//! A broker of a few lines: takes reports on one listener, acknowledges them, sends receipts when told to, and hangs
//! up when told to. It keeps what it acknowledged over connections, like a server that stores before it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::v4::{
    ConnAck, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS};
use telemetry::MeterId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a test waits for anything before it fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

const MAX_PACKET_BYTES: usize = 16 * 1024;

/// What the broker does; a test changes it as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mood {
    /// Reports are acknowledged.
    pub acknowledges: bool,
    /// Receipts are sent.
    pub receipts: bool,
    /// Hang up after this many reports on one connection.
    pub hang_up_after: Option<usize>,
}

impl Mood {
    fn ends(self, reports: usize) -> bool {
        self.hang_up_after.is_some_and(|limit| reports >= limit)
    }
}

/// What the broker has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Per meter the reports' bytes by sequence number.
    pub stored: BTreeMap<MeterId, BTreeMap<u64, Bytes>>,
    /// Every report in the order of arrival.
    pub arrivals: Vec<(MeterId, u64)>,
    /// How many connections asked for receipts.
    pub subscriptions: usize,
}

impl Seen {
    /// The sequence number up to which all reports of a meter are stored.
    fn contiguous(&self, meter: &MeterId) -> u64 {
        let numbers = self.stored.get(meter).into_iter().flat_map(BTreeMap::keys);
        numbers.fold(0, |stored, &seq| if seq == stored + 1 { seq } else { stored })
    }

    /// How many reports are stored.
    pub fn reports(&self) -> usize {
        self.stored.values().map(BTreeMap::len).sum()
    }
}

pub struct TestBroker {
    pub addr: SocketAddr,
    pub mood: watch::Sender<Mood>,
    seen: Arc<Mutex<Seen>>,
    news: watch::Sender<()>,
}

impl TestBroker {
    pub async fn start(mood: Mood) -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").await.unwrap(), mood)
    }

    pub fn start_at(listener: TcpListener, mood: Mood) -> Self {
        let addr = listener.local_addr().unwrap();
        let (mood, news) = (watch::Sender::new(mood), watch::Sender::new(()));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (moods, shared, heard) = (mood.clone(), seen.clone(), news.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One connection at a time: there is one client.
                let session = Session::new(stream, shared.clone(), heard.clone());
                let _ended = session.run(moods.subscribe()).await;
            }
        });
        Self { addr, mood, seen, news }
    }

    pub fn look<T>(&self, at: impl FnOnce(&Seen) -> T) -> T {
        at(&self.seen.lock().unwrap())
    }

    /// Waits until what was seen meets a condition.
    pub async fn wait_until(&self, met: impl Fn(&Seen) -> bool) {
        let mut news = self.news.subscribe();
        let waiting = async {
            while !self.look(&met) {
                news.changed().await.unwrap();
            }
        };
        timeout(DEADLINE, waiting).await.unwrap();
    }
}

struct Session {
    stream: TcpStream,
    incoming: BytesMut,
    seen: Arc<Mutex<Seen>>,
    news: watch::Sender<()>,
    reports: usize,
    subscribed: bool,
    packet: u16,
}

impl Session {
    fn new(stream: TcpStream, seen: Arc<Mutex<Seen>>, news: watch::Sender<()>) -> Self {
        let incoming = BytesMut::new();
        Self { stream, incoming, seen, news, reports: 0, subscribed: false, packet: 0 }
    }

    async fn run(mut self, mut moods: watch::Receiver<Mood>) -> std::io::Result<()> {
        loop {
            let mood = *moods.borrow_and_update();
            while let Some(packet) = self.next_packet() {
                self.answer(packet, mood).await?;
                if mood.ends(self.reports) {
                    return Ok(());
                }
            }
            tokio::select! {
                read = self.stream.read_buf(&mut self.incoming) => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
                changed = moods.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let mood = *moods.borrow_and_update();
                    if mood.ends(self.reports) {
                        return Ok(());
                    }
                    self.send_receipts(mood).await?;
                }
            }
        }
    }

    fn next_packet(&mut self) -> Option<Packet> {
        match Packet::read(&mut self.incoming, MAX_PACKET_BYTES) {
            Ok(packet) => Some(packet),
            Err(Error::InsufficientBytes(_)) => None,
            Err(error) => panic!("the client broke the protocol: {error}"),
        }
    }

    async fn answer(&mut self, packet: Packet, mood: Mood) -> std::io::Result<()> {
        match packet {
            Packet::Connect(_) => {
                let accepted = ConnAck::new(ConnectReturnCode::Success, false);
                self.send(Packet::ConnAck(accepted)).await
            }
            Packet::Subscribe(subscribe) => {
                assert_eq!(subscribe.filters[0].path, "mingqu/v1/d1/+/stored");
                self.subscribed = true;
                self.seen.lock().unwrap().subscriptions += 1;
                let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce)];
                self.send(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await
            }
            Packet::Publish(publish) => self.store(publish, mood).await,
            Packet::PingReq => self.send(Packet::PingResp).await,
            _ => Ok(()),
        }
    }

    async fn store(&mut self, publish: Publish, mood: Mood) -> std::io::Result<()> {
        assert_eq!(publish.qos, QoS::AtLeastOnce);
        assert!(!publish.retain);
        let report = telemetry::decode(&publish.payload).unwrap().into_report();
        assert_eq!(publish.topic, format!("mingqu/v1/d1/{}/report", report.meter));
        self.reports += 1;
        let meter = report.meter.clone();
        {
            let mut seen = self.seen.lock().unwrap();
            seen.arrivals.push((meter.clone(), report.seq));
            if mood.acknowledges {
                let reports = seen.stored.entry(meter.clone()).or_default();
                let first = reports.entry(report.seq).or_insert_with(|| publish.payload.clone());
                assert_eq!(*first, publish.payload, "a report sent again has the same bytes");
            }
        }
        self.news.send_replace(());
        if mood.acknowledges {
            self.send(Packet::PubAck(PubAck::new(publish.pkid))).await?;
        }
        if mood.receipts {
            self.send_receipt(&meter).await?;
        }
        Ok(())
    }

    async fn send_receipts(&mut self, mood: Mood) -> std::io::Result<()> {
        let meters: BTreeSet<MeterId> = self.seen.lock().unwrap().stored.keys().cloned().collect();
        for meter in meters.iter().filter(|_| mood.receipts) {
            self.send_receipt(meter).await?;
        }
        Ok(())
    }

    async fn send_receipt(&mut self, meter: &MeterId) -> std::io::Result<()> {
        if !self.subscribed {
            return Ok(());
        }
        let stored = self.seen.lock().unwrap().contiguous(meter);
        let topic = format!("mingqu/v1/d1/{meter}/stored");
        let mut receipt = Publish::new(topic, QoS::AtLeastOnce, stored.to_string());
        self.packet = self.packet % u16::MAX + 1;
        receipt.pkid = self.packet;
        self.send(Packet::Publish(receipt)).await
    }

    async fn send(&mut self, packet: Packet) -> std::io::Result<()> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, MAX_PACKET_BYTES).unwrap();
        self.stream.write_all(&bytes).await
    }
}
