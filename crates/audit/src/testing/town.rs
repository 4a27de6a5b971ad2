//! How the sample district is founded: genesis, people, registry, rosters, tariff.

use std::collections::BTreeMap;

use disclosure::key::{PublicKey, SigningKey};
use disclosure::record::Record;
use disclosure::statement::{
    District, Policy, ROSTER_MEDIA_TYPE, Registry, RegistryMeter, Roster, RosterEntry, Statement,
    TariffNotice,
};
use domain::Area;
use domain::plot::{Crop, Plot, Source};
use domain::registry::{Group, Meter, Outlet, Village};
use domain::scale::Scale;
use domain::tariff::{Price, Tariff, Terms};

use super::{People, Person, TestLog, TestMeter, id};

/// From when the sample's rosters hold.
const ROSTERS_FROM: &str = "2015-12-31T16:00:00Z";

impl TestLog {
    /// A log in which everything stands that a watering needs.
    pub fn founded() -> Self {
        let mut log = Self {
            record: Record::default(),
            entries: Vec::new(),
            attachments: BTreeMap::new(),
            people: People::default(),
            key: SigningKey::from_bytes(&[99; 32]),
        };
        let People { roots: [one, two], station, east, farmer, west } = log.people.clone();
        let roots = [&one, &two];
        let genesis = log.genesis();
        log.post(&Self::seal(&Statement::District(genesis), &roots));
        log.post(&Self::seal(&Statement::Key(station.enrolment(&roots)), &roots));
        let office = [&one, &station];
        log.post(&Self::seal(&Statement::Registry(log.registry()), &office));
        for cadre in [&east, &farmer, &west] {
            log.post(&Self::seal(&Statement::Key(cadre.enrolment(&roots)), &roots));
        }
        for (village, cadre, households) in [
            ("east", &east, &[("101", 840), ("102", 1170), ("103", 990)][..]),
            ("west", &west, &[("201", 600), ("202", 301)]),
        ] {
            let signers = [&station, cadre];
            let roster = log.roster(village, households, &signers);
            log.post(&Self::seal(&Statement::Roster(roster), &signers));
        }
        log.post(&Self::seal(&Statement::Tariff(log.tariff()), &office));
        log
    }

    /// The genesis: the usual policy, but for all keys both roots.
    pub fn genesis(&self) -> District {
        let mut policy = Policy::usual(2);
        policy.0.retain(|rule| rule.of.is_none());
        let [one, two] = &self.people.roots;
        District {
            head: Self::head(&[one, two]),
            name: "样例灌区".to_owned(),
            log_key: self.verifier_key().to_string(),
            roots: vec![one.root(), two.root()],
            policy,
        }
    }

    /// The registry, signed by a root and the station.
    pub fn registry(&self) -> Registry {
        let village = |code, name: &str| Village {
            id: id(code),
            name: name.to_owned(),
            groups: vec![Group { id: id("g1"), name: "一社".to_owned() }],
        };
        let outlet = |code, village| Outlet {
            id: id(code),
            name: "一号斗口".to_owned(),
            canal: "东支渠".to_owned(),
            village: id(village),
            source: Source::Surface,
            gap_tolerance_seconds: 1800,
        };
        let meter = |meter: &TestMeter, outlet| {
            let installed_at = id("2016-04-01T00:00:00Z");
            let scale = Scale::register(100_000);
            let installed = Meter::new(meter.code.clone(), id(outlet), installed_at, scale);
            RegistryMeter::signing(installed, PublicKey::of(&meter.key))
        };
        Registry {
            head: Self::head(&[&self.people.roots[0], &self.people.station]),
            villages: vec![village("east", "东村"), village("west", "西村")],
            outlets: vec![outlet("e1", "east"), outlet("w1", "west")],
            tables: Vec::new(),
            meters: vec![meter(&TestMeter::east(), "e1"), meter(&TestMeter::west(), "w1")],
        }
    }

    /// A village's roster: household numbers with areas in hundredths of a mu.
    pub fn roster(
        &mut self,
        village: &str,
        households: &[(&str, i64)],
        signers: &[&Person],
    ) -> Roster {
        let entry = |&(household, area): &(&str, i64)| RosterEntry {
            household: id(household),
            group: id("g1"),
            plots: vec![Plot {
                crop: Crop::new("制种玉米").unwrap(),
                source: Source::Surface,
                area: Area(area),
            }],
            water_right_litres: None,
        };
        let entries: Vec<RosterEntry> = households.iter().map(entry).collect();
        Roster {
            head: Self::head(signers),
            village: id(village),
            effective_from: id(ROSTERS_FROM),
            households: entries.len().try_into().unwrap(),
            entries: self.attach(ROSTER_MEDIA_TYPE, serde_json::to_vec(&entries).unwrap()),
        }
    }

    fn tariff(&self) -> TariffNotice {
        TariffNotice {
            head: Self::head(&[&self.people.roots[0], &self.people.station]),
            tariff: Tariff::new(Terms::two_part(
                id("2016"),
                id("2016-01-01T00:00:00Z"),
                id("all"),
                Price::new("0.152").unwrap(),
                Price::new("4").unwrap(),
            ))
            .unwrap(),
        }
    }
}
