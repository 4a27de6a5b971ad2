//! `mingqu rating`: draw up a rating table for the registry, from a formula or from pairs measured on site.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use domain::TableId;
use domain::rating::{Flume, RatingTable, draw_up, from_pairs};
use domain::units::parse_decimal;

use super::print;
use crate::Verdict;

/// Decimals of litres per second that a measured pair may have: millilitres.
const DISCHARGE_DECIMALS: u8 = 3;

/// Where a table comes from. It is printed as JSON, to be put among the `tables` of a registry statement.
#[derive(Debug, Subcommand)]
pub enum RatingCommand {
    /// A Parshall flume in free flow (ISO 9826).
    Parshall {
        /// Width of the throat in millimetres: 250, 300, 450, 600, 750, 900, 1000, 1200, 1500, 1800, 2100 or 2400.
        #[arg(long)]
        throat_mm: i64,
        #[command(flatten)]
        rows: Rows,
    },
    /// A thin-plate weir with a notch of 90° (ISO 1438).
    VNotch {
        /// The greatest stage over the notch in millimetres.
        #[arg(long)]
        most_mm: i64,
        #[command(flatten)]
        rows: Rows,
    },
    /// A full-width rectangular thin-plate weir (ISO 1438).
    Rectangular {
        /// Width in millimetres.
        #[arg(long)]
        width_mm: i64,
        /// Height of the crest over the floor in millimetres.
        #[arg(long)]
        crest_mm: i64,
        #[command(flatten)]
        rows: Rows,
    },
    /// Pairs measured on site: CSV lines of stage in millimetres and discharge in litres per second.
    Pairs {
        /// The file; a first line that holds no numbers is its heading.
        file: PathBuf,
        /// The table's code; another version needs another one.
        #[arg(long)]
        id: TableId,
        /// Who measured, where and when.
        #[arg(long)]
        source: String,
    },
}

/// How a formula becomes rows.
#[derive(Debug, Args)]
pub struct Rows {
    /// The table's code; another version needs another one.
    #[arg(long)]
    id: TableId,
    /// Millimetres between two rows.
    #[arg(long, default_value_t = 5)]
    step_mm: i64,
    /// Stages this close to zero count as dry, in millimetres.
    #[arg(long, default_value_t = 10)]
    zero_band_mm: i64,
}

/// Prints the table.
pub fn run(command: RatingCommand) -> anyhow::Result<Verdict> {
    let formula = |flume, rows: Rows| {
        draw_up(rows.id, flume, rows.step_mm, rows.zero_band_mm).map_err(anyhow::Error::from)
    };
    let table: RatingTable = match command {
        RatingCommand::Parshall { throat_mm, rows } => formula(Flume::parshall(throat_mm)?, rows)?,
        RatingCommand::VNotch { most_mm, rows } => formula(Flume::VNotch { most_mm }, rows)?,
        RatingCommand::Rectangular { width_mm, crest_mm, rows } => {
            formula(Flume::Rectangular { width_mm, crest_mm }, rows)?
        }
        RatingCommand::Pairs { file, id, source } => from_pairs(id, source, read_pairs(&file)?)?,
    };
    print(&serde_json::to_string(&table)?)?;
    Ok(Verdict::Good)
}

fn read_pairs(file: &Path) -> anyhow::Result<Vec<(i64, i64)>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {} as UTF-8 text", file.display()))?;
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut pairs = Vec::new();
    for (number, row) in (1_u64..).zip(rows.records()) {
        let row = row.with_context(|| format!("{} line {number}", file.display()))?;
        let [stage, discharge] = row.iter().collect::<Vec<_>>()[..] else {
            bail!("{} line {number}: two columns are due, there are {}", file.display(), row.len());
        };
        let heading = number == 1 && ![stage, discharge].iter().any(|cell| has_digit(cell));
        if heading {
            continue;
        }
        let what = || format!("{} line {number}", file.display());
        let stage_mm = stage.parse().with_context(|| {
            format!("{}: the stage {stage:?} must be whole millimetres", what())
        })?;
        let ml_per_s =
            parse_decimal("discharge in litres per second", discharge, DISCHARGE_DECIMALS)
                .with_context(what)?;
        pairs.push((stage_mm, ml_per_s));
    }
    Ok(pairs)
}

fn has_digit(cell: &str) -> bool {
    cell.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> anyhow::Result<Vec<(i64, i64)>> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        read_pairs(file.path())
    }

    #[test]
    fn reads_pairs_with_and_without_a_heading() {
        let read = vec![(0, 0), (60, 8_125), (-3, 0)];
        assert_eq!(pairs("\u{feff}水位,流量\n0,0\n60, 8.125\n-3,0\n").unwrap(), read);
        assert_eq!(pairs("0,0\n60,8.125\n-3,0").unwrap(), read);
    }

    #[test]
    fn rejects_a_line_that_is_no_pair() {
        for (text, words) in [
            ("0,0\n60", "line 2"),
            ("0,0\n6.5,8", "whole millimetres"),
            ("0,0\n60,8.1255", "at most 3 decimals"),
            ("0,0\n60,x", "line 2"),
        ] {
            let message = format!("{:#}", pairs(text).unwrap_err());
            assert!(message.contains(words), "{text:?}: {message}");
        }
    }
}
