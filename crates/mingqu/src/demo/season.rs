//! The season, day by day: meters report, the station opens and closes turns, both sides sign, bills are posted.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use domain::Timestamp;
use service::request::Ask;
use service::{Clock, Service};

use super::calendar::{Event, season};
use super::clock::SeasonClock;
use super::meters::Meters;
use super::people::People;
use super::township::Township;

/// One step of the season, in milliseconds: a day.
const STEP_MILLIS: i64 = 24 * 3600 * 1000;

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// Reports stored.
    pub reports: u64,
    /// Statements posted in the season; the founding ones do not count.
    pub posted: u64,
    /// Bill runs posted.
    pub bill_runs: u64,
}

/// The season under way.
pub struct Season {
    pub clock: Arc<SeasonClock>,
    pub service: Arc<Service>,
    pub meters: Meters,
    pub people: People,
    events: VecDeque<Event>,
    state: PathBuf,
    told: Told,
}

impl Season {
    /// A season that goes on at the clock's time.
    pub fn new(
        township: &Township,
        clock: Arc<SeasonClock>,
        service: Arc<Service>,
        meters: Meters,
        people: People,
        state: PathBuf,
    ) -> anyhow::Result<Self> {
        let events = season(township)?.into();
        Ok(Self { clock, service, meters, people, events, state, told: Told::default() })
    }

    /// Lives the season to its last event; `tell` hears of every day.
    pub async fn live(&mut self, mut tell: impl FnMut(Timestamp, Told)) -> anyhow::Result<Told> {
        self.meters.report_until(self.clock.now()).await?;
        loop {
            let day = self.clock.now();
            while let Some(event) = self.events.pop_front_if(|event| event.at <= day) {
                self.act(&event).await?;
            }
            self.sign().await?;
            tell(day, self.told);
            if self.events.is_empty() {
                return Ok(self.told);
            }
            self.next_day(day.plus_millis(STEP_MILLIS)).await?;
        }
    }

    /// Goes on reporting after the season's last event, an hour at each call. False when the
    /// registers have ended.
    pub async fn linger(&mut self) -> anyhow::Result<bool> {
        if self.meters.has_more() {
            let hour = self.clock.now().plus_millis(3600 * 1000);
            self.next_day(hour).await?;
        }
        Ok(self.meters.has_more())
    }

    async fn next_day(&mut self, day: Timestamp) -> anyhow::Result<()> {
        self.clock.advance_to(day);
        self.told.reports += self.meters.report_until(day).await?;
        // Written beside and renamed, so that a kill leaves the day before or this one.
        let beside = self.state.with_extension("new");
        std::fs::write(&beside, day.to_string())
            .and_then(|()| std::fs::rename(&beside, &self.state))
            .with_context(|| format!("cannot write {}", self.state.display()))
    }

    async fn act(&mut self, event: &Event) -> anyhow::Result<()> {
        if let Ask::Settle { .. } = event.ask {
            // A round is settled when everything that could be measured is posted.
            self.sign().await?;
        }
        let answer = tokio::task::block_in_place(|| self.people.ask(event.at, event.ask.clone()))
            .with_context(|| format!("the station's request of {}", event.at))?;
        tracing::info!(at = %event.at, request = event.ask.code(), %answer, "asked");
        if let Ask::Settle { .. } = event.ask {
            let before = self.told.posted;
            self.sign().await?;
            self.told.bill_runs += u64::from(self.told.posted > before);
        }
        Ok(())
    }

    async fn sign(&mut self) -> anyhow::Result<()> {
        // The server does this by itself; asking it here spares the demo the waiting, and the log a clock that
        // leaps over days before the server has balanced them.
        self.service.tend().await?;
        self.told.posted += tokio::task::block_in_place(|| self.people.sign_all())?;
        Ok(())
    }
}
