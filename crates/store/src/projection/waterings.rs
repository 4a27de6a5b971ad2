//! Waterings and their shares, as pages read them, in bulk.

use domain::{RoundId, VillageId};
use serde::Serialize;

use super::{CHUNK_ROWS, Projection};
use crate::StoreError;
use crate::bulk::json_rows;
use crate::column::stored;
use crate::log::NewEntry;
use crate::pool::Tx;

/// Rows that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Waterings {
    waterings: Vec<Watering>,
    shares: Vec<Share>,
}

/// Index, village, round, outlet, start, end, litres, whether estimated.
#[derive(Debug, Serialize)]
struct Watering(i64, String, String, String, i64, i64, i64, i64);

/// Index, household, area, litres.
#[derive(Debug, Serialize)]
struct Share(i64, String, i64, i64);

impl Waterings {
    /// Adds a watering's entry; nothing of any other.
    pub(super) fn add(
        &mut self,
        entry: &NewEntry,
        village: &VillageId,
        round: &RoundId,
    ) -> Result<(), StoreError> {
        let Projection::Watering { outlet, start_at, end_at, volume, estimated, shares, .. } =
            &entry.projection
        else {
            return Ok(());
        };
        let index = stored("log index", entry.index)?;
        self.waterings.push(Watering(
            index,
            village.to_string(),
            round.to_string(),
            outlet.to_string(),
            start_at.millis(),
            end_at.millis(),
            volume.get(),
            i64::from(*estimated),
        ));
        self.shares.extend(shares.iter().map(|share| {
            Share(index, share.household.to_string(), share.area.get(), share.litres.get())
        }));
        Ok(())
    }

    /// Writes what waits.
    pub(super) async fn write(&mut self, tx: &mut Tx, district: i64) -> Result<(), StoreError> {
        for chunk in self.waterings.chunks(CHUNK_ROWS) {
            write_waterings(tx, district, chunk).await?;
        }
        for chunk in self.shares.chunks(CHUNK_ROWS) {
            write_shares(tx, district, chunk).await?;
        }
        *self = Self::default();
        Ok(())
    }
}

async fn write_waterings(tx: &mut Tx, district: i64, rows: &[Watering]) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            sqlx::query(
                "INSERT INTO watering (district, idx, village, round, outlet, start_at, end_at, volume_l, estimated)
                 SELECT $1, v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3, v.value ->> 4,
                     v.value ->> 5, v.value ->> 6, v.value ->> 7 FROM json_each($2) AS v",
            )
            .bind(district)
            .bind(json_rows(rows)?)
            .execute(&mut **tx)
            .await?;
        }
        Tx::Postgres(tx) => {
            sqlx::query(
                "INSERT INTO watering (district, idx, village, round, outlet, start_at, end_at, volume_l, estimated)
                 SELECT $1, v.* FROM UNNEST($2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::BIGINT[],
                     $7::BIGINT[], $8::BIGINT[], $9::BIGINT[]) AS v",
            )
            .bind(district)
            .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.1.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.2.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.3.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.4).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.5).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.6).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.7).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

async fn write_shares(tx: &mut Tx, district: i64, rows: &[Share]) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            sqlx::query(
                "INSERT INTO share (district, watering_idx, household, area, litres)
                 SELECT $1, v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3 FROM json_each($2) AS v",
            )
            .bind(district)
            .bind(json_rows(rows)?)
            .execute(&mut **tx)
            .await?;
        }
        Tx::Postgres(tx) => {
            sqlx::query(
                "INSERT INTO share (district, watering_idx, household, area, litres)
                 SELECT $1, v.* FROM UNNEST($2::BIGINT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[]) AS v",
            )
            .bind(district)
            .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.1.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.2).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.3).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}
