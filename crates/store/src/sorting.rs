//! What each report of a batch is: new, a repetition, a number used twice, or one that was archived.

use std::cmp::Ordering;

use crate::StoreError;
use crate::gap::Gaps;
use crate::intake::{self, Key, Row};
use crate::meter::Standings;
use crate::pool::Tx;

/// A batch's rows, each kind ascending by stream and number.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// Their numbers are free.
    pub(crate) fresh: Vec<Row>,
    /// They repeat, byte for byte, what is stored or came earlier in the batch.
    pub(crate) repeated: Vec<Row>,
    /// Their numbers are taken by other bytes.
    pub(crate) reused: Vec<Row>,
    /// Their numbers are taken by reports that were archived.
    pub(crate) archived: Vec<Row>,
    /// The gaps around the free numbers below the highest.
    pub(crate) gaps: Gaps,
}

/// Sorts rows, ascending by stream and number, of locked streams.
///
/// A number above the highest costs no look-up, and that is where nearly all reports come.
pub(crate) async fn sort_out(
    tx: &mut Tx,
    standings: &Standings,
    rows: Vec<Row>,
) -> Result<Sorted, StoreError> {
    let gaps = Gaps::around(tx, &keys(&rows, |row| maybe_missing(standings, row))).await?;
    let taken = |row: &Row| is_late(standings, row) && !gaps.has(row.key());
    let held = intake::held(tx, &keys(&rows, taken)).await?;
    let mut sorted = Sorted::default();
    for row in rows {
        if taken(&row) {
            match held.get(&row.key()) {
                Some((start, packed)) if row.has_bytes_of(*start, packed)? => {
                    sorted.repeated.push(row);
                }
                Some(_) => sorted.reused.push(row),
                None => push_once(&mut sorted.archived, row, &mut sorted.repeated),
            }
            continue;
        }
        match sorted.fresh.last() {
            Some(first)
                if first.key() == row.key()
                    && !row.has_bytes_of(first.times.first_at, &first.packed)? =>
            {
                sorted.reused.push(row);
            }
            _ => push_once(&mut sorted.fresh, row, &mut sorted.repeated),
        }
    }
    sorted.gaps = gaps;
    Ok(sorted)
}

/// Puts a row to the others of its kind, or to the repetitions when its number is the last one's.
fn push_once(kind: &mut Vec<Row>, row: Row, repeated: &mut Vec<Row>) {
    match kind.last().map(|last| last.key().cmp(&row.key())) {
        Some(Ordering::Equal) => repeated.push(row),
        _ => kind.push(row),
    }
}

fn keys(rows: &[Row], wanted: impl Fn(&Row) -> bool) -> Vec<Key> {
    let mut keys: Vec<Key> = rows.iter().filter(|row| wanted(row)).map(Row::key).collect();
    keys.dedup();
    keys
}

/// Whether the number lies no higher than the highest that came.
fn is_late(standings: &Standings, row: &Row) -> bool {
    standings.get(&row.meter).is_some_and(|meter| row.seq <= meter.highest_seq)
}

/// Whether the number may lie in a gap: all up to `stored_seq` are taken.
fn maybe_missing(standings: &Standings, row: &Row) -> bool {
    is_late(standings, row)
        && standings.get(&row.meter).is_some_and(|meter| row.seq > meter.stored_seq)
}
