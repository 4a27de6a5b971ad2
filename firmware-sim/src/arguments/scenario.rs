//! What the program can be told about scenarios.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use clap::Args;
use firmware_sim::{Connections, Scenario};

use super::{Way, instant};

#[derive(Debug, Args)]
pub(crate) struct ScenarioFile {
    /// The scenario, in TOML.
    #[arg(value_name = "SCENARIO")]
    path: PathBuf,
    /// What keys, flow and noise follow from, instead of the scenario's own.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// When it starts, instead of the scenario's own, RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    start: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Args)]
pub(crate) struct Live {
    #[command(flatten)]
    pub(crate) scenario: ScenarioFile,
    /// The district in the topics.
    #[arg(long, value_name = "DISTRICT", required_unless_present = "dry_run")]
    district: Option<String>,
    /// Say what would happen, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// So many times as fast as life; as fast as possible when left out.
    #[arg(long, value_name = "N")]
    pub(crate) speed: Option<NonZeroU32>,
    /// How many connections the meters share.
    #[arg(long, value_name = "N", default_value = "4", conflicts_with = "connection_per_meter")]
    connections: NonZeroU16,
    /// Connect each meter by itself: its id as client id, a retained status, a last will.
    #[arg(long)]
    connection_per_meter: bool,
    /// Write the final ledger there instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) way: Way,
}

#[derive(Debug, Args)]
pub(crate) struct Registry {
    #[command(flatten)]
    pub(crate) scenario: ScenarioFile,
    /// Only what has happened by then, such as "day 2 12:00"; all of the scenario when left out.
    #[arg(long, value_name = "TIME")]
    pub(crate) by: Option<String>,
    /// One part to a line, each at most so long: a statement of the log has its limit.
    #[arg(long, value_name = "BYTES")]
    pub(crate) split_bytes: Option<usize>,
}

impl ScenarioFile {
    pub(crate) fn open(&self) -> anyhow::Result<Scenario> {
        let mut scenario = Scenario::open(&self.path)
            .with_context(|| format!("the scenario {}", self.path.display()))?;
        if let Some(seed) = self.seed {
            scenario = scenario.with_seed(seed);
        }
        if let Some(start) = self.start {
            scenario = scenario.with_start(start)?;
        }
        Ok(scenario)
    }
}

impl Live {
    /// The district, which only a dry run does without.
    pub(crate) fn district(&self) -> &str {
        self.district.as_deref().unwrap_or_default()
    }

    pub(crate) const fn connections(&self) -> Connections {
        if self.connection_per_meter {
            Connections::OnePerMeter
        } else {
            Connections::Shared(self.connections)
        }
    }
}
