//! Posted waterings and their shares, as pages read them.

use domain::{Area, HouseholdNo, Litres, OutletId, RoundId, Timestamp, VillageId};

use crate::column::{bound, flag, instant, instant_option, limit, number, parsed};
use crate::pool::on;
use crate::{Store, StoreError};

/// Waterings of one read.
pub const MAX_WATERINGS_PER_READ: u32 = 1000;
/// Shares of one read: more than one outlet serves households.
pub const MAX_SHARES_PER_READ: i64 = 20_000;

/// A posted watering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WateringRow {
    /// Its index in the log.
    pub index: u64,
    /// The village.
    pub village: VillageId,
    /// The round.
    pub round: RoundId,
    /// The outlet.
    pub outlet: OutletId,
    /// From when.
    pub start_at: Timestamp,
    /// To when.
    pub end_at: Timestamp,
    /// How much.
    pub volume: Litres,
    /// Whether part of the volume is estimated.
    pub estimated: bool,
    /// The index of its correction.
    pub superseded_by: Option<u64>,
}

/// One household's part of a watering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRow {
    /// The household.
    pub household: HouseholdNo,
    /// Its watered area.
    pub area: Area,
    /// Its water.
    pub litres: Litres,
}

/// One household's part, with the watering it is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdShare {
    /// The watering.
    pub watering: WateringRow,
    /// The household's watered area.
    pub area: Area,
    /// The household's water.
    pub litres: Litres,
}

type Fields = (i64, String, String, String, i64, i64, i64, i64, Option<i64>);

/// The columns in the order of [`Fields`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT idx, village, round, outlet, start_at, end_at, volume_l, estimated, superseded_by
             FROM watering ",
            $rest
        )
    };
}

impl Store {
    /// A village's waterings in a round, corrected ones included, by index; `after_index` is the
    /// last index of the page before.
    pub async fn waterings(
        &self,
        village: &VillageId,
        round: &RoundId,
        after_index: Option<u64>,
        rows: u32,
    ) -> Result<Vec<WateringRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND village = $2 AND round = $3 AND idx > $4 ORDER BY idx LIMIT $5"),
        )
        .bind(self.district)
        .bind(village.as_str())
        .bind(round.as_str())
        .bind(after_index.map_or(-1, bound))
        .bind(limit(rows, MAX_WATERINGS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// The watering posted at an index.
    pub async fn watering(&self, index: u64) -> Result<Option<WateringRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND idx = $2"),
        )
        .bind(self.district)
        .bind(bound(index))
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// The shares of the watering posted at an index, by household number.
    pub async fn watering_shares(&self, index: u64) -> Result<Vec<ShareRow>, StoreError> {
        let rows: Vec<(String, i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT household, area, litres FROM share
             WHERE district = $1 AND watering_idx = $2 ORDER BY household LIMIT $3",
        )
        .bind(self.district)
        .bind(bound(index))
        .bind(MAX_SHARES_PER_READ)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(household, area, litres)| {
                Ok(ShareRow {
                    household: parsed("share", "household", &household)?,
                    area: Area(area),
                    litres: Litres(litres),
                })
            })
            .collect()
    }

    /// A household's shares of waterings that started from `from` up to but without `to`, in the
    /// order they were posted. Corrected waterings are included: `superseded_by` tells them apart.
    pub async fn household_shares(
        &self,
        household: &HouseholdNo,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<HouseholdShare>, StoreError> {
        type Joined = (i64, String, String, String, i64, i64, i64, i64, Option<i64>, i64, i64);
        let rows: Vec<Joined> = on!(self.pool, p => sqlx::query_as(
            "SELECT w.idx, w.village, w.round, w.outlet, w.start_at, w.end_at, w.volume_l, w.estimated,
                    w.superseded_by, s.area, s.litres
             FROM share AS s JOIN watering AS w ON w.district = s.district AND w.idx = s.watering_idx
             WHERE s.district = $1 AND s.household = $2 AND w.start_at >= $3 AND w.start_at < $4
             ORDER BY s.watering_idx LIMIT $5",
        )
        .bind(self.district)
        .bind(household.as_str())
        .bind(from.millis())
        .bind(to.millis())
        .bind(MAX_SHARES_PER_READ)
        .fetch_all(p))?;
        rows.into_iter()
            .map(
                |(
                    idx,
                    village,
                    round,
                    outlet,
                    start_at,
                    end_at,
                    volume_l,
                    estimated,
                    superseded_by,
                    area,
                    litres,
                )| {
                    Ok(HouseholdShare {
                        watering: row((
                            idx,
                            village,
                            round,
                            outlet,
                            start_at,
                            end_at,
                            volume_l,
                            estimated,
                            superseded_by,
                        ))?,
                        area: Area(area),
                        litres: Litres(litres),
                    })
                },
            )
            .collect()
    }

    /// Posted waterings that hold and fall into a time at an outlet, by index.
    pub async fn waterings_between(
        &self,
        outlet: &OutletId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<WateringRow>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            select!(
                "WHERE district = $1 AND outlet = $2 AND superseded_by IS NULL
                 AND end_at > $3 AND start_at < $4 ORDER BY idx LIMIT $5"
            ),
        )
        .bind(self.district)
        .bind(outlet.as_str())
        .bind(from.millis())
        .bind(to.millis())
        .bind(i64::from(MAX_WATERINGS_PER_READ))
        .fetch_all(p))?;
        rows.into_iter().map(row).collect()
    }

    /// When the last posted watering of an outlet ended; the next one starts there.
    pub async fn last_posted_end(
        &self,
        outlet: &OutletId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let found: Option<i64> = on!(self.pool, p => sqlx::query_scalar(
            "SELECT MAX(end_at) FROM watering WHERE district = $1 AND outlet = $2 AND superseded_by IS NULL",
        )
        .bind(self.district)
        .bind(outlet.as_str())
        .fetch_one(p))?;
        instant_option("watering", "end_at", found)
    }
}

fn row(fields: Fields) -> Result<WateringRow, StoreError> {
    let (index, village, round, outlet, start_at, end_at, volume_l, estimated, superseded_by) =
        fields;
    Ok(WateringRow {
        index: number("watering", "idx", index)?,
        village: parsed("watering", "village", &village)?,
        round: parsed("watering", "round", &round)?,
        outlet: parsed("watering", "outlet", &outlet)?,
        start_at: instant("watering", "start_at", start_at)?,
        end_at: instant("watering", "end_at", end_at)?,
        volume: Litres(volume_l),
        estimated: flag("watering", "estimated", estimated)?,
        superseded_by: superseded_by
            .map(|index| number("watering", "superseded_by", index))
            .transpose()?,
    })
}
