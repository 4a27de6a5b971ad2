//! What a household has used so far in a year, and its lines.

use std::collections::HashMap;

use crate::bill::BillLine;
use crate::plot::Source;
use crate::{ClassId, HouseholdNo};

/// Every household's book of a year.
pub(super) type Books<'a> = HashMap<&'a HouseholdNo, Book<'a>>;

/// A household's use and lines.
#[derive(Debug, Default)]
pub(super) struct Book<'a> {
    pub used: Used<'a>,
    pub lines: Vec<BillLine>,
}

/// Litres used so far in a year, as priced.
#[derive(Debug, Default)]
pub(super) struct Used<'a> {
    /// By source, all of it.
    all: [i64; 2],
    /// By source, what counts against a quota.
    counted: [i64; 2],
    /// By class and source, what counts against a quota.
    classes: Vec<(&'a ClassId, Source, i64)>,
}

impl<'a> Used<'a> {
    /// Use before an instant, all of it counted.
    pub fn before(source: Source, litres: i64) -> Self {
        let mut used = Self::default();
        used.all[source as usize] = litres;
        used.counted[source as usize] = litres;
        used
    }

    /// All use from a source.
    pub fn all(&self, source: Source) -> i64 {
        self.all[source as usize]
    }

    /// What counts against the quota: from the source, or from both where a water right stands for all.
    pub fn counted(&self, source: Source, has_right: bool) -> i64 {
        if has_right {
            self.counted[0].saturating_add(self.counted[1])
        } else {
            self.counted[source as usize]
        }
    }

    /// What a class's land used of a source and that counts against a quota.
    pub fn of_class(&self, class: &ClassId, source: Source) -> i64 {
        let own = self.classes.iter().find(|(known, from, _)| *known == class && *from == source);
        own.map_or(0, |(_, _, litres)| *litres)
    }

    /// Adds a part of a share.
    pub fn add(&mut self, class: &'a ClassId, source: Source, litres: i64, counted: bool) {
        let place = source as usize;
        self.all[place] = self.all[place].saturating_add(litres);
        if !counted {
            return;
        }
        self.counted[place] = self.counted[place].saturating_add(litres);
        let own =
            |(known, from, _): &&mut (&ClassId, Source, i64)| *known == class && *from == source;
        match self.classes.iter_mut().find(own) {
            Some((_, _, sum)) => *sum = sum.saturating_add(litres),
            None => self.classes.push((class, source, litres)),
        }
    }
}
