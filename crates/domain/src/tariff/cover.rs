//! How a tariff's rules fit together: no water has two prices or none, and what needs a quota has one.

use super::check::that;
use super::error::{Fault, TariffError};
use super::price::Per;
use super::season::{MonthDay, Season};
use super::terms::{Class, On, Terms};
use crate::ClassId;
use crate::plot::Source;

/// Both sources.
pub(super) const SOURCES: [Source; 2] = [Source::Surface, Source::Ground];

/// What a rule holds for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The source; all without it.
    pub source: Option<Source>,
    /// The class; all without it.
    pub class: Option<&'a ClassId>,
    /// The season; the whole year without it.
    pub season: Option<Season>,
}

impl<'a> Scope<'a> {
    /// What a rule of these fields holds for.
    pub const fn new(
        source: Option<Source>,
        class: Option<&'a ClassId>,
        season: Option<Season>,
    ) -> Self {
        Self { source, class, season }
    }

    /// Whether it holds for a source and a class, on some day.
    pub fn covers(&self, source: Source, class: &ClassId) -> bool {
        self.source.is_none_or(|own| own == source) && self.class.is_none_or(|own| own == class)
    }

    fn on(&self, day: MonthDay) -> bool {
        self.season.is_none_or(|season| season.contains(day))
    }
}

/// A rule among those that it must not meet.
struct Rule<'a> {
    path: String,
    /// Rules of different kinds may meet: fees by name and by whether they are yearly.
    kind: (&'a str, bool),
    scope: Scope<'a>,
}

pub(super) fn check(terms: &Terms) -> Result<(), TariffError> {
    let lists = lists(terms);
    for rule in lists.iter().flat_map(|(rules, _)| rules) {
        let Some(class) = rule.scope.class else { continue };
        let known = terms.classes.iter().any(|own| own.class == *class);
        let unknown = || Fault::NoSuchClass(class.clone());
        that(known, || format!("{}.class", rule.path), unknown)?;
    }
    for (rules, what) in &lists {
        no_overlap(&terms.classes, rules, what)?;
    }
    let sources: Vec<Source> =
        SOURCES.into_iter().filter(|&source| is_mentioned(terms, source)).collect();
    no_gap(terms, &sources)?;
    for (path, scope) in over_quota(terms) {
        needs_quota(&terms.classes, &sources, &path, &scope)?;
    }
    Ok(())
}

/// The lists of rules, each with what to do when two of its rules meet.
fn lists(terms: &Terms) -> [(Vec<Rule<'_>>, &'static str); 5] {
    const NAMES: &str = "give the two different names, or limit them by source, class or season";
    const LIMITS: &str = "limit the two by source, class or season so that one holds";
    let basic = terms.basic.iter().enumerate().map(|(place, rule)| Rule {
        path: format!("basic[{place}]"),
        kind: ("", false),
        scope: Scope::new(rule.source, rule.class.as_ref(), None),
    });
    let metered = terms.metered.iter().enumerate().map(|(place, rule)| Rule {
        path: format!("metered[{place}]"),
        kind: ("", false),
        scope: Scope::new(rule.source, rule.class.as_ref(), rule.season),
    });
    let fees = terms.fees.iter().enumerate().map(|(place, rule)| Rule {
        path: format!("fees[{place}]"),
        kind: (&rule.name, rule.per == Per::MuYear),
        scope: Scope::new(rule.source, rule.class.as_ref(), rule.season),
    });
    let subsidies = terms.subsidies.iter().enumerate().map(|(place, rule)| Rule {
        path: format!("subsidies[{place}]"),
        kind: (&rule.name, false),
        scope: Scope::new(rule.source, rule.class.as_ref(), None),
    });
    let rewards = terms.rewards.iter().enumerate().map(|(place, rule)| Rule {
        path: format!("rewards[{place}]"),
        kind: (&rule.name, false),
        scope: Scope::new(rule.source, rule.class.as_ref(), None),
    });
    [
        (basic.collect(), LIMITS),
        (metered.collect(), LIMITS),
        (fees.collect(), NAMES),
        (subsidies.collect(), NAMES),
        (rewards.collect(), NAMES),
    ]
}

fn no_overlap(
    classes: &[Class],
    rules: &[Rule<'_>],
    what: &'static str,
) -> Result<(), TariffError> {
    for (place, later) in rules.iter().enumerate() {
        for earlier in rules.iter().take(place).filter(|earlier| earlier.kind == later.kind) {
            let Some((water, class)) = common(classes, &earlier.scope, &later.scope) else {
                continue;
            };
            let day = MonthDay::all().find(|&day| earlier.scope.on(day) && later.scope.on(day));
            if let Some(day) = day {
                let earlier = earlier.path.clone();
                let fault = Fault::Overlap { earlier, water, class: class.clone(), day, what };
                return Err(TariffError { path: later.path.clone(), fault });
            }
        }
    }
    Ok(())
}

/// A source and class that both hold for.
fn common<'a>(
    classes: &'a [Class],
    one: &Scope<'_>,
    other: &Scope<'_>,
) -> Option<(Source, &'a ClassId)> {
    let all = classes.iter().flat_map(|class| SOURCES.map(|source| (source, &class.class)));
    let mut both =
        all.filter(|(source, class)| one.covers(*source, class) && other.covers(*source, class));
    both.next()
}

/// Whether the tariff says anything about a source.
fn is_mentioned(terms: &Terms, source: Source) -> bool {
    let named = |own: Option<Source>| own == Some(source);
    terms.metered.iter().any(|rule| rule.source.is_none() || named(rule.source))
        || terms.classes.iter().any(|class| class.quota_m3_per_mu.of(source).is_some())
        || terms.basic.iter().any(|rule| named(rule.source))
        || terms.fees.iter().any(|rule| named(rule.source))
        || terms.subsidies.iter().any(|rule| named(rule.source))
        || terms.rewards.iter().any(|rule| named(rule.source))
}

fn no_gap(terms: &Terms, sources: &[Source]) -> Result<(), TariffError> {
    for class in &terms.classes {
        for &source in sources {
            let rules: Vec<Scope<'_>> = terms
                .metered
                .iter()
                .map(|rule| Scope::new(rule.source, rule.class.as_ref(), rule.season))
                .filter(|scope| scope.covers(source, &class.class))
                .collect();
            let open = MonthDay::all().find(|&day| !rules.iter().any(|scope| scope.on(day)));
            if let Some(day) = open {
                let fault = Fault::Gap { water: source, class: class.class.clone(), day };
                return Err(TariffError { path: "metered".into(), fault });
            }
        }
    }
    Ok(())
}

/// The rules that need a quota, by the field that does.
fn over_quota(terms: &Terms) -> Vec<(String, Scope<'_>)> {
    let tiered = terms.metered.iter().enumerate().filter(|(_, rule)| !rule.tiers.is_empty());
    let mut all: Vec<(String, Scope<'_>)> = tiered
        .map(|(place, rule)| {
            (format!("metered[{place}].tiers"), Scope::new(rule.source, rule.class.as_ref(), None))
        })
        .collect();
    let fees = terms.fees.iter().enumerate();
    let fees = fees.filter(|(_, rule)| !matches!(rule.on, On::All | On::AboveM3PerMu(_)));
    all.extend(fees.map(|(place, rule)| {
        (format!("fees[{place}].on"), Scope::new(rule.source, rule.class.as_ref(), None))
    }));
    let subsidies = terms.subsidies.iter().enumerate();
    all.extend(subsidies.map(|(place, rule)| {
        (format!("subsidies[{place}]"), Scope::new(rule.source, rule.class.as_ref(), None))
    }));
    let rewards = terms.rewards.iter().enumerate();
    all.extend(rewards.map(|(place, rule)| {
        (format!("rewards[{place}]"), Scope::new(rule.source, rule.class.as_ref(), None))
    }));
    all
}

fn needs_quota(
    classes: &[Class],
    sources: &[Source],
    path: &str,
    scope: &Scope<'_>,
) -> Result<(), TariffError> {
    for class in classes {
        for &source in sources {
            let missing =
                scope.covers(source, &class.class) && class.quota_m3_per_mu.of(source).is_none();
            let fault = || Fault::NoQuota { water: source, class: class.class.clone() };
            that(!missing, || path.to_owned(), fault)?;
        }
    }
    Ok(())
}
