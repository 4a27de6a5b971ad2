//! A PostgreSQL server of a journey's own.

use store::testing::PostgresServer;
use tokio::runtime::Runtime;

/// Started empty, gone when dropped.
#[derive(Debug)]
pub struct Postgres {
    server: PostgresServer,
    runtime: Runtime,
}

impl Postgres {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(PostgresServer::start()).unwrap();
        Self { server, runtime }
    }

    /// The address of a new, empty database.
    pub fn database(&self, name: &str) -> String {
        self.runtime.block_on(self.server.create_database(name)).unwrap()
    }
}
