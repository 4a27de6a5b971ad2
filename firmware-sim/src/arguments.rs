//! What the program can be told.

mod scenario;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use clap::{Args, Parser, Subcommand};
use firmware_sim::{Broker, Faults, PublisherOptions};

pub(crate) use scenario::{Live, Registry};

/// A fleet of simulated meters that sends signed reports to an MQTT broker.
#[derive(Debug, Parser)]
#[command(name = "firmware-sim", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send the readings of a CSV file of real registers.
    Replay(Replay),
    /// Send the readings of synthetic register meters.
    Fleet(Synthetic),
    /// Print the meters' public keys as JSON, to enrol them.
    Keys(Keys),
    /// Live a scenario through, and print its ledger as JSON.
    Run(Live),
    /// Print what the registry should know of a scenario's outlets and meters, as JSON.
    Registry(Registry),
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) registers: RegistersFile,
    #[command(flatten)]
    pub(crate) sending: Sending,
}

#[derive(Debug, Args)]
pub(crate) struct RegistersFile {
    /// CSV lines `user key;DD/MM/YYYY HH:MM:SS;register`; a name in .gz is decompressed.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: PathBuf,
    /// The zone of the file's wall clock.
    #[arg(long, value_name = "OFFSET", default_value = "+08:00", value_parser = offset,
        allow_hyphen_values = true)]
    pub(crate) utc_offset: FixedOffset,
}

#[derive(Debug, Args)]
pub(crate) struct Synthetic {
    /// How many meters: sim-000001 and on.
    #[arg(long, value_name = "N")]
    pub(crate) meters: u32,
    /// How many reports of each meter, each of an hour.
    #[arg(long, value_name = "N")]
    pub(crate) reports: u32,
    /// Time of the first reading, RFC 3339.
    #[arg(long, value_name = "TIME", default_value = "2026-04-01T00:00:00+08:00", value_parser = instant)]
    pub(crate) start: DateTime<FixedOffset>,
    #[command(flatten)]
    pub(crate) sending: Sending,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// How many synthetic meters.
    #[arg(long, value_name = "N", required_unless_present = "csv", conflicts_with = "csv")]
    pub(crate) meters: Option<u32>,
    /// The meters of a registers file instead.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// What the keys follow from.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Sending {
    /// The district in the topics.
    #[arg(long, value_name = "DISTRICT")]
    pub(crate) district: String,
    /// What keys, flow and faults follow from.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Reports per second; as fast as possible when left out.
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<NonZeroU32>,
    /// Where to append what was acknowledged and receipted.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Reports of 1,000 before which the meter restarts.
    #[arg(long = "reboot-permille", value_name = "N", default_value_t = 0)]
    reboot: u16,
    #[command(flatten)]
    pub(crate) way: Way,
}

/// The way to the server.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// Where the broker listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub(crate) broker: Address,
    /// MQTT client id.
    #[arg(long, value_name = "ID", default_value = "firmware-sim")]
    pub(crate) client_id: String,
    /// MQTT user name.
    #[arg(long, value_name = "NAME", requires = "password")]
    pub(crate) user: Option<String>,
    /// MQTT password.
    #[arg(long, value_name = "PASSWORD", env = "FIRMWARE_SIM_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) give_up_after: Option<u64>,
    /// Send a report again when no receipt came for this many milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) resend_ms: Option<u64>,
    #[command(flatten)]
    pub(crate) faults: FaultChances,
}

#[derive(Debug, Args)]
pub(crate) struct FaultChances {
    /// Reports of 1,000 that are not sent at the first try.
    #[arg(long = "drop-permille", value_name = "N", default_value_t = 0)]
    pub(crate) drop: u16,
    /// Reports of 1,000 that are sent twice.
    #[arg(long = "duplicate-permille", value_name = "N", default_value_t = 0)]
    pub(crate) duplicate: u16,
    /// Reports of 1,000 that are sent after the next one.
    #[arg(long = "reorder-permille", value_name = "N", default_value_t = 0)]
    pub(crate) reorder: u16,
    /// Reports of 1,000 that are sent late.
    #[arg(long = "delay-permille", value_name = "N", default_value_t = 0)]
    pub(crate) delay: u16,
}

fn offset(text: &str) -> Result<FixedOffset, String> {
    text.parse().map_err(|error| format!("{error}: give an offset such as +08:00"))
}

fn instant(text: &str) -> Result<DateTime<FixedOffset>, String> {
    DateTime::parse_from_rfc3339(text)
        .map_err(|error| format!("{error}: give a time such as 2026-04-01T00:00:00+08:00"))
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (host, port) = text.rsplit_once(':').context("give host and port, as in host:1883")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        anyhow::ensure!(!host.is_empty(), "give a host before the colon");
        let port = port.parse().context("the port is no number from 0 to 65535")?;
        Ok(Self { host: host.into(), port })
    }
}

impl Sending {
    /// What befalls the meters and their reports.
    pub(crate) fn faults(&self) -> Faults {
        Faults { reboot_permille: self.reboot, ..self.way.faults() }
    }
}

impl Way {
    /// What befalls reports on the way.
    fn faults(&self) -> Faults {
        let chances = &self.faults;
        Faults {
            drop_permille: chances.drop,
            duplicate_permille: chances.duplicate,
            reorder_permille: chances.reorder,
            delay_permille: chances.delay,
            reboot_permille: 0,
        }
    }

    pub(crate) fn options(&self, district: &str, seed: u64) -> PublisherOptions {
        let broker = Broker {
            host: self.broker.host.clone(),
            port: self.broker.port,
            client_id: self.client_id.clone(),
            credentials: self.user.clone().zip(self.password.clone()),
        };
        let mut options = PublisherOptions::new(broker, district);
        options.faults = self.faults();
        options.seed = seed;
        if let Some(resend_ms) = self.resend_ms {
            options.resend_interval = std::time::Duration::from_millis(resend_ms);
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn reads_addresses() {
        let address = |text: &str| text.parse::<Address>().map(|a| (a.host, a.port)).ok();
        assert_eq!(address("localhost:1883"), Some(("localhost".into(), 1883)));
        assert_eq!(address("[::1]:1"), Some(("::1".into(), 1)));
        for text in ["localhost", ":1883", "a:", "a:70000"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn replay_reads_its_flags() {
        let line = "firmware-sim replay --csv a.csv --utc-offset -03:00 --district d1 --rate 5 \
                    --broker b:1 --drop-permille 9 --resend-ms 70";
        let Command::Replay(replay) = Arguments::parse_from(line.split_whitespace()).command else {
            panic!("a replay was asked for");
        };
        assert_eq!(replay.registers.utc_offset.local_minus_utc(), -3 * 3600);
        let sending = &replay.sending;
        let options = sending.way.options(&sending.district, sending.seed);
        assert_eq!((options.broker.host.as_str(), options.broker.port), ("b", 1));
        assert_eq!(options.faults.drop_permille, 9);
        assert_eq!(options.resend_interval.as_millis(), 70);
    }
}
