//! A PostgreSQL server of a test's own: made empty, reached by a socket, gone when dropped.
//!
//! Only the server's programs need to be installed (`initdb`, `postgres`). They are looked for in
//! `$PG_BIN`, then in `$PATH`, then in `/usr/lib/postgresql/*/bin`. The server refuses to run as
//! root, so a test run by root starts it as `postgres` or, where there is none, as `nobody`.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use thiserror::Error;

/// How long a new server may take until it answers.
const MAX_START_SECONDS: u64 = 60;
/// Between two looks at whether it answers.
const LOOK_AGAIN_MILLIS: u64 = 20;
/// Connections the server allows: several stores with a pool each.
const MAX_CONNECTIONS: &str = "200";
/// The role that owns everything.
const ROLE: &str = "mingqu";

/// Why a test has no PostgreSQL server.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Its programs are not installed.
    #[error(
        "no PostgreSQL server found in $PG_BIN, $PATH or /usr/lib/postgresql/*/bin: install the package postgresql"
    )]
    NotInstalled,
    /// Run by root, and there is nobody else to run it as.
    #[error("PostgreSQL does not run as root, and /etc/passwd knows neither postgres nor nobody")]
    NoUser,
    /// A program failed.
    #[error("{program} failed: {detail}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        detail: String,
    },
    /// Files or processes could not be made.
    #[error("the server's folder or process could not be made")]
    Io(#[from] io::Error),
    /// The server does not take a connection.
    #[error("the server does not take a connection")]
    Connection(#[from] sqlx::Error),
}

/// A running server; stopped and removed when dropped.
#[derive(Debug)]
pub struct PostgresServer {
    process: Child,
    folder: TempDir,
}

impl PostgresServer {
    /// Makes a new server and waits until it answers. Its writes are not forced to disk.
    pub async fn start() -> Result<Self, ServerError> {
        let programs = find_programs().ok_or(ServerError::NotInstalled)?;
        let folder = tempfile::Builder::new().prefix("mingqu-pg-").tempdir()?;
        let user = other_user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        initialise(&programs, folder.path(), user)?;
        let process = spawn(&programs, folder.path(), user)?;
        let mut server = Self { process, folder };
        server.wait().await?;
        Ok(server)
    }

    /// Makes an empty database and returns its address for [`Store::open`](crate::Store::open).
    pub async fn create_database(&self, name: &str) -> Result<String, ServerError> {
        let mut connection = self.options("postgres").connect().await?;
        let text = format!("CREATE DATABASE \"{name}\"");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await?;
        connection.close().await?;
        let host = self.folder.path().display();
        Ok(format!("postgres://{ROLE}@localhost/{name}?host={host}"))
    }

    /// Its process, for tests that kill it.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .username(ROLE)
            .database(database)
    }

    async fn wait(&mut self) -> Result<(), ServerError> {
        let deadline = Instant::now() + Duration::from_secs(MAX_START_SECONDS);
        loop {
            let refused = match self.options("postgres").connect().await {
                Ok(connection) => return Ok(connection.close().await?),
                Err(error) => error,
            };
            if let Some(status) = self.process.try_wait()? {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                let detail = format!("{status}: {log}");
                return Err(ServerError::Failed { program: "postgres", detail });
            }
            if Instant::now() > deadline {
                return Err(refused.into());
            }
            std::thread::sleep(Duration::from_millis(LOOK_AGAIN_MILLIS));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Nothing is kept, so it need not stop cleanly; its children notice by themselves.
        if self.process.kill().is_ok() {
            let _gone = self.process.wait();
        }
    }
}

fn find_programs() -> Option<PathBuf> {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut packaged: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    // The newest of several versions.
    packaged.sort();
    packaged.reverse();
    named
        .into_iter()
        .chain(on_path)
        .chain(packaged)
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// The user and group to run as; none when this process is not root and may run it itself.
fn other_user() -> Result<Option<(u32, u32)>, ServerError> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let mut lines = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        lines.find_map(|fields| match fields.as_slice() {
            [user, _, uid, gid, ..] if *user == name => {
                Some((uid.parse().ok()?, gid.parse().ok()?))
            }
            _ => None,
        })
    };
    find("postgres").or_else(|| find("nobody")).map(Some).ok_or(ServerError::NoUser)
}

fn command(program: &Path, folder: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn initialise(programs: &Path, folder: &Path, user: Option<(u32, u32)>) -> Result<(), ServerError> {
    let made = command(&programs.join("initdb"), folder, user)
        .args([
            "--pgdata=data",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--no-instructions",
        ])
        .args(["--locale=C.UTF-8", "--username", ROLE])
        .output()?;
    if made.status.success() {
        return Ok(());
    }
    let detail = String::from_utf8_lossy(&made.stderr).into_owned();
    Err(ServerError::Failed { program: "initdb", detail })
}

fn spawn(programs: &Path, folder: &Path, user: Option<(u32, u32)>) -> Result<Child, ServerError> {
    let log = fs::File::create(folder.join("log"))?;
    let child = command(&programs.join("postgres"), folder, user)
        .args(["-D", "data", "-c", "listen_addresses="])
        .arg("-c")
        .arg(format!("unix_socket_directories={}", folder.display()))
        .args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c"])
        .arg(format!("max_connections={MAX_CONNECTIONS}"))
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(child)
}
