//! The signing policy: for each kind of statement who must sign it, and by when.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Kind, Role};
use crate::dsse::MAX_SIGNATURES;

/// The longest time that a rule gives its signers: a year, in hours.
pub const MAX_DEADLINE_HOURS: u16 = 8784;

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
    /// Of `key` statements only: the role whose keys the rule is for. Keys of a role without a rule of its own go by
    /// the rule that names no role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Role>,
    /// All of these must be met.
    pub needs: Vec<Need>,
    /// How long after a watering's end, or else after it was drawn up, the signatures are due. What is not signed by
    /// then is posted as `overdue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_hours: Option<u16>,
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
    /// A rule for the keys of a role that has one already, or of one that keys are not enrolled for.
    #[error("the policy may have one rule for the keys of each of station, cadre, supervisor and household, and not for {} of {}", .1.code(), .0.code())]
    RuleOfRole(Kind, Role),
    /// A rule demands nobody, or a role twice.
    #[error("the policy's rule for {} must name each role once with a count of at least 1", .0.code())]
    Needs(Kind),
    /// A kind that both sides must sign lacks one.
    #[error("the policy's rule for {} must demand at least one station and one cadre", .0.code())]
    BothSides(Kind),
    /// One person could change who may sign.
    #[error(
        "the policy's rules for key must each demand at least two people: a second one approves"
    )]
    OneApprover,
    /// The log itself signs what nobody else does, and nothing else.
    #[error("the policy's rule for {} must demand log once and nobody else, if it is overdue or balance, and otherwise not log", .0.code())]
    Log(Kind),
    /// A deadline of no time or of more than a year, or one for what has none.
    #[error("the policy's rule for {} must give 1 to {MAX_DEADLINE_HOURS} hours or leave the deadline out; overdue and balance have none", .0.code())]
    Deadline(Kind),
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
/// What the log says by itself.
const BY_THE_LOG: [Kind; 2] = [Kind::Overdue, Kind::Balance];
/// The roles that keys are enrolled for.
const ENROLLED: [Role; 4] = [Role::Station, Role::Cadre, Role::Supervisor, Role::Household];

impl Policy {
    /// The policy that a new district starts with: `quorum` roots decide on people and rules; of cadres and
    /// households the station and a supervisor do, so that a lost phone is replaced on the spot. Water and money take
    /// both sides, water within three days.
    pub fn usual(quorum: u8) -> Self {
        let need = |role, count| Need { role, count };
        let rule = |kind| {
            let needs = match kind {
                Kind::District | Kind::Key => vec![need(Role::Root, quorum)],
                Kind::Registry | Kind::Tariff => vec![need(Role::Root, 1), need(Role::Station, 1)],
                Kind::Roster | Kind::Watering | Kind::Correction | Kind::BillRun => {
                    vec![need(Role::Station, 1), need(Role::Cadre, 1)]
                }
                Kind::Overdue | Kind::Balance => vec![need(Role::Log, 1)],
            };
            let within_hours = matches!(kind, Kind::Watering | Kind::Correction).then_some(72);
            Rule { kind, of: None, needs, within_hours }
        };
        let keys_of = |role| {
            let needs = vec![need(Role::Station, 1), need(Role::Supervisor, 1)];
            Rule { kind: Kind::Key, of: Some(role), needs, within_hours: None }
        };
        let own = [Role::Cadre, Role::Household].map(keys_of);
        Self(Kind::ALL.map(rule).into_iter().chain(own).collect())
    }

    /// The rule for `kind`, and for key statements about a key of the role `of`; none only in a policy that was never checked.
    pub fn rule(&self, kind: Kind, of: Option<Role>) -> Option<&Rule> {
        let rule = |of| self.0.iter().find(|rule| rule.kind == kind && rule.of == of);
        of.and_then(|role| rule(Some(role))).or_else(|| rule(None))
    }

    /// Who must sign `kind`, and of key statements those about a key of the role `of`.
    pub fn needs(&self, kind: Kind, of: Option<Role>) -> &[Need] {
        self.rule(kind, of).map_or(&[], |rule| &rule.needs)
    }

    /// Checks that each kind has one satisfiable rule, that both sides sign water and money, and that two decide on keys.
    pub fn check(&self, roots: usize) -> Result<(), PolicyError> {
        for kind in Kind::ALL {
            let plain = |rule: &&Rule| rule.kind == kind && rule.of.is_none();
            if self.0.iter().filter(plain).count() != 1 {
                return Err(PolicyError::OneRuleEach(kind));
            }
        }
        for rule in &self.0 {
            if let Some(role) = rule.of {
                let same = |other: &&Rule| other.kind == rule.kind && other.of == rule.of;
                let once = self.0.iter().filter(same).count() == 1;
                if rule.kind != Kind::Key || !ENROLLED.contains(&role) || !once {
                    return Err(PolicyError::RuleOfRole(rule.kind, role));
                }
            }
            rule.check(roots)?;
        }
        Ok(())
    }
}

impl Rule {
    fn check(&self, roots: usize) -> Result<(), PolicyError> {
        let (kind, needs) = (self.kind, &self.needs);
        let once = |need: &Need| needs.iter().filter(|n| n.role == need.role).count() == 1;
        if needs.is_empty() || !needs.iter().all(|need| need.count > 0 && once(need)) {
            return Err(PolicyError::Needs(kind));
        }
        let demands = |role| needs.iter().any(|need| need.role == role);
        if BOTH_SIDES.contains(&kind) && !(demands(Role::Station) && demands(Role::Cadre)) {
            return Err(PolicyError::BothSides(kind));
        }
        let only_the_log = *needs == [Need { role: Role::Log, count: 1 }];
        let by_the_log = BY_THE_LOG.contains(&kind);
        if by_the_log != only_the_log || (!by_the_log && demands(Role::Log)) {
            return Err(PolicyError::Log(kind));
        }
        let hours = self.within_hours;
        if hours.is_some_and(|hours| by_the_log || !(1..=MAX_DEADLINE_HOURS).contains(&hours)) {
            return Err(PolicyError::Deadline(kind));
        }
        let needed = needs.iter().map(|need| usize::from(need.count)).sum();
        if kind == Kind::Key && needed < 2 {
            return Err(PolicyError::OneApprover);
        }
        if needed > MAX_SIGNATURES {
            return Err(PolicyError::TooManySignatures { kind, needed });
        }
        match needs.iter().find(|need| need.role == Role::Root) {
            Some(need) if usize::from(need.count) > roots => {
                Err(PolicyError::TooFewRoots { kind, needed: need.count, roots })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The usual policy with one rule changed.
    fn with(kind: Kind, change: impl FnOnce(&mut Rule)) -> Result<(), PolicyError> {
        let mut policy = Policy::usual(2);
        let rule = policy.0.iter_mut().find(|rule| rule.kind == kind && rule.of.is_none());
        change(rule.unwrap());
        policy.check(2)
    }

    #[test]
    fn keys_of_a_role_go_by_its_own_rule() {
        let policy = Policy::usual(2);
        assert_eq!(policy.check(2), Ok(()));
        let roots = [Need { role: Role::Root, count: 2 }];
        assert_eq!(policy.needs(Kind::Key, None), roots);
        assert_eq!(policy.needs(Kind::Key, Some(Role::Station)), roots);
        let local = [Role::Station, Role::Supervisor].map(|role| Need { role, count: 1 });
        assert_eq!(policy.needs(Kind::Key, Some(Role::Cadre)), local);
    }

    #[test]
    fn rejects_water_signed_by_one_side() {
        let one_sided = with(Kind::Watering, |rule| rule.needs.truncate(1));
        assert_eq!(one_sided, Err(PolicyError::BothSides(Kind::Watering)));
    }

    #[test]
    fn rejects_a_kind_without_a_rule_or_with_two() {
        let mut missing = Policy::usual(2);
        missing.0.retain(|rule| rule.kind != Kind::BillRun);
        assert_eq!(missing.check(2), Err(PolicyError::OneRuleEach(Kind::BillRun)));
        let mut twice = Policy::usual(2);
        twice.0.push(twice.0[0].clone());
        assert_eq!(twice.check(2), Err(PolicyError::OneRuleEach(Kind::District)));
    }

    #[test]
    fn rejects_a_rule_of_a_role_for_another_kind_for_roots_or_twice() {
        let rule = |kind, of| {
            let mut policy = Policy::usual(2);
            let needs = vec![Need { role: Role::Root, count: 2 }];
            policy.0.push(Rule { kind, of: Some(of), needs, within_hours: None });
            policy.check(2)
        };
        assert_eq!(rule(Kind::Key, Role::Station), Ok(()));
        for (kind, of) in [
            (Kind::Tariff, Role::Station),
            (Kind::Key, Role::Root),
            (Kind::Key, Role::Log),
            (Kind::Key, Role::Cadre),
        ] {
            assert_eq!(rule(kind, of), Err(PolicyError::RuleOfRole(kind, of)));
        }
    }

    #[test]
    fn rejects_a_rule_that_demands_nobody_or_one_role_twice() {
        let nobody = with(Kind::District, |rule| rule.needs[0].count = 0);
        assert_eq!(nobody, Err(PolicyError::Needs(Kind::District)));
        let twice = with(Kind::District, |rule| rule.needs.push(rule.needs[0]));
        assert_eq!(twice, Err(PolicyError::Needs(Kind::District)));
    }

    #[test]
    fn rejects_keys_that_one_person_decides_on() {
        let alone = with(Kind::Key, |rule| rule.needs[0].count = 1);
        assert_eq!(alone, Err(PolicyError::OneApprover));
    }

    #[test]
    fn rejects_the_log_beside_people_and_people_where_the_log_speaks() {
        let log = Need { role: Role::Log, count: 1 };
        let beside = with(Kind::Tariff, |rule| rule.needs.push(log));
        assert_eq!(beside, Err(PolicyError::Log(Kind::Tariff)));
        let root = Need { role: Role::Root, count: 1 };
        let held_back = with(Kind::Overdue, |rule| rule.needs.push(root));
        assert_eq!(held_back, Err(PolicyError::Log(Kind::Overdue)));
        let replaced = with(Kind::Balance, |rule| rule.needs = vec![root]);
        assert_eq!(replaced, Err(PolicyError::Log(Kind::Balance)));
    }

    #[test]
    fn rejects_a_deadline_that_is_none() {
        for hours in [0, MAX_DEADLINE_HOURS + 1] {
            let within = with(Kind::Watering, |rule| rule.within_hours = Some(hours));
            assert_eq!(within, Err(PolicyError::Deadline(Kind::Watering)));
        }
        let overdue = with(Kind::Overdue, |rule| rule.within_hours = Some(1));
        assert_eq!(overdue, Err(PolicyError::Deadline(Kind::Overdue)));
    }

    #[test]
    fn rejects_more_signatures_than_an_envelope_holds() {
        let many = |count| with(Kind::Watering, |rule| rule.needs[0].count = count);
        let (kind, needed) = (Kind::Watering, 17);
        assert_eq!(many(16), Err(PolicyError::TooManySignatures { kind, needed }));
        assert_eq!(many(15), Ok(()));
    }

    #[test]
    fn rejects_more_root_signatures_than_roots() {
        let (kind, needed, roots) = (Kind::District, 2, 1);
        let few = Policy::usual(2).check(1);
        assert_eq!(few, Err(PolicyError::TooFewRoots { kind, needed, roots }));
    }
}
