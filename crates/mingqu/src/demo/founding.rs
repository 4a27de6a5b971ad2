//! The township's first postings: genesis, keys, registry, rosters, tariff.

use anyhow::Context;
use disclosure::attachment::AttachmentRef;
use disclosure::key::PublicKey;
use disclosure::statement::{
    Act, District, Enrolment, KeyAct, Kind, Policy, ROSTER_MEDIA_TYPE, Registry, RegistryMeter,
    Role, Root, Roster, RosterEntry, Statement, TariffNotice,
};
use domain::plot::Source;
use domain::registry::{Group, Meter, Outlet, Village};
use domain::scale::Scale;
use domain::{GroupId, Timestamp};
use service::LogKey;

use super::meters::public_device_key;
use super::people::{People, Person};
use super::township::{PersonEntry, Township, VillageEntry, Well};
use crate::command::init::{USUAL_QUORUM, genesis};

/// Posts whatever of the founding statements is not posted yet; they are the same bytes at every
/// start, and the server knows them again.
pub fn found(township: &Township, people: &People, genesis: &[u8]) -> anyhow::Result<()> {
    let founding = Founding { township, people, at: township.installed_at };
    founding.genesis(genesis)?;
    for person in people.in_role(Role::Station).chain(people.in_role(Role::Supervisor)) {
        founding.enrol(person)?;
    }
    founding.registry()?;
    for person in people.in_role(Role::Cadre) {
        founding.enrol(person)?;
    }
    for village in &township.villages {
        founding.roster(village)?;
    }
    founding.tariff()
}

/// The genesis as it is drawn up for this log key and these people.
pub fn genesis_of(township: &Township, all: &[Person], log_key: &LogKey) -> District {
    let roots = all.iter().filter(|person| person.entry.role == Role::Root).map(|person| Root {
        person: person.entry.person.clone(),
        key: PublicKey::of(&person.key),
    });
    let district = township.district.clone();
    let policy = Policy::usual(USUAL_QUORUM);
    genesis(district, &township.name, log_key, roots.collect(), policy, township.installed_at)
}

struct Founding<'a> {
    township: &'a Township,
    people: &'a People,
    at: Timestamp,
}

impl Founding<'_> {
    fn genesis(&self, payload: &[u8]) -> anyhow::Result<()> {
        let genesis = Statement::parse(&Kind::District.payload_type(), payload)?;
        self.propose(&genesis, self.roots(), Vec::new())
    }

    fn enrol(&self, person: &Person) -> anyhow::Result<()> {
        let PersonEntry { person: who, role, village, household } = &person.entry;
        let enrolment = Enrolment {
            village: village.clone(),
            household: household.clone(),
            ..Enrolment::new(who.clone(), *role, PublicKey::of(&person.key))
        };
        let key = |head| Statement::Key(KeyAct { head, act: Act::Enrol(enrolment.clone()) });
        if *role == Role::Cadre {
            let head = self.people.head(self.at, &[Role::Station, Role::Supervisor]);
            let signers = self.first(Role::Station).chain(self.first(Role::Supervisor));
            return self.propose(&key(head), signers, Vec::new());
        }
        let head = self.people.head(self.at, &[Role::Root]);
        self.propose(&key(head), self.roots(), Vec::new())
    }

    fn registry(&self) -> anyhow::Result<()> {
        let head = self.people.head(self.at, &[Role::Root, Role::Station]);
        let villages = self.township.villages.iter().map(village).collect::<Result<_, _>>()?;
        let outlets = self.township.wells.iter().map(|well| self.outlet(well)).collect();
        let meters =
            self.township.wells.iter().map(|well| self.meter(well)).collect::<Result<_, _>>()?;
        let statement =
            Statement::Registry(Registry { head, villages, outlets, tables: Vec::new(), meters });
        self.propose(&statement, self.root_and_station(), Vec::new())
    }

    fn roster(&self, village: &VillageEntry) -> anyhow::Result<()> {
        let entries: Vec<&RosterEntry> = self
            .township
            .households
            .iter()
            .filter(|household| household.village == village.id)
            .map(|household| &household.entry)
            .collect();
        let bytes = serde_json::to_vec(&entries)?;
        let cadre = self
            .people
            .in_role(Role::Cadre)
            .find(|person| person.entry.village.as_ref() == Some(&village.id))
            .with_context(|| format!("village {} has no cadre", village.id))?;
        let statement = Statement::Roster(Roster {
            head: self.people.head(self.at, &[Role::Station, Role::Cadre]),
            village: village.id.clone(),
            effective_from: self.at,
            households: u32::try_from(entries.len())?,
            entries: AttachmentRef::of(ROSTER_MEDIA_TYPE, &bytes),
        });
        let signers = self.people.in_role(Role::Station).take(1).chain([cadre]);
        self.propose(&statement, signers, vec![bytes])
    }

    fn tariff(&self) -> anyhow::Result<()> {
        let head = self.people.head(self.at, &[Role::Root, Role::Station]);
        let tariff = self.township.tariff.clone();
        let statement = Statement::Tariff(TariffNotice { head, tariff });
        self.propose(&statement, self.root_and_station(), Vec::new())
    }

    fn propose<'p>(
        &self,
        statement: &Statement,
        signers: impl IntoIterator<Item = &'p Person>,
        attachments: Vec<Vec<u8>>,
    ) -> anyhow::Result<()> {
        self.people
            .propose(statement, signers, attachments)
            .with_context(|| format!("posting the {} statement", statement.kind().code()))
    }

    fn roots(&self) -> impl Iterator<Item = &Person> {
        self.people.in_role(Role::Root)
    }

    fn root_and_station(&self) -> impl Iterator<Item = &Person> {
        self.first(Role::Root).chain(self.first(Role::Station))
    }

    fn first(&self, role: Role) -> impl Iterator<Item = &Person> {
        self.people.in_role(role).take(1)
    }

    fn outlet(&self, well: &Well) -> Outlet {
        Outlet {
            id: well.id.clone(),
            name: well.name.clone(),
            canal: "地下水".into(),
            village: well.village.clone(),
            source: Source::Ground,
            gap_tolerance_seconds: self.township.gap_tolerance_seconds,
        }
    }

    fn meter(&self, well: &Well) -> anyhow::Result<RegistryMeter> {
        let meter = Meter::new(
            well.meter.clone(),
            well.id.clone(),
            self.township.installed_at,
            Scale::register(self.township.millilitres_per_unit),
        );
        Ok(RegistryMeter::signing(meter, public_device_key(&well.meter)?))
    }
}

fn village(entry: &VillageEntry) -> anyhow::Result<Village> {
    let groups = entry.groups.iter().zip(1..).map(|(name, number)| {
        Ok(Group { id: GroupId::new(format!("g{number}"))?, name: name.clone() })
    });
    Ok(Village {
        id: entry.id.clone(),
        name: entry.name.clone(),
        groups: groups.collect::<anyhow::Result<_>>()?,
    })
}
