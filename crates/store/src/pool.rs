//! The two engines behind one name, and the macros that run one SQL text on whichever it is.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::StoreError;

/// Connections that read from SQLite at once.
const MAX_SQLITE_READERS: u32 = 8;
/// Connections to PostgreSQL at once.
const MAX_POSTGRES_CONNECTIONS: u32 = 16;
/// How long a caller waits for a connection, and SQLite for a lock of another process.
const MAX_WAIT_SECONDS: u64 = 10;
/// Pages of write-ahead log before SQLite copies them back: random keys gather in it, so that a
/// page is copied once for many changes.
const WAL_AUTOCHECKPOINT_PAGES: &str = "32768";
/// Rows that a reading statement may be ahead of its reader, so that the two threads do not take turns.
const ROWS_AHEAD: usize = 1024;
/// Page cache of the writing connection, as SQLite wants it: negative, in KiB.
const WRITER_CACHE_KIB: &str = "-32768";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// An open database.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    /// One file, many readers, one writer.
    Sqlite { readers: SqlitePool, writer: SqlitePool },
    /// A server.
    Postgres(PgPool),
}

/// A transaction on either engine; rolled back when dropped.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one reading statement on whichever engine the pool is: `on!(self.pool, p => query.fetch_all(p))`.
macro_rules! on {
    ($pool:expr, $executor:ident => $query:expr) => {
        match &$pool {
            $crate::pool::Pool::Sqlite { readers: $executor, .. } => $query.await,
            $crate::pool::Pool::Postgres($executor) => $query.await,
        }
    };
}

/// Runs one statement within a transaction: `within!(tx, c => query.execute(c))`.
macro_rules! within {
    ($tx:expr, $executor:ident => $query:expr) => {
        match $tx {
            $crate::pool::Tx::Sqlite(tx) => {
                let $executor = &mut **tx;
                $query.await
            }
            $crate::pool::Tx::Postgres(tx) => {
                let $executor = &mut **tx;
                $query.await
            }
        }
    };
}

/// How many rows a statement changed: `changed!(tx, query)`.
macro_rules! changed {
    ($tx:expr, $query:expr) => {
        match $tx {
            $crate::pool::Tx::Sqlite(tx) => {
                $query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            $crate::pool::Tx::Postgres(tx) => {
                $query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
    };
}

pub(crate) use {changed, on, within};

impl Pool {
    /// Opens the database at an address and brings its schema up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let pool = match scheme {
            "sqlite" => Self::open_sqlite(rest.strip_prefix("//").unwrap_or(rest)).await?,
            "postgres" | "postgresql" if rest.starts_with("//") => Self::open_postgres(url).await?,
            _ => return Err(unsupported(scheme)),
        };
        match pool.migrate().await {
            Ok(()) => Ok(pool),
            Err(error) => {
                // Also gives up PostgreSQL's migration lock, which a failed run keeps.
                pool.close().await;
                Err(error)
            }
        }
    }

    async fn open_sqlite(path: &str) -> Result<Self, StoreError> {
        // Readers and writer are separate connections: a database in memory would be two.
        if path.is_empty() || path.starts_with(":memory:") {
            return Err(unsupported("sqlite::memory"));
        }
        let wait = Duration::from_secs(MAX_WAIT_SECONDS);
        let options = SqliteConnectOptions::new()
            .filename(Path::new(path))
            .foreign_keys(true)
            .busy_timeout(wait)
            .row_buffer_size(ROWS_AHEAD)
            .synchronous(SqliteSynchronous::Full);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(wait)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(
                options
                    .clone()
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .pragma("wal_autocheckpoint", WAL_AUTOCHECKPOINT_PAGES)
                    .pragma("cache_size", WRITER_CACHE_KIB),
            )
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(MAX_SQLITE_READERS)
            .acquire_timeout(wait)
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self::Sqlite { readers, writer })
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(MAX_WAIT_SECONDS))
            .connect_with(options.application_name("mingqu"))
            .await?;
        Ok(Self::Postgres(pool))
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let (done, migrator) = match self {
            Self::Sqlite { writer, .. } => {
                (SQLITE_MIGRATIONS.run(writer).await, &SQLITE_MIGRATIONS)
            }
            Self::Postgres(pool) => (POSTGRES_MIGRATIONS.run(pool).await, &POSTGRES_MIGRATIONS),
        };
        let known = migrator.iter().map(|step| step.version).max().unwrap_or(0);
        match done {
            Ok(()) => Ok(()),
            Err(MigrateError::VersionMissing(found)) if found > known => {
                Err(StoreError::NewerSchema { found, known })
            }
            Err(MigrateError::Execute(error)) => Err(error.into()),
            Err(error) => Err(StoreError::Migration(error)),
        }
    }

    /// Begins a transaction that will write.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            // Taking the write lock at once: a lock that is upgraded later can fail halfway.
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction that reads more than once.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            ),
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                // The last connection to close folds the write-ahead log into the file: the writer.
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

fn unsupported(scheme: &str) -> StoreError {
    StoreError::Url { scheme: scheme.chars().take(16).collect() }
}
