//! Statements on their way from draft to posting.

use domain::progress::Progress;
use domain::{PersonId, Timestamp, TurnId, VillageId};

use crate::attachment::{self, Attachment};
use crate::co_signature::{self, CoSignature};
use crate::column::{fixed, instant, limit, number, parsed_option};
use crate::pool::{Tx, changed, on, within};
use crate::refusal::{Grounds, Refusal};
use crate::{Store, StoreError};

/// Statements of one read.
pub const MAX_STATEMENTS_PER_READ: u32 = 1000;

/// A statement about to be drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStatement {
    /// Its kind: `watering`, `correction`, `bill-run`, …
    pub kind: String,
    /// The village it concerns.
    pub village: Option<VillageId>,
    /// Its state at first.
    pub state: Progress,
    /// The media type that is signed with it.
    pub payload_type: String,
    /// The exact bytes that people will sign.
    pub payload: Vec<u8>,
    /// SHA-256 of the payload.
    pub payload_sha256: [u8; 32],
    /// When it was drafted.
    pub created_at: Timestamp,
}

/// A statement as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// Its row.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// The village it concerns.
    pub village: Option<VillageId>,
    /// How far it has come.
    pub state: Progress,
    /// The media type that is signed with it.
    pub payload_type: String,
    /// The exact bytes that people sign.
    pub payload: Vec<u8>,
    /// SHA-256 of the payload.
    pub payload_sha256: [u8; 32],
    /// When it was drafted.
    pub created_at: Timestamp,
    /// Its index in the public log, once posted.
    pub posted_index: Option<u64>,
    /// Who refused it, and why.
    pub refusal: Option<Refusal>,
}

type Fields = (
    i64,
    String,
    Option<String>,
    String,
    String,
    Vec<u8>,
    Vec<u8>,
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The columns in the order of [`Fields`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, village, state, payload_type, payload, payload_sha256, created_at,
                    posted_index, refused_by, refusal_reason, refusal FROM statement ",
            $rest
        )
    };
}

impl Store {
    /// Enters a statement with its attachments and returns its id. With a turn, the turn names it
    /// from then on; a conflict when that turn is open or has a statement already.
    pub async fn insert_statement(
        &self,
        new: &NewStatement,
        attachments: &[Attachment],
        turn: Option<&TurnId>,
    ) -> Result<i64, StoreError> {
        let mut tx = self.pool.write().await?;
        let id = self.insert_in(&mut tx, new, attachments).await?;
        if let Some(turn) = turn {
            link_turn(&mut tx, self.district, turn, id).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    /// Enters a statement that comes with signatures, verified by the caller, and with its attachments; returns its id.
    pub async fn insert_signed_statement(
        &self,
        new: &NewStatement,
        attachments: &[Attachment],
        signatures: &[CoSignature],
    ) -> Result<i64, StoreError> {
        let mut tx = self.pool.write().await?;
        let id = self.insert_in(&mut tx, new, attachments).await?;
        for signature in signatures {
            co_signature::insert(&mut tx, self.district, id, signature).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    pub(crate) async fn insert_in(
        &self,
        tx: &mut Tx,
        new: &NewStatement,
        attachments: &[Attachment],
    ) -> Result<i64, StoreError> {
        let id: i64 = within!(tx, c => sqlx::query_scalar(
            "INSERT INTO statement (district, kind, village, state, payload_type, payload, payload_sha256, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        )
        .bind(self.district)
        .bind(new.kind.as_str())
        .bind(new.village.as_ref().map(VillageId::as_str))
        .bind(new.state.code())
        .bind(new.payload_type.as_str())
        .bind(new.payload.as_slice())
        .bind(new.payload_sha256.as_slice())
        .bind(new.created_at.millis())
        .fetch_one(c))?;
        attachment::attach(tx, self.district, id, attachments).await?;
        Ok(id)
    }

    /// Gives a draft another payload and other attachments; false when it is no draft any more.
    pub async fn replace_draft(
        &self,
        id: i64,
        payload: &[u8],
        payload_sha256: &[u8; 32],
        attachments: &[Attachment],
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let replaced = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE statement SET payload = $3, payload_sha256 = $4
                 WHERE district = $1 AND id = $2 AND state = $5",
            )
            .bind(self.district)
            .bind(id)
            .bind(payload)
            .bind(payload_sha256.as_slice())
            .bind(Progress::Draft.code())
        )?;
        if replaced == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        let former = attachment::detach(&mut tx, self.district, id).await?;
        attachment::attach(&mut tx, self.district, id, attachments).await?;
        attachment::drop_unnamed(&mut tx, self.district, &former).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// One statement.
    pub async fn statement(&self, id: i64) -> Result<Option<StatementRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND id = $2"),
        )
        .bind(self.district)
        .bind(id)
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// The newest statement with this payload, by its SHA-256.
    pub async fn statement_by_payload(
        &self,
        sha256: &[u8; 32],
    ) -> Result<Option<StatementRow>, StoreError> {
        let found: Option<Fields> = on!(self.pool, p => sqlx::query_as(
            select!("WHERE district = $1 AND payload_sha256 = $2 ORDER BY id DESC LIMIT 1"),
        )
        .bind(self.district)
        .bind(sha256.as_slice())
        .fetch_optional(p))?;
        found.map(row).transpose()
    }

    /// Statements in a state and of a village, where given, newest first; `before_id` is the last
    /// id of the page before.
    pub async fn statements(
        &self,
        state: Option<Progress>,
        village: Option<&VillageId>,
        before_id: Option<i64>,
        rows: u32,
    ) -> Result<Vec<StatementRow>, StoreError> {
        // Four texts, because a condition that may be absent keeps an engine from using its index.
        let (text, state, village) = match (state, village) {
            (None, None) => {
                (select!("WHERE district = $1 AND id < $2 ORDER BY id DESC LIMIT $3"), None, None)
            }
            (Some(state), None) => (
                select!("WHERE district = $1 AND id < $2 AND state = $4 ORDER BY id DESC LIMIT $3"),
                Some(state.code()),
                None,
            ),
            (None, Some(village)) => (
                select!(
                    "WHERE district = $1 AND id < $2 AND village = $4 ORDER BY id DESC LIMIT $3"
                ),
                Some(village.as_str()),
                None,
            ),
            (Some(state), Some(village)) => (
                select!(
                    "WHERE district = $1 AND id < $2 AND state = $4 AND village = $5
                     ORDER BY id DESC LIMIT $3"
                ),
                Some(state.code()),
                Some(village.as_str()),
            ),
        };
        let rows: Vec<Fields> = on!(self.pool, p => {
            let mut query = sqlx::query_as(text)
                .bind(self.district)
                .bind(before_id.unwrap_or(i64::MAX))
                .bind(limit(rows, MAX_STATEMENTS_PER_READ));
            // PostgreSQL refuses values that the text has no place for.
            for value in [state, village].into_iter().flatten() {
                query = query.bind(value);
            }
            query.fetch_all(p)
        })?;
        rows.into_iter().map(row).collect()
    }

    /// Statements that have all their signatures and wait to be posted, oldest first, each with its signatures in the
    /// order they came in.
    pub async fn statements_ready(
        &self,
    ) -> Result<Vec<(StatementRow, Vec<CoSignature>)>, StoreError> {
        let mut tx = self.pool.read().await?;
        let rows: Vec<Fields> = within!(&mut tx, c => sqlx::query_as(
            select!("WHERE district = $1 AND state = $2 ORDER BY id LIMIT $3"),
        )
        .bind(self.district)
        .bind(Progress::CoSigned.code())
        .bind(i64::from(MAX_STATEMENTS_PER_READ))
        .fetch_all(c))?;
        let rows: Vec<StatementRow> = rows.into_iter().map(row).collect::<Result<_, _>>()?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(Vec::new());
        };
        let (first, last) = (first.id, last.id);
        let mut signatures = co_signature::of_ready(&mut tx, self.district, first, last).await?;
        tx.commit().await?;
        let with_signatures = |row: StatementRow| {
            let signatures = signatures.remove(&row.id).unwrap_or_default();
            (row, signatures)
        };
        Ok(rows.into_iter().map(with_signatures).collect())
    }

    /// Marks a statement refused if it is still in the state expected, and frees its turn to be
    /// drafted again; false when its state has moved on.
    pub async fn refuse_statement(
        &self,
        id: i64,
        refusal: &Refusal,
        expected_state: Progress,
    ) -> Result<bool, StoreError> {
        let (reason, words) = refusal.why.columns();
        let mut tx = self.pool.write().await?;
        let refused = changed!(
            &mut tx,
            sqlx::query(
                "UPDATE statement SET state = $3, refused_by = $4, refusal_reason = $5, refusal = $6
                 WHERE district = $1 AND id = $2 AND state = $7",
            )
            .bind(self.district)
            .bind(id)
            .bind(Progress::Refused.code())
            .bind(refusal.by.as_str())
            .bind(reason)
            .bind(words)
            .bind(expected_state.code())
        )?;
        if refused == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        changed!(
            &mut tx,
            sqlx::query("UPDATE turn SET statement = NULL WHERE statement = $1").bind(id)
        )?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn link_turn(tx: &mut Tx, district: i64, turn: &TurnId, id: i64) -> Result<(), StoreError> {
    let linked = changed!(
        tx,
        sqlx::query(
            "UPDATE turn SET statement = $3
             WHERE district = $1 AND code = $2 AND closed_at IS NOT NULL AND statement IS NULL",
        )
        .bind(district)
        .bind(turn.as_str())
        .bind(id)
    )?;
    if linked == 1 {
        return Ok(());
    }
    Err(StoreError::conflict(
        "statement of turn",
        turn,
        "the turn is unknown, still open, or has a statement",
    ))
}

fn row(fields: Fields) -> Result<StatementRow, StoreError> {
    let (
        id,
        kind,
        village,
        state,
        payload_type,
        payload,
        payload_sha256,
        created_at,
        posted_index,
        refused_by,
        refusal_reason,
        refusal,
    ) = fields;
    let refused_by: Option<PersonId> =
        parsed_option("statement", "refused_by", refused_by.as_deref())?;
    let why = Grounds::of_columns(refusal_reason.as_deref(), refusal)?;
    Ok(StatementRow {
        id,
        kind,
        village: parsed_option("statement", "village", village.as_deref())?,
        state: Progress::from_code(&state)
            .ok_or_else(|| StoreError::corrupt("statement", "state", &state))?,
        payload_type,
        payload,
        payload_sha256: fixed("statement", "payload_sha256", payload_sha256)?,
        created_at: instant("statement", "created_at", created_at)?,
        posted_index: posted_index
            .map(|index| number("statement", "posted_index", index))
            .transpose()?,
        refusal: refused_by.zip(why).map(|(by, why)| Refusal { by, why }),
    })
}
