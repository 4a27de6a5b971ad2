//! The people of the sample district, with their keys.

use disclosure::key::{PublicKey, SigningKey};
use disclosure::statement::{Act, Enrolment, ExpectedSigner, KeyAct, Role, Root};
use domain::{HouseholdNo, PersonId, VillageId};

use super::{TestLog, id};

/// Somebody with a key.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub person: PersonId,
    /// As what they sign.
    pub role: Role,
    /// A cadre's village.
    pub village: Option<VillageId>,
    /// Their own household.
    pub household: Option<HouseholdNo>,
    /// Their key.
    pub key: SigningKey,
}

/// Everybody who signs in the sample district.
#[derive(Debug, Clone)]
pub struct People {
    /// Two holders of root keys.
    pub roots: [Person; 2],
    /// An operator of the station.
    pub station: Person,
    /// The cadre of village east.
    pub east: Person,
    /// Another cadre of village east, whose household is 103.
    pub farmer: Person,
    /// The cadre of village west.
    pub west: Person,
}

impl Person {
    /// Somebody whose key is made from `seed`.
    pub fn new(person: &str, role: Role, village: Option<&str>, seed: u8) -> Self {
        Self {
            person: id(person),
            role,
            village: village.map(id),
            household: None,
            key: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    /// How a statement names them among its signers.
    pub fn expected(&self) -> ExpectedSigner {
        ExpectedSigner { role: self.role, key: PublicKey::of(&self.key).fingerprint() }
    }

    /// How the genesis names them.
    pub fn root(&self) -> Root {
        Root { person: self.person.clone(), key: PublicKey::of(&self.key) }
    }

    /// The statement that enrols them, to be signed by the roots.
    pub fn enrolment(&self, roots: &[&Person]) -> KeyAct {
        let key = PublicKey::of(&self.key);
        let act = Act::Enrol(Enrolment {
            village: self.village.clone(),
            household: self.household.clone(),
            ..Enrolment::new(self.person.clone(), self.role, key)
        });
        KeyAct { head: TestLog::head(roots), act }
    }
}

impl Default for People {
    fn default() -> Self {
        let farmer = Person::new("east-2", Role::Cadre, Some("east"), 22);
        Self {
            roots: [1, 2].map(|n| Person::new(&format!("root-{n}"), Role::Root, None, n)),
            station: Person::new("station-1", Role::Station, None, 11),
            east: Person::new("east-1", Role::Cadre, Some("east"), 21),
            farmer: Person { household: Some(id("103")), ..farmer },
            west: Person::new("west-1", Role::Cadre, Some("west"), 31),
        }
    }
}

impl People {
    /// The cadre who signs for a village.
    pub fn cadre_of(&self, village: &VillageId) -> &Person {
        if village.as_str() == "west" { &self.west } else { &self.east }
    }
}
