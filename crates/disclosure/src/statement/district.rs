//! `district`: the genesis of a log, and later changes of its policy.

use domain::PersonId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Head, Kind, Role};
use crate::dsse::MAX_SIGNATURES;
use crate::key::PublicKey;

/// The district's name, its log, its root keys and its signing policy; entry 0 of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// What every statement begins with.
    pub head: Head,
    /// The district's name as people say it.
    pub name: String,
    /// The log's verifier key (signed-note text form); its name is the checkpoints' origin.
    pub log_key: String,
    /// Who holds the root keys. A later district statement must name the same.
    pub roots: Vec<Root>,
    /// Who must sign what.
    pub policy: Policy,
}

/// A holder of a root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Who.
    pub person: PersonId,
    /// Their key.
    pub key: PublicKey,
}

/// For each kind of statement the roles that must sign it, and how many of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policy(pub Vec<Rule>);

/// Who must sign one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The kind.
    pub kind: Kind,
    /// All of these must be met.
    pub needs: Vec<Need>,
}

/// So many different people of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The role.
    pub role: Role,
    /// How many people.
    pub count: u8,
}

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A kind has no rule or two.
    #[error("the policy must have exactly one rule for {}", .0.code())]
    OneRuleEach(Kind),
    /// A rule demands nobody, or a role twice.
    #[error("the policy's rule for {} must name each role once with a count of at least 1", .0.code())]
    Needs(Kind),
    /// A kind that both sides must sign lacks one.
    #[error("the policy's rule for {} must demand at least one station and one cadre", .0.code())]
    BothSides(Kind),
    /// More signatures demanded than an envelope holds.
    #[error("the policy demands {needed} signatures for {}: at most {MAX_SIGNATURES} fit", kind.code())]
    TooManySignatures {
        /// For which kind.
        kind: Kind,
        /// How many it demands.
        needed: usize,
    },
    /// More root signatures demanded than there are root keys.
    #[error("the policy demands {needed} root signatures for {}, and there are {roots} root keys", kind.code())]
    TooFewRoots {
        /// For which kind.
        kind: Kind,
        /// How many it demands.
        needed: u8,
        /// How many there are.
        roots: usize,
    },
}

/// What makes water or money public is signed by both sides, whatever else a policy says.
const BOTH_SIDES: [Kind; 4] = [Kind::Roster, Kind::Watering, Kind::Correction, Kind::BillRun];

impl Policy {
    /// Who must sign `kind`; empty only for a policy that was never checked.
    pub fn needs(&self, kind: Kind) -> &[Need] {
        self.0.iter().find(|rule| rule.kind == kind).map_or(&[], |rule| &rule.needs)
    }

    /// Checks that each kind has one satisfiable rule and that both sides sign water and money.
    pub fn check(&self, roots: usize) -> Result<(), PolicyError> {
        for kind in Kind::ALL {
            if self.0.iter().filter(|rule| rule.kind == kind).count() != 1 {
                return Err(PolicyError::OneRuleEach(kind));
            }
            let needs = self.needs(kind);
            let once = |need: &Need| needs.iter().filter(|n| n.role == need.role).count() == 1;
            if needs.is_empty() || !needs.iter().all(|need| need.count > 0 && once(need)) {
                return Err(PolicyError::Needs(kind));
            }
            let demands = |role| needs.iter().any(|need| need.role == role);
            if BOTH_SIDES.contains(&kind) && !(demands(Role::Station) && demands(Role::Cadre)) {
                return Err(PolicyError::BothSides(kind));
            }
            let needed = needs.iter().map(|need| usize::from(need.count)).sum();
            if needed > MAX_SIGNATURES {
                return Err(PolicyError::TooManySignatures { kind, needed });
            }
            for need in needs.iter().filter(|need| need.role == Role::Root) {
                if usize::from(need.count) > roots {
                    return Err(PolicyError::TooFewRoots { kind, needed: need.count, roots });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let need = |role| Need { role, count: 1 };
        Policy(
            Kind::ALL
                .map(|kind| Rule {
                    kind,
                    needs: if BOTH_SIDES.contains(&kind) {
                        vec![need(Role::Station), need(Role::Cadre)]
                    } else {
                        vec![need(Role::Root)]
                    },
                })
                .to_vec(),
        )
    }

    #[test]
    fn rejects_water_signed_by_one_side() {
        assert_eq!(policy().check(1), Ok(()));
        let mut one_sided = policy();
        one_sided.0[5].needs.pop();
        assert_eq!(one_sided.check(1), Err(PolicyError::BothSides(Kind::Watering)));
    }

    #[test]
    fn rejects_a_kind_without_a_rule_or_with_two() {
        let mut missing = policy();
        missing.0.pop();
        assert_eq!(missing.check(1), Err(PolicyError::OneRuleEach(Kind::BillRun)));
        let mut twice = policy();
        twice.0.push(twice.0[0].clone());
        assert_eq!(twice.check(1), Err(PolicyError::OneRuleEach(Kind::District)));
    }

    #[test]
    fn rejects_a_rule_that_demands_nobody_or_one_role_twice() {
        let mut nobody = policy();
        nobody.0[0].needs[0].count = 0;
        assert_eq!(nobody.check(1), Err(PolicyError::Needs(Kind::District)));
        let mut twice = policy();
        let again = twice.0[0].needs[0];
        twice.0[0].needs.push(again);
        assert_eq!(twice.check(1), Err(PolicyError::Needs(Kind::District)));
    }

    #[test]
    fn rejects_more_signatures_than_an_envelope_holds() {
        let mut many = policy();
        many.0[5].needs[0].count = 16;
        let needed = 17;
        let error = PolicyError::TooManySignatures { kind: Kind::Watering, needed };
        assert_eq!(many.check(1), Err(error));
        many.0[5].needs[0].count = 15;
        assert_eq!(many.check(1), Ok(()));
    }

    #[test]
    fn rejects_more_root_signatures_than_roots() {
        assert!(matches!(
            policy().check(0),
            Err(PolicyError::TooFewRoots { needed: 1, roots: 0, .. })
        ));
    }
}
