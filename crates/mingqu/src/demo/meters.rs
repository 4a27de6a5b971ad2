//! The township's meters: the extract's real registers, replayed as signed reports.

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use chrono::FixedOffset;
use disclosure::key::PublicKey;
use domain::{MeterCode, Timestamp};
use firmware_sim::{
    Broker, Faults, Ledger, Publisher, PublisherOptions, Registers, Replay, device_key,
};

use super::township::Township;

/// The registers, as they were published; see `firmware-sim/data/README.md`.
const EXTRACT: &[u8] = include_bytes!("../../../../firmware-sim/data/daiad-extract.csv.gz");
/// The file's times are read as Beijing wall clock, so that pages show the file's own hours.
const OFFSET_SECONDS: i32 = 8 * 3600;
/// Device keys of a simulation follow from a seed, so that a second start has the same meters.
const SEED: u64 = 20_160_301;

/// All meters of the township, and their connection.
pub struct Meters {
    replay: Replay,
    publisher: Publisher,
}

impl Meters {
    /// Reads the registers and connects. The ledger remembers over restarts what was receipted.
    pub fn start(township: &Township, endpoint: SocketAddr, ledger: &Path) -> anyhow::Result<Self> {
        let offset = FixedOffset::east_opt(OFFSET_SECONDS).context("the demo's UTC offset")?;
        let mut csv = Vec::new();
        flate2::read::GzDecoder::new(EXTRACT).read_to_end(&mut csv).context("the registers")?;
        let registers = Registers::read(csv.as_slice(), offset).context("the registers")?;
        let replay = Replay::new(registers, SEED, Faults::NONE)?;
        let broker = Broker {
            host: endpoint.ip().to_string(),
            port: endpoint.port(),
            client_id: "demo-meters".into(),
            credentials: None,
        };
        let options = PublisherOptions::new(broker, township.district.as_str());
        let publisher = Publisher::start(options, Ledger::open(ledger)?)?;
        Ok(Self { replay, publisher })
    }

    /// Sends every report that is complete at `t` and waits until the server has stored them all.
    /// Returns how many were sent.
    pub async fn report_until(&mut self, t: Timestamp) -> anyhow::Result<u64> {
        let reports = self.replay.until(t.millis())?;
        let count = u64::try_from(reports.len())?;
        for report in reports {
            self.publisher.publish(&report.meter, report.seq, report.bytes).await?;
        }
        self.publisher.drained().await?;
        Ok(count)
    }

    /// Whether any reading is left to report.
    pub fn has_more(&self) -> bool {
        self.replay.next_reading_ms().is_some()
    }

    /// Takes leave of the server.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.publisher.shutdown().await?;
        Ok(())
    }
}

/// The public half of a meter's device key.
pub fn public_device_key(meter: &MeterCode) -> anyhow::Result<PublicKey> {
    let key = device_key(SEED, meter.as_str());
    PublicKey::from_bytes(key.verifying_key().as_bytes()).context("a device key")
}
