//! A district to measure on: founded like any other, with a registry of simulated meters.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey};
use disclosure::note::KeyName;
use disclosure::statement::{
    Act, Enrolment, ExpectedSigner, Head, KeyAct, Kind, Policy, Registry, RegistryMeter, Role,
    Root, Statement,
};
use domain::plot::Source;
use domain::registry::{Group, Meter, Outlet, Village};
use domain::scale::Scale;
use domain::{DistrictId, GroupId, MeterCode, OutletId, PersonId, Timestamp, VillageId};
use service::{LogKey, Service};
use store::Store;

use super::fleet::Fleet;
use super::statistics::float;
use crate::clock::SystemClock;
use crate::command::init::{USUAL_QUORUM, genesis};
use crate::config::{FILE_NAME, File, GENESIS_FILE, LOG_KEY_FILE};
use crate::key_file;

const ORIGIN: &str = "bench.invalid/mingqu";
/// Meters of one registry statement, so that it stays below the log's entry size.
const METERS_PER_STATEMENT: usize = 64;
const GAP_TOLERANCE_SECONDS: u32 = 3 * 3600;

/// A founded district with its data folder.
pub struct Ground {
    /// The district's code.
    pub district: DistrictId,
    /// The data folder.
    pub data: PathBuf,
    /// The database's address.
    pub database: String,
    bytes_when_founded: Option<f64>,
}

impl Ground {
    /// Founds a district with the fleet's meters in a new data folder.
    pub async fn found(
        folder: &Path,
        code: &str,
        database: Option<&str>,
        fleet: &Fleet,
    ) -> anyhow::Result<Self> {
        let district = DistrictId::new(code)?;
        let data = folder.join(code);
        std::fs::create_dir_all(&data)
            .with_context(|| format!("cannot make the folder {}", data.display()))?;
        let database = match database {
            Some(url) => url.to_owned(),
            None => format!("sqlite:{}", data.join("mingqu.db").display()),
        };
        let key = key_file::read_or_create(&data.join(LOG_KEY_FILE))?;
        let log_key = LogKey::new(KeyName::new(ORIGIN)?, key);
        let store = Store::open(&database, &district)
            .await
            .context("the database cannot be opened (--database)")?;
        ensure!(
            store.head().await?.size == 0,
            "the database has a district {code} already: give --database an empty one"
        );
        let founders = Founders::new(district.clone(), fleet.start());
        let genesis = founders.genesis(&log_key)?;
        let file = File { district: code.to_owned(), origin: ORIGIN.to_owned(), ..File::default() };
        file.write(&data.join(FILE_NAME))?;
        std::fs::write(data.join(GENESIS_FILE), genesis.to_payload()?)?;
        let service = Service::open(store, log_key, Arc::new(SystemClock)).await?;
        founders.post(&service, &genesis).await?;
        founders.post(&service, &founders.station()?).await?;
        for statement in founders.registry(fleet)? {
            founders.post(&service, &statement).await?;
        }
        service.store().close().await;
        let bytes_when_founded = bytes_on_disk(&database);
        Ok(Self { district, data, database, bytes_when_founded })
    }

    /// The store, for what needs no server.
    pub async fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.database, &self.district).await?)
    }

    /// By how much the SQLite database grew since it was founded; `None` for a server's.
    pub fn bytes_of_reports(&self) -> Option<f64> {
        Some(bytes_on_disk(&self.database)? - self.bytes_when_founded?)
    }
}

/// The size of a SQLite database; `None` for a server's.
fn bytes_on_disk(database: &str) -> Option<f64> {
    let file = std::fs::metadata(database.strip_prefix("sqlite:")?).ok()?;
    Some(float(usize::try_from(file.len()).ok()?))
}

/// The two who found the district; one root and one station are enough for a registry.
struct Founders {
    district: DistrictId,
    at: Timestamp,
    roots: [SigningKey; 2],
    station: SigningKey,
}

impl Founders {
    fn new(district: DistrictId, at: Timestamp) -> Self {
        // Nobody rests anything on these keys.
        let [first, second, station] = [1, 3, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
        Self { district, at, roots: [first, second], station }
    }

    fn genesis(&self, log_key: &LogKey) -> anyhow::Result<Statement> {
        let root = |person: &str, key| -> anyhow::Result<Root> {
            Ok(Root { person: PersonId::new(person)?, key: PublicKey::of(key) })
        };
        let roots = vec![root("root-1", &self.roots[0])?, root("root-2", &self.roots[1])?];
        let (district, policy) = (self.district.clone(), Policy::usual(USUAL_QUORUM));
        let genesis = genesis(district, "Bench", log_key, roots, policy, self.at);
        Ok(Statement::District(genesis))
    }

    fn station(&self) -> anyhow::Result<Statement> {
        let station = PublicKey::of(&self.station);
        let enrolment = Enrolment::new(PersonId::new("station")?, Role::Station, station);
        Ok(Statement::Key(KeyAct { head: self.head(&[Role::Root]), act: Act::Enrol(enrolment) }))
    }

    fn registry(&self, fleet: &Fleet) -> anyhow::Result<Vec<Statement>> {
        let village = VillageId::new("bench")?;
        let groups = vec![Group { id: GroupId::new("g1")?, name: "Group".to_owned() }];
        let mut villages = vec![Village { id: village.clone(), name: "Bench".to_owned(), groups }];
        let meters: Vec<_> = fleet.keys().collect();
        let statement = |meters: &[(&telemetry::MeterId, telemetry::VerifyingKey)]| {
            let mut registry = Registry {
                head: self.head(&[Role::Root, Role::Station]),
                villages: std::mem::take(&mut villages),
                outlets: Vec::new(),
                tables: Vec::new(),
                meters: Vec::new(),
            };
            for (id, key) in meters {
                let outlet = OutletId::new(id.as_str())?;
                registry.outlets.push(Outlet {
                    id: outlet.clone(),
                    name: id.to_string(),
                    canal: "Bench".to_owned(),
                    village: village.clone(),
                    source: Source::Ground,
                    gap_tolerance_seconds: GAP_TOLERANCE_SECONDS,
                });
                registry.meters.push(self.meter(MeterCode::new(id.as_str())?, outlet, key)?);
            }
            Ok(Statement::Registry(registry))
        };
        meters.chunks(METERS_PER_STATEMENT).map(statement).collect()
    }

    fn meter(
        &self,
        code: MeterCode,
        outlet: OutletId,
        key: &telemetry::VerifyingKey,
    ) -> anyhow::Result<RegistryMeter> {
        // A unit is a litre.
        let meter = Meter::new(code, outlet, self.at, Scale::register(1_000));
        Ok(RegistryMeter::signing(meter, PublicKey::from_bytes(key.as_bytes())?))
    }

    fn head(&self, roles: &[Role]) -> Head {
        let signers = |role: &Role| {
            let keys = if *role == Role::Root {
                &self.roots[..]
            } else {
                std::slice::from_ref(&self.station)
            };
            let role = *role;
            keys.iter()
                .map(move |key| ExpectedSigner { role, key: PublicKey::of(key).fingerprint() })
        };
        let mut signers: Vec<_> = roles.iter().flat_map(signers).collect();
        signers.sort();
        Head { district: self.district.clone(), drafted_at: self.at, signers }
    }

    async fn post(&self, service: &Service, statement: &Statement) -> anyhow::Result<()> {
        let kind = statement.kind();
        let mut envelope = Envelope::unsigned(kind.payload_type(), statement.to_payload()?);
        let [first, second] = &self.roots;
        let other = if kind == Kind::Registry { &self.station } else { second };
        for key in [first, other] {
            envelope.sign_with(key)?;
        }
        service.propose(&envelope.to_json(), Vec::new()).await?;
        Ok(())
    }
}
