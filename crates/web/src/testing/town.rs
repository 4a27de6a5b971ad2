//! How the small district is founded and what happens in it.

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use disclosure::attachment::AttachmentRef;
use disclosure::dsse::pae;
use disclosure::key::{PublicKey, SigningKey, sign};
use disclosure::note::KeyName;
use disclosure::statement::{
    District, Policy, ROSTER_MEDIA_TYPE, Registry, RegistryMeter, Role, Roster, RosterEntry,
    Statement, TariffNotice,
};
use domain::payment::{Payment, PaymentWay};
use domain::plot::{Crop, Plot, Source};
use domain::progress::Progress;
use domain::registry::{Group, Meter, Outlet, Village};
use domain::round::{Member, Round, Turn};
use domain::scale::Scale;
use domain::share::ShareMethod;
use domain::tariff::{Price, Tariff, Terms};
use domain::{Area, Fen, Timestamp};
use service::board::{self, AlarmFilter, AlarmKind};
use service::request::Ask;
use service::{Arrival, Clock, LogKey, NewAttachment, NoRandomness, Randomness, Service};
use store::Store;
use telemetry::Flags;
use tempfile::TempDir;

use super::meter::TestMeter;
use super::people::{Person, head, seal};
use crate::WebConfig;

/// An identifier, an instant: whatever is read from text.
pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Another draw each time, the same in each run.
#[derive(Default)]
struct Counted(AtomicU8);

impl Randomness for Counted {
    fn draw(&self) -> Result<[u8; 32], NoRandomness> {
        Ok([self.0.fetch_add(1, Ordering::Relaxed); 32])
    }
}

/// The district, served.
pub(crate) struct Town {
    pub(crate) router: Router,
    pub(crate) service: Arc<Service>,
    root: Person,
    second_root: Person,
    pub(crate) station: Person,
    pub(crate) cadre: Person,
    meter: TestMeter,
    _folder: TempDir,
}

impl Town {
    /// A district in which nothing was posted.
    pub(crate) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("town.db").display());
        let store = Store::open(&url, &id("sample")).await.unwrap();
        let key = SigningKey::from_bytes(&[99; 32]);
        let log_key = LogKey::new(KeyName::new("sample.example/log").unwrap(), key);
        let clock = Arc::new(Stopped(id("2026-05-10T00:00:00Z")));
        let service = Service::open(store, log_key, clock).await.unwrap();
        let service = Arc::new(service.drawing_from(Arc::new(Counted::default())));
        Self {
            router: crate::router(service.clone(), WebConfig::default()),
            service,
            root: Person::new("root-1", Role::Root, None, 1),
            second_root: Person::new("root-2", Role::Root, None, 2),
            station: Person::new("station-1", Role::Station, None, 11),
            cadre: Person::new("east-1", Role::Cadre, Some("east"), 21),
            meter: TestMeter::new("me1", 41, "2026-05-01T00:00:00Z"),
            _folder: folder,
        }
    }

    /// The district with everything that the module's documentation says.
    pub(crate) async fn busy() -> Self {
        let mut town = Self::empty().await;
        town.found().await;
        town.open_round("2026-1", "第一轮", "2026-05-01T00:00:00Z", "2026-05-04T00:00:00Z").await;
        town.report(6, Flags::NONE).await;
        town.report(6, Flags::TAMPER).await;
        town.water("t1", "2026-1", "2026-05-01T01:00:00Z", "2026-05-01T03:30:00Z").await;
        town.water("t2", "2026-1", "2026-05-01T06:10:00Z", "2026-05-01T09:02:00Z").await;
        town.settle("2026-1").await;
        town.open_round("2026-2", "第二轮", "2026-05-01T00:00:00Z", "2026-05-20T00:00:00Z").await;
        town.report(12, Flags::NONE).await;
        town.water("t3", "2026-2", "2026-05-01T13:00:00Z", "2026-05-01T17:00:00Z").await;
        let noise = Arrival {
            topic: "mingqu/v1/sample/me1/report".into(),
            meter: "me1".into(),
            payload: b"<script>not cbor</script>".to_vec(),
            refused: None,
            foreign: None,
        };
        town.service.ingest(vec![noise]).await.unwrap();
        town.service.store().put_holders(&[(id("101"), "张*明".to_owned())]).await.unwrap();
        town
    }

    /// The busy district with one more watering drafted, which nobody has signed.
    pub(crate) async fn with_a_draft() -> Self {
        let town = Self::busy().await;
        town.draft("t4", "2026-2", "2026-05-01T18:00:00Z", "2026-05-01T19:00:00Z").await;
        town
    }

    /// The busy district with a turn whose end the meter has not reported yet.
    pub(crate) async fn with_a_waiting_turn() -> Self {
        let town = Self::busy().await;
        town.draft("t5", "2026-2", "2026-05-02T05:00:00Z", "2026-05-03T05:00:00Z").await;
        town
    }

    /// The district as it was founded, before its meter reported.
    pub(crate) async fn silent() -> Self {
        let town = Self::empty().await;
        town.found().await;
        town
    }

    /// Water has run for six hours of a round, and nobody has opened a turn.
    pub(crate) async fn flowing() -> Self {
        let mut town = Self::silent().await;
        town.open_round("2026-1", "第一轮", "2026-05-01T00:00:00Z", "2026-05-04T00:00:00Z").await;
        town.report(6, Flags::NONE).await;
        town.watch().await;
        town
    }

    /// The busy district with a meter that was tampered with and asks for a battery.
    pub(crate) async fn watched() -> Self {
        let mut town = Self::busy().await;
        town.report(1, Flags::LOW_BATTERY).await;
        town.watch().await;
        town
    }

    /// The busy district with a turn that has the water.
    pub(crate) async fn with_an_open_turn() -> Self {
        let town = Self::busy().await;
        town.open_turn(turn("t6", "2026-2", "2026-05-01T22:55:00Z")).await;
        town
    }

    /// The busy district with 10.05 yuan of 101 and 2 yuan of 102, the latter reversed: receipts 1 and 2.
    pub(crate) async fn with_payments() -> Self {
        let town = Self::busy().await;
        let bank = Payment {
            household: id("101"),
            amount_fen: Fen(1_005),
            way: PaymentWay::Bank,
            paid_at: id("2026-05-09T02:00:00Z"),
            reference: Some("TX-1".to_owned()),
            note: Some("张三代缴".to_owned()),
        };
        let (way, amount_fen) = (PaymentWay::Cash, Fen(200));
        let cash = Payment {
            household: id("102"),
            way,
            amount_fen,
            reference: None,
            note: None,
            ..bank.clone()
        };
        let reason = "户号录错".to_owned();
        for ask in [
            Ask::RecordPayments { payments: vec![bank, cash] },
            Ask::ReversePayment { receipt: id("2"), reason },
        ] {
            town.service.request(&town.station.asks(ask)).await.unwrap();
        }
        town
    }

    /// The station takes note of an alarm.
    pub(crate) async fn note(&self, kind: AlarmKind, words: &str) {
        let filter = AlarmFilter { kind: Some(kind), ..AlarmFilter::default() };
        let alarm = board::alarms(&self.service, filter).await.unwrap().open[0].id;
        let ask = Ask::AcknowledgeAlarm { alarm, note: words.to_owned() };
        self.service.request(&self.station.asks(ask)).await.unwrap();
    }

    async fn watch(&self) {
        while self.service.watch().await.unwrap() {}
    }

    async fn found(&self) {
        let (root, station, cadre) = (&self.root, &self.station, &self.cadre);
        let roots = [root, &self.second_root];
        self.post(seal(&Statement::District(self.genesis()), &roots).to_json(), vec![]).await;
        self.post(station.enrolled_by(&roots).to_json(), vec![]).await;
        let registry = Statement::Registry(self.registry());
        self.post(seal(&registry, &[root, station]).to_json(), vec![]).await;
        self.post(cadre.enrolled_by(&roots).to_json(), vec![]).await;
        let (roster, entries) = self.roster();
        let attachment = NewAttachment { media_type: ROSTER_MEDIA_TYPE.to_owned(), bytes: entries };
        let roster = seal(&Statement::Roster(roster), &[station, cadre]);
        self.post(roster.to_json(), vec![attachment]).await;
        let tariff = Statement::Tariff(self.tariff());
        self.post(seal(&tariff, &[root, station]).to_json(), vec![]).await;
    }

    async fn post(&self, envelope: Vec<u8>, attachments: Vec<NewAttachment>) {
        self.service.propose(&envelope, attachments).await.unwrap();
    }

    fn genesis(&self) -> District {
        let mut policy = Policy::usual(2);
        // The roots alone decide on keys here.
        policy.0.retain(|rule| rule.of.is_none());
        District {
            head: head(&[&self.root, &self.second_root]),
            name: "样例灌区".to_owned(),
            log_key: self.service.log_vkey(),
            roots: vec![self.root.root(), self.second_root.root()],
            policy,
        }
    }

    fn registry(&self) -> Registry {
        Registry {
            head: head(&[&self.root, &self.station]),
            villages: vec![Village {
                id: id("east"),
                name: "东村".to_owned(),
                groups: vec![Group { id: id("g1"), name: "一社".to_owned() }],
            }],
            outlets: vec![Outlet {
                id: id("e1"),
                name: "一号斗口".to_owned(),
                canal: "东支渠".to_owned(),
                village: id("east"),
                source: Source::Surface,
                gap_tolerance_seconds: 1800,
            }],
            tables: Vec::new(),
            meters: vec![RegistryMeter::signing(
                Meter::new(
                    id(self.meter.code),
                    id("e1"),
                    id("2026-04-01T00:00:00Z"),
                    Scale::register(100_000),
                ),
                PublicKey::of(&self.meter.key),
            )],
        }
    }

    fn roster(&self) -> (Roster, Vec<u8>) {
        let entry = |(household, area): (&str, i64)| RosterEntry {
            household: id(household),
            group: id("g1"),
            plots: vec![Plot {
                crop: Crop::new("制种玉米").unwrap(),
                source: Source::Surface,
                area: Area(area),
            }],
            water_right_litres: None,
        };
        let entries = [("101", 840), ("102", 1170), ("103", 990)].map(entry);
        let bytes = serde_json::to_vec(&entries).unwrap();
        let roster = Roster {
            head: head(&[&self.station, &self.cadre]),
            village: id("east"),
            effective_from: id("2025-12-31T16:00:00Z"),
            households: 3,
            entries: AttachmentRef::of(ROSTER_MEDIA_TYPE, &bytes),
        };
        (roster, bytes)
    }

    fn tariff(&self) -> TariffNotice {
        TariffNotice {
            head: head(&[&self.root, &self.station]),
            tariff: Tariff::new(Terms::two_part(
                id("2026"),
                id("2026-01-01T00:00:00Z"),
                id("all"),
                Price::new("0.152").unwrap(),
                Price::new("4").unwrap(),
            ))
            .unwrap(),
        }
    }

    async fn open_round(&self, code: &str, name: &str, opens_at: &str, closes_at: &str) {
        let round = Round {
            id: id(code),
            name: name.to_owned(),
            opens_at: id(opens_at),
            closes_at: id(closes_at),
        };
        self.service.request(&self.station.asks(Ask::OpenRound(round))).await.unwrap();
    }

    async fn report(&mut self, hours: usize, flags: Flags) {
        let reports = self.meter.reports(hours, flags);
        self.service.ingest(reports).await.unwrap();
    }

    async fn water(&self, turn: &str, round: &str, opened_at: &str, closed_at: &str) {
        self.draft(turn, round, opened_at, closed_at).await;
        self.sign_all().await;
    }

    /// One watering more, shared as is said here, and posted.
    pub(crate) async fn share(&self, method: ShareMethod, members: Vec<Member>) {
        let turn = Turn { method, members, ..turn("t6", "2026-2", "2026-05-01T18:00:00Z") };
        self.draft_turn(turn, "2026-05-01T19:00:00Z").await;
        self.sign_all().await;
    }

    async fn draft(&self, code: &str, round: &str, opened_at: &str, closed_at: &str) {
        self.draft_turn(turn(code, round, opened_at), closed_at).await;
    }

    async fn draft_turn(&self, turn: Turn, closed_at: &str) {
        let close = Ask::CloseTurn { turn: turn.id.clone(), closed_at: id(closed_at) };
        self.open_turn(turn).await;
        self.service.request(&self.station.asks(close)).await.unwrap();
        self.service.draft_due().await.unwrap();
    }

    async fn open_turn(&self, turn: Turn) {
        self.service.request(&self.station.asks(Ask::OpenTurn(turn))).await.unwrap();
    }

    async fn settle(&self, round: &str) {
        let ask = Ask::Settle { village: id("east"), round: id(round) };
        self.service.request(&self.station.asks(ask)).await.unwrap();
        self.sign_all().await;
    }

    /// Both sides sign every draft.
    async fn sign_all(&self) {
        for draft in self.service.pending(Some(Progress::Draft), None, None, 10).await.unwrap() {
            let message = pae(&draft.payload_type, &draft.payload);
            for person in [&self.station, &self.cadre] {
                let keyid = PublicKey::of(&person.key).fingerprint().to_hex();
                let sig = sign(&person.key, &message);
                self.service.sign(draft.id, &keyid, sig).await.unwrap();
            }
        }
    }
}

/// A turn of the whole group, by area.
fn turn(code: &str, round: &str, opened_at: &str) -> Turn {
    Turn {
        id: id(code),
        round: id(round),
        outlet: id("e1"),
        village: id("east"),
        group: id("g1"),
        method: ShareMethod::Area,
        members: Vec::new(),
        opened_at: id(opened_at),
    }
}
