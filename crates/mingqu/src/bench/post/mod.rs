//! `mingqu bench post`: how fast co-signed statements are posted, each on disk and cosigned by a witness, and what
//! proofs and tiles cost, in a log that grows.
//!
//! The log is one in a database of its own; `mingqu witness` runs beside it, a process of its own. What makes the log
//! large is put into the database directly and read back by the server like any other history.

mod ground;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::row::Row;
use super::statistics::{millis, percentile, rate};
use crate::command::tell;
use ground::Ground;

/// Statements a second that should be posted together.
const TARGET_PER_SECOND: f64 = 3_000.0;
/// Milliseconds that half of the last signatures should take alone, from the signature to the published checkpoint.
const TARGET_ALONE_MILLIS: f64 = 10.0;
/// By how much a figure may grow from the smallest log to the largest.
const TARGET_GROWTH: f64 = 1.3;
/// Proofs, tiles and last signatures of one figure.
const SAMPLES: usize = 200;

/// Measures logs of these sizes, in rising order.
pub async fn run(
    sizes: &[u32],
    statements: usize,
    database: Option<&str>,
) -> anyhow::Result<Vec<Row>> {
    ensure!(sizes.is_sorted(), "a log only grows: give the sizes in rising order");
    // A large future, awaited once.
    let mut ground = Box::pin(Ground::found(database)).await?;
    let mut rows = Vec::new();
    let mut at_size: Vec<(u32, At)> = Vec::new();
    for &entries in sizes {
        tell(&format!("  a log of {entries} entries …"));
        ground.grow_to(u64::from(entries)).await?;
        tell("  postings, proofs and tiles …");
        let at = At {
            together: together(&mut ground, statements).await?,
            alone: alone(&mut ground).await?,
            proof: ground.proofs(SAMPLES).await?,
            tile: ground.tiles(SAMPLES).await?,
        };
        let of_log = |what: &str| format!("log of {entries} entries, {what}");
        rows.extend([
            Row::new(of_log("statements posted together"), at.together, "statements/s")
                .at_least(TARGET_PER_SECOND),
            Row::new(of_log("last signature to published, p50"), at.alone.p50(), "ms")
                .at_most(TARGET_ALONE_MILLIS),
            Row::new(of_log("last signature to published, p99"), at.alone.p99(), "ms"),
            Row::new(of_log("receipt (proof), p50"), at.proof.p50(), "ms"),
            Row::new(of_log("receipt (proof), p99"), at.proof.p99(), "ms"),
            Row::new(of_log("full tile, p50"), at.tile.p50(), "ms"),
            Row::new(of_log("full tile, p99"), at.tile.p99(), "ms"),
        ]);
        at_size.push((entries, at));
    }
    if let ([(least, small), ..], Some((most, large))) = (at_size.as_slice(), at_size.last())
        && least < most
    {
        let growth = |what: &str, large, small| {
            let name = format!("growth of {what}, {most} entries");
            Row::ratio(&name, large, &format!("{least} entries"), small).at_most(TARGET_GROWTH)
        };
        let each = |at: &At| Some(1.0 / at.together);
        rows.extend([
            growth("time of a posting together", each(large), each(small)),
            growth("last signature to published, p50", large.alone.p50(), small.alone.p50()),
            growth("receipt, p50", large.proof.p50(), small.proof.p50()),
        ]);
    }
    Ok(rows.into_iter().map(|row| Row { bench: "post", ..row }).collect())
}

/// The figures of one size.
struct At {
    together: f64,
    alone: Times,
    proof: Times,
    tile: Times,
}

/// Times of the same thing, sorted.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn p50(&self) -> Option<f64> {
        percentile(&self.0, 500).map(millis)
    }

    fn p99(&self) -> Option<f64> {
        percentile(&self.0, 990).map(millis)
    }
}

/// Statements a second, of so many that wait with all their signatures.
async fn together(ground: &mut Ground, statements: usize) -> anyhow::Result<f64> {
    ground.co_sign(statements).await?;
    let before = ground.published().await?;
    let began = Instant::now();
    let mut posted = 0;
    while posted < statements {
        ground.service.post_ready().await?;
        let now = ground.published().await?;
        let so_far = usize::try_from(now - before)?;
        ensure!(so_far > posted, "nothing more is posted: see what the server says");
        posted = so_far;
    }
    Ok(rate(posted, began.elapsed()))
}

/// How long the last signature of a statement takes until its posting is published.
async fn alone(ground: &mut Ground) -> anyhow::Result<Times> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let last = ground.all_but_signed().await?;
        let began = Instant::now();
        let reached = ground.service.sign(last.statement, &last.keyid, last.signature).await?;
        times.push(began.elapsed());
        ensure!(reached.code() == "posted", "the statement is {}", reached.code());
    }
    Ok(Times::of(times))
}

impl Ground {
    async fn published(&self) -> anyhow::Result<u64> {
        Ok(self.service.log().size().await?)
    }

    /// Receipts of entries all over the log.
    async fn proofs(&self, samples: usize) -> anyhow::Result<Times> {
        let (log, size) = (self.service.log(), self.published().await?);
        let mut times = Vec::with_capacity(samples);
        for sample in 0..samples {
            let index = spread(sample, samples, size)?;
            let began = Instant::now();
            log.receipt(index).await?.context("the entry is in the log")?;
            times.push(began.elapsed());
        }
        Ok(Times::of(times))
    }

    /// Full tiles of leaves all over the log.
    async fn tiles(&self, samples: usize) -> anyhow::Result<Times> {
        let width = disclosure::tile::TILE_WIDTH;
        let (log, full) = (self.service.log(), self.published().await? / u64::from(width));
        let mut times = Vec::with_capacity(samples);
        for sample in 0..samples {
            let index = spread(sample, samples, full)?;
            let began = Instant::now();
            log.tile(0, index, width).await?.context("the tile is in the log")?;
            times.push(began.elapsed());
        }
        Ok(Times::of(times))
    }
}

/// The places of samples, spread over a length.
fn spread(sample: usize, samples: usize, length: u64) -> anyhow::Result<u64> {
    Ok(u64::try_from(sample)? * length / u64::try_from(samples)?)
}
