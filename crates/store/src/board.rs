//! The board's first pages: sums by village and round, kept as entries are posted.

use domain::{Fen, Litres, RoundId, VillageId};

use crate::column::{number, parsed};
use crate::pool::on;
use crate::{Store, StoreError};

/// Sums of a village over all rounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VillageTotal {
    /// The village.
    pub village: VillageId,
    /// Waterings in force: a corrected one is not counted, its correction is.
    pub waterings: u64,
    /// Their volume.
    pub volume: Litres,
    /// What was billed.
    pub billed: Fen,
}

/// Sums of a village in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTotal {
    /// The round; none for what belongs to the year.
    pub round: Option<RoundId>,
    /// Waterings in force.
    pub waterings: u64,
    /// Their volume.
    pub volume: Litres,
    /// What was billed.
    pub billed: Fen,
}

impl Store {
    /// Sums of every village with a posting, by its code.
    pub async fn village_totals(&self) -> Result<Vec<VillageTotal>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT village, CAST(SUM(waterings) AS BIGINT), CAST(SUM(volume_l) AS BIGINT),
                    CAST(SUM(billed_fen) AS BIGINT)
             FROM round_total WHERE district = $1 GROUP BY village ORDER BY village",
        )
        .bind(self.district)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(village, waterings, volume_l, billed_fen)| {
                Ok(VillageTotal {
                    village: parsed("round_total", "village", &village)?,
                    waterings: number("round_total", "waterings", waterings)?,
                    volume: Litres(volume_l),
                    billed: Fen(billed_fen),
                })
            })
            .collect()
    }

    /// Sums of a village by round; what belongs to the year stands first.
    pub async fn round_totals(&self, village: &VillageId) -> Result<Vec<RoundTotal>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT round, waterings, volume_l, billed_fen FROM round_total
             WHERE district = $1 AND village = $2 ORDER BY round",
        )
        .bind(self.district)
        .bind(village.as_str())
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(round, waterings, volume_l, billed_fen)| {
                let round = match round.as_str() {
                    "" => None,
                    code => Some(parsed("round_total", "round", code)?),
                };
                Ok(RoundTotal {
                    round,
                    waterings: number("round_total", "waterings", waterings)?,
                    volume: Litres(volume_l),
                    billed: Fen(billed_fen),
                })
            })
            .collect()
    }
}
