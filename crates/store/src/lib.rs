//! What is kept: one SQL text for SQLite and PostgreSQL; each public method is one transaction.
//!
//! A [`Store`] is one district in one database. Every row carries the district, so that many
//! districts can share a database and be moved apart later. The crate decides nothing: it knows no
//! policy, verifies no signature and reads no clock. What it does promise:
//!
//! - a method that returned `Ok` has committed, durably; one that failed has left nothing;
//! - reports are kept once per meter and sequence number, and never changed;
//! - the log's head moves by compare-and-swap in the transaction that stores the entries;
//! - rows carry the domain's types, and a stored value that is none is [`StoreError::Corrupt`].
//!
//! SQL is static text. A statement that only one engine could run stands beside its twin: bulk
//! rows go in through `UNNEST` on PostgreSQL, and on SQLite through multi-row `VALUES` or `json_each`.

mod alarm;
mod append;
mod archive;
mod attachment;
mod bill;
mod board;
mod bulk;
mod clearing;
mod co_signature;
mod column;
mod entry;
mod error;
mod evidence;
mod gap;
mod holder;
mod intake;
mod invitation;
mod log;
mod meter;
mod month;
mod numbered;
mod packed;
mod partition;
mod payment;
mod pool;
mod projection;
mod proposal;
mod quarantine;
mod refusal;
mod removal;
mod report;
mod request;
mod round;
mod session;
mod sorting;
mod statement;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod turn;
mod watch;
mod watering;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use domain::{DistrictId, MeterCode};

pub use alarm::{
    Acknowledgement, AlarmChange, AlarmCount, AlarmRow, MAX_ALARMS_PER_READ, MAX_CLEARED_ALARMS,
    MAX_OPEN_ALARMS_OF_KIND, Subject,
};
pub use append::{NewAppend, Next};
pub use archive::{ArchivedReport, OldStream, RestoredBatch};
pub use attachment::{Attachment, MAX_ATTACHMENTS_PER_READ};
pub use bill::{BillRow, BillRunRow, MAX_BILLS_PER_READ};
pub use board::{RoundTotal, VillageTotal};
pub use co_signature::{CoSignature, SeenStatement};
pub use entry::{EntryRow, MAX_ENTRIES_PER_READ, MAX_KINDS_PER_READ};
pub use error::StoreError;
pub use evidence::{MAX_REPORTS_PER_READ, StoredReport};
pub use gap::MAX_GAPS_PER_READ;
pub use holder::MAX_HOLDERS_PER_CALL;
pub use invitation::Invitation;
pub use log::{EMPTY_ROOT, Head, MAX_ENTRIES_PER_POSTING, NewEntry, PostOutcome, Posting, Tile};
pub use meter::MeterActivity;
pub use month::{Month, MonthError};
pub use partition::MONTHS_AHEAD;
pub use payment::{
    HouseholdSums, MAX_OWED_PER_READ, MAX_PAYMENTS_PER_CALL, MAX_PAYMENTS_PER_READ, NewPayment,
    NewPayments, OwedAfter, OwedRow, OwedSum, PaymentRow, PaymentsOutcome, Receipted,
    ReferenceStanding, Reversal, TakenReference, VillageYear,
};
pub use projection::{NewBill, NewShare, Projection, Superseded};
pub use proposal::{MAX_PROPOSALS_PER_READ, ProposalRow, ProposalState};
pub use quarantine::{
    MAX_QUARANTINE_PAYLOAD_BYTES, MAX_QUARANTINE_ROWS, MAX_QUARANTINE_ROWS_PER_READ,
    MAX_QUARANTINE_TEXT_CHARS, NewQuarantine, QuarantineRow,
};
pub use refusal::{Grounds, Refusal};
pub use removal::{ArchivedRun, MAX_REPORTS_PER_REMOVAL};
pub use report::{
    MAX_REPORTS_PER_BATCH, NewReport, SEQUENCE_IMPOSSIBLE, SEQUENCE_REUSED, StoredBatch,
};
pub use request::NewRequest;
pub use round::MAX_ROUNDS_PER_READ;
pub use session::{MAX_OPEN_CHALLENGES, MAX_SESSIONS_PER_KEY, NewSession, SessionRow};
pub use statement::{MAX_STATEMENTS_PER_READ, NewStatement, StatementRow};
pub use stream::{Stream, StreamId};
pub use turn::{MAX_TURNS_PER_READ, NewTurn, TurnRow};
pub use watch::{
    MAX_METERS_TO_WATCH_PER_READ, MAX_REPORTS_TO_WATCH_PER_READ, MAX_WATCH_STEPS_PER_CALL,
    MeterToWatch, ReportToWatch, WatchRow, WatchStep,
};
pub use watering::{
    HouseholdShare, MAX_SHARES_PER_READ, MAX_WATERINGS_PER_READ, ShareRow, WateringRow,
};

use pool::{Pool, changed, on, within};
use stream::Known;

/// One district's data in an open database. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    district: i64,
    code: DistrictId,
    /// The primary streams of meters seen: they never change, and every report needs one.
    meters: Arc<Mutex<HashMap<MeterCode, Known>>>,
    /// Months whose partitions are there to stay.
    months: Arc<Mutex<BTreeSet<Month>>>,
}

impl Store {
    /// Opens `sqlite:PATH` (made when missing) or `postgres://…`, brings the schema up to date, and
    /// enters the district when it is new. Refuses any other address and a newer schema.
    pub async fn open(url: &str, district: &DistrictId) -> Result<Self, StoreError> {
        let pool = Pool::open(url).await?;
        match enter_district(&pool, district).await {
            Ok(id) => Ok(Self {
                pool,
                district: id,
                code: district.clone(),
                meters: Arc::default(),
                months: Arc::default(),
            }),
            Err(error) => {
                pool.close().await;
                Err(error)
            }
        }
    }

    /// The district whose data this is.
    pub fn district(&self) -> &DistrictId {
        &self.code
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _one: i64 =
            on!(self.pool, p => sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(p))?;
        Ok(())
    }

    /// The version of the schema: the number of the last migration.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        Ok(on!(self.pool, p => sqlx::query_scalar(
            "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations",
        )
        .fetch_one(p))?)
    }

    /// Waits for what is running and closes the connections; SQLite's write-ahead log is folded in.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn enter_district(pool: &Pool, district: &DistrictId) -> Result<i64, StoreError> {
    let mut tx = pool.write().await?;
    changed!(
        &mut tx,
        sqlx::query("INSERT INTO district (code) VALUES ($1) ON CONFLICT (code) DO NOTHING")
            .bind(district.as_str())
    )?;
    let id: i64 = within!(&mut tx, c => sqlx::query_scalar("SELECT id FROM district WHERE code = $1")
        .bind(district.as_str())
        .fetch_one(c)
    )?;
    log::enter_head(&mut tx, id).await?;
    tx.commit().await?;
    Ok(id)
}
