//! Open files: a connection is one, and a system's usual limit is below a large fleet.

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside the connections: standard streams, the runtime, the ledger, connections that just ended.
const SPARE_FILES: u64 = 256;

/// Raises this process's limit so that so many connections can be open.
pub(crate) fn allow_connections(connections: u64) -> Result<()> {
    let wanted = connections.saturating_add(SPARE_FILES);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    ensure!(
        limit.maximum.is_none_or(|maximum| maximum >= wanted),
        "{connections} connections need {wanted} open files, and the system allows {}: raise the hard limit (ulimit -Hn {wanted}), or let the meters share connections",
        limit.maximum.unwrap_or_default()
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit })
        .context("raising the limit of open files")
}
