//! What old reports are still needed for, so that no archive takes them away.
//!
//! A posted watering needs none: its reports are its attachments, beside the log. What is under way does:
//! a turn whose watering is not posted, and a round until it has been closed for as long as reports are kept,
//! for its turns may be entered afterwards.

use std::collections::BTreeMap;

use domain::{MeterCode, OutletId, RoundId, Timestamp};
use serde::Serialize;

use crate::{Service, ServiceError};

/// Something that needs old reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A round: all meters' reports since it opened.
    Round(RoundId),
    /// Turns at an outlet whose waterings are not posted: the reports of its meters since the first was opened.
    Turns(OutletId),
}

/// From when on reports are needed, though they are old.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// What needs reports from before the instant asked about, and from when on.
    pub reasons: Vec<(Need, Timestamp)>,
    all: Option<Timestamp>,
    meters: BTreeMap<MeterCode, Timestamp>,
}

impl Needs {
    /// The first instant that the meter's reports must still tell; none when no old instant need be told.
    pub fn of(&self, meter: &MeterCode) -> Option<Timestamp> {
        self.all.into_iter().chain(self.meters.get(meter).copied()).min()
    }

    fn need(&mut self, meters: &[MeterCode], need: Need, from: Timestamp) {
        self.reasons.push((need, from));
        if meters.is_empty() {
            self.all = Some(self.all.map_or(from, |known| known.min(from)));
        }
        for meter in meters {
            let known = self.meters.entry(meter.clone()).or_insert(from);
            *known = from.min(*known);
        }
    }
}

impl Service {
    /// What needs reports from before an instant.
    pub async fn needs(&self, before: Timestamp) -> Result<Needs, ServiceError> {
        self.catch_up().await?;
        let mut needs = Needs::default();
        for round in self.store.rounds().await? {
            if round.opens_at < before && before <= round.closes_at {
                needs.need(&[], Need::Round(round.id), round.opens_at);
            }
        }
        for (outlet, since) in self.store.unfinished_since().await? {
            if since < before {
                // At an outlet without a meter any meter may yet turn out to have stood there.
                let meters = self.meters_ever_at(&outlet);
                needs.need(&meters, Need::Turns(outlet), since);
            }
        }
        Ok(needs)
    }

    fn meters_ever_at(&self, outlet: &OutletId) -> Vec<MeterCode> {
        let record = self.record();
        let there = record.meters().values().filter(|entry| entry.meter.outlet == *outlet);
        there.map(|entry| entry.meter.code.clone()).collect()
    }
}
