//! Co-signatures as they are gathered under a statement.

use std::collections::BTreeMap;

use domain::progress::Progress;
use domain::{PersonId, Timestamp};

use crate::column::{fixed, instant, parsed};
use crate::pool::{Tx, changed, on, within};
use crate::{Store, StoreError};

/// One person's signature under a statement; verified by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoSignature {
    /// The raw Ed25519 public key.
    pub public_key: [u8; 32],
    /// The role it was given in.
    pub role: String,
    /// Who signed.
    pub person: PersonId,
    /// The raw Ed25519 signature.
    pub signature: [u8; 64],
    /// When it came in.
    pub received_at: Timestamp,
}

/// The statement by which a signature was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenStatement {
    /// Its state.
    pub state: Progress,
    /// SHA-256 of its payload.
    pub payload_sha256: [u8; 32],
    /// How many signatures it had.
    pub signatures: usize,
}

/// Signatures under one statement; a policy demands a handful.
const MAX_CO_SIGNATURES_PER_READ: i64 = 100;

/// Key, role, person, signature, when.
type Fields = (Vec<u8>, String, String, Vec<u8>, i64);

impl Store {
    /// The signatures under a statement, in the order they came in.
    pub async fn co_signatures(&self, statement: i64) -> Result<Vec<CoSignature>, StoreError> {
        let rows: Vec<Fields> = on!(self.pool, p => sqlx::query_as(
            "SELECT public_key, role, person, signature, received_at FROM co_signature
             WHERE district = $1 AND statement = $2 ORDER BY received_at, public_key LIMIT $3",
        )
        .bind(self.district)
        .bind(statement)
        .bind(MAX_CO_SIGNATURES_PER_READ)
        .fetch_all(p))?;
        rows.into_iter().map(read).collect()
    }

    /// Adds a signature and moves the statement on, if it still is as the signature was judged
    /// by; false when its state, its bytes or its signatures have moved on. A second signature of
    /// one key is a conflict.
    pub async fn add_co_signature(
        &self,
        statement: i64,
        signature: &CoSignature,
        seen: &SeenStatement,
        new_state: Progress,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        // The update also locks the row, so that the count below is the last one.
        let moved = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE statement SET state = $5
                 WHERE district = $1 AND id = $2 AND state = $3 AND payload_sha256 = $4"
            )
            .bind(self.district)
            .bind(statement)
            .bind(seen.state.code())
            .bind(seen.payload_sha256.as_slice())
            .bind(new_state.code())
        )?;
        let signatures: i64 = within!(&mut tx, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM co_signature WHERE district = $1 AND statement = $2",
        )
        .bind(self.district)
        .bind(statement)
        .fetch_one(c))?;
        let moved = moved > 0 && usize::try_from(signatures) == Ok(seen.signatures);
        if !moved {
            tx.rollback().await?;
            return Ok(false);
        }
        insert(&mut tx, self.district, statement, signature).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Enters a signature; a second one of the same key is a conflict.
pub(crate) async fn insert(
    tx: &mut Tx,
    district: i64,
    statement: i64,
    signature: &CoSignature,
) -> Result<(), StoreError> {
    let added = changed!(
        tx,
        sqlx::query(
            "INSERT INTO co_signature (district, statement, public_key, role, person, signature, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (statement, public_key) DO NOTHING",
        )
        .bind(district)
        .bind(statement)
        .bind(signature.public_key.as_slice())
        .bind(signature.role.as_str())
        .bind(signature.person.as_str())
        .bind(signature.signature.as_slice())
        .bind(signature.received_at.millis())
    )?;
    match added {
        0 => Err(StoreError::conflict(
            "co-signature under statement",
            &statement,
            "this key has signed it already",
        )),
        _ => Ok(()),
    }
}

fn read(
    (public_key, role, person, signature, received_at): Fields,
) -> Result<CoSignature, StoreError> {
    Ok(CoSignature {
        public_key: fixed("co_signature", "public_key", public_key)?,
        role,
        person: parsed("co_signature", "person", &person)?,
        signature: fixed("co_signature", "signature", signature)?,
        received_at: instant("co_signature", "received_at", received_at)?,
    })
}

/// The signatures under all co-signed statements from the first to the last of these ids, by statement and in the order
/// they came in.
pub(crate) async fn of_ready(
    tx: &mut Tx,
    district: i64,
    first: i64,
    last: i64,
) -> Result<BTreeMap<i64, Vec<CoSignature>>, StoreError> {
    /// The statement, then as [`Fields`].
    type Row = (i64, Vec<u8>, String, String, Vec<u8>, i64);
    let rows: Vec<Row> = within!(tx, c => sqlx::query_as(
        "SELECT c.statement, c.public_key, c.role, c.person, c.signature, c.received_at
         FROM statement AS s JOIN co_signature AS c ON c.district = s.district AND c.statement = s.id
         WHERE s.district = $1 AND s.state = $2 AND s.id BETWEEN $3 AND $4
         ORDER BY c.statement, c.received_at, c.public_key",
    )
    .bind(district)
    .bind(Progress::CoSigned.code())
    .bind(first)
    .bind(last)
    .fetch_all(c))?;
    let mut all = BTreeMap::<i64, Vec<CoSignature>>::new();
    for (statement, public_key, role, person, signature, received_at) in rows {
        let signature = read((public_key, role, person, signature, received_at))?;
        all.entry(statement).or_default().push(signature);
    }
    Ok(all)
}
