//! Gaps: runs of sequence numbers below a stream's highest that no report came under.
//!
//! They are kept as they open and close, so that a receipt, a duplicate and the list of what is
//! missing are known without looking through reports: a number up to the highest is taken exactly
//! when it lies in no gap, whether its report is stored or archived.

use std::collections::{BTreeMap, HashMap};

use crate::bulk::json_rows;
use crate::column::number;
use crate::intake::Key;
use crate::pool::{Tx, on};
use crate::{Store, StoreError, StreamId};

/// Gaps of one read.
pub const MAX_GAPS_PER_READ: i64 = 1000;

/// First and last number of a gap, by stream and first number.
type Ranges = BTreeMap<Key, i64>;

impl Store {
    /// The sequence numbers below the stream's highest that are missing, as ranges of first and
    /// last, ascending: the first [`MAX_GAPS_PER_READ`] of them.
    pub async fn missing_reports(
        &self,
        stream: impl Into<StreamId>,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        let stream = stream.into();
        let rows: Vec<(i64, i64)> = on!(self.pool, p => sqlx::query_as(
            "SELECT g.first_seq, g.last_seq FROM meter AS m JOIN gap AS g ON g.meter = m.id
             WHERE m.district = $1 AND m.code = $2 AND m.stream = $3
             ORDER BY g.first_seq LIMIT $4",
        )
        .bind(self.district)
        .bind(stream.meter.as_str())
        .bind(stream.stream.code())
        .bind(MAX_GAPS_PER_READ)
        .fetch_all(p))?;
        rows.into_iter()
            .map(|(first, last)| {
                Ok((number("gap", "first_seq", first)?, number("gap", "last_seq", last)?))
            })
            .collect()
    }
}

/// The gaps that a batch touches, as they were and as they become.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    before: Ranges,
    after: Ranges,
}

impl Gaps {
    /// Reads the gaps that numbers lie in.
    pub(crate) async fn around(tx: &mut Tx, keys: &[Key]) -> Result<Self, StoreError> {
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<(i64, i64, i64)> = match tx {
            Tx::Sqlite(tx) => {
                sqlx::query_as(
                    "SELECT DISTINCT g.meter, g.first_seq, g.last_seq FROM json_each($1) AS v
                     CROSS JOIN gap AS g ON g.meter = v.value ->> 0 AND g.first_seq = (
                         SELECT MAX(b.first_seq) FROM gap AS b
                         WHERE b.meter = v.value ->> 0 AND b.first_seq <= v.value ->> 1)
                     WHERE g.last_seq >= v.value ->> 1",
                )
                .bind(json_rows(keys)?)
                .fetch_all(&mut **tx)
                .await?
            }
            Tx::Postgres(tx) => {
                sqlx::query_as(
                    "SELECT DISTINCT g.meter, g.first_seq, g.last_seq
                     FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS v(meter, seq)
                     JOIN gap AS g ON g.meter = v.meter AND g.first_seq = (
                         SELECT MAX(b.first_seq) FROM gap AS b
                         WHERE b.meter = v.meter AND b.first_seq <= v.seq)
                     WHERE g.last_seq >= v.seq",
                )
                .bind(keys.iter().map(|key| key.0).collect::<Vec<_>>())
                .bind(keys.iter().map(|key| key.1).collect::<Vec<_>>())
                .fetch_all(&mut **tx)
                .await?
            }
        };
        let before: Ranges =
            rows.into_iter().map(|(meter, first, last)| ((meter, first), last)).collect();
        Ok(Self { after: before.clone(), before })
    }

    /// Whether a number, looked for by [`Gaps::around`], is missing.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.range_of(key).is_some()
    }

    /// A report came under a missing number.
    pub(crate) fn fill(&mut self, key: Key) {
        let Some((first, last)) = self.range_of(key) else {
            return;
        };
        let (meter, seq) = key;
        self.after.remove(&(meter, first));
        self.open(meter, first, seq - 1);
        self.open(meter, seq + 1, last);
    }

    /// Numbers were passed over; none, if the first lies behind the last.
    pub(crate) fn open(&mut self, meter: i64, first: i64, last: i64) {
        if first <= last {
            self.after.insert((meter, first), last);
        }
    }

    fn range_of(&self, (meter, seq): Key) -> Option<(i64, i64)> {
        let (&(of, first), &last) = self.after.range(..=(meter, seq)).next_back()?;
        (of == meter && seq <= last).then_some((first, last))
    }

    /// Writes what has changed. Returns, for every stream with a change, the first number of its
    /// first gap, if it has one.
    pub(crate) async fn save(self, tx: &mut Tx) -> Result<HashMap<i64, Option<i64>>, StoreError> {
        let gone: Vec<Key> = self
            .before
            .iter()
            .filter(|(key, last)| self.after.get(key) != Some(last))
            .map(|(key, _)| *key)
            .collect();
        let new: Vec<(i64, i64, i64)> = self
            .after
            .iter()
            .filter(|(key, last)| self.before.get(key) != Some(last))
            .map(|(&(meter, first), &last)| (meter, first, last))
            .collect();
        remove(tx, &gone).await?;
        insert(tx, &new).await?;
        let touched = gone.iter().map(|key| key.0).chain(new.iter().map(|gap| gap.0));
        let mut fronts: HashMap<i64, Option<i64>> = touched.map(|meter| (meter, None)).collect();
        let mut meters: Vec<i64> = fronts.keys().copied().collect();
        meters.sort_unstable();
        for (meter, first) in first_of(tx, &meters).await? {
            fronts.insert(meter, Some(first));
        }
        Ok(fronts)
    }
}

async fn remove(tx: &mut Tx, gaps: &[Key]) -> Result<(), StoreError> {
    if gaps.is_empty() {
        return Ok(());
    }
    match tx {
        Tx::Sqlite(tx) => {
            sqlx::query(
                "DELETE FROM gap WHERE (meter, first_seq) IN
                     (SELECT value ->> 0, value ->> 1 FROM json_each($1))",
            )
            .bind(json_rows(gaps)?)
            .execute(&mut **tx)
            .await?;
        }
        Tx::Postgres(tx) => {
            sqlx::query(
                "DELETE FROM gap USING UNNEST($1::BIGINT[], $2::BIGINT[]) AS v(meter, first_seq)
                 WHERE gap.meter = v.meter AND gap.first_seq = v.first_seq",
            )
            .bind(gaps.iter().map(|gap| gap.0).collect::<Vec<_>>())
            .bind(gaps.iter().map(|gap| gap.1).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx, gaps: &[(i64, i64, i64)]) -> Result<(), StoreError> {
    if gaps.is_empty() {
        return Ok(());
    }
    match tx {
        Tx::Sqlite(tx) => {
            sqlx::query(
                "INSERT INTO gap (meter, first_seq, last_seq)
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1)",
            )
            .bind(json_rows(gaps)?)
            .execute(&mut **tx)
            .await?;
        }
        Tx::Postgres(tx) => {
            sqlx::query(
                "INSERT INTO gap (meter, first_seq, last_seq)
                 SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[])",
            )
            .bind(gaps.iter().map(|gap| gap.0).collect::<Vec<_>>())
            .bind(gaps.iter().map(|gap| gap.1).collect::<Vec<_>>())
            .bind(gaps.iter().map(|gap| gap.2).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

/// The first number of each stream's first gap; streams without a gap are left out.
async fn first_of(tx: &mut Tx, meters: &[i64]) -> Result<Vec<Key>, StoreError> {
    if meters.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match tx {
        Tx::Sqlite(tx) => {
            sqlx::query_as(
                "SELECT g.meter, MIN(g.first_seq) FROM json_each($1) AS v
                 CROSS JOIN gap AS g ON g.meter = v.value GROUP BY g.meter",
            )
            .bind(json_rows(meters)?)
            .fetch_all(&mut **tx)
            .await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(
                "SELECT meter, MIN(first_seq) FROM gap WHERE meter = ANY($1) GROUP BY meter",
            )
            .bind(meters)
            .fetch_all(&mut **tx)
            .await?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(ranges: &[(i64, i64)]) -> Gaps {
        let before: Ranges = ranges.iter().map(|(first, last)| ((1, *first), *last)).collect();
        Gaps { after: before.clone(), before }
    }

    fn after(gaps: &Gaps) -> Vec<(i64, i64)> {
        gaps.after.iter().map(|((_, first), last)| (*first, *last)).collect()
    }

    #[test]
    fn a_filled_number_leaves_what_lies_on_both_sides() {
        let mut one = gaps(&[(5, 9), (20, 20)]);
        one.fill((1, 7));
        assert_eq!(after(&one), [(5, 6), (8, 9), (20, 20)]);
        one.fill((1, 5));
        one.fill((1, 6));
        one.fill((1, 9));
        one.fill((1, 20));
        assert_eq!(after(&one), [(8, 8)]);
    }

    #[test]
    fn a_number_is_missing_only_in_a_gap_of_its_own_stream() {
        let one = gaps(&[(5, 9)]);
        assert!(one.has((1, 5)) && one.has((1, 9)));
        assert!(!one.has((1, 4)) && !one.has((1, 10)) && !one.has((2, 6)));
    }
}
