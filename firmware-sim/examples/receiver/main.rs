//! An endpoint that receipts every report and keeps none: to try a scenario without a district.
//!
//!     cargo run --release --package firmware-sim --example receiver -- 127.0.0.1:18830 huangyang

mod keeper;

use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mqtt::{Batcher, Counters, Endpoint, EndpointConfig, MAX_CONNECTIONS, Topics};
use service::Statuses;
use tokio::net::TcpListener;

const TELL_EVERY: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "give ADDRESS:PORT and a district";
    let listener = TcpListener::bind(arguments.next().context(usage)?).await?;
    let topics = Topics::new(&arguments.next().context(usage)?)?;
    let keeper = Arc::new(keeper::Keeper::default());
    let (queue, batcher) = Batcher::new(Arc::clone(&keeper), Arc::new(Counters::default()));
    let statuses = Arc::new(Statuses::new(Arc::new(keeper::Stopped)));
    let config = EndpointConfig { topics, statuses, connections: MAX_CONNECTIONS };
    writeln!(stderr(), "listening on {}", listener.local_addr()?)?;
    tokio::select! {
        () = batcher.run(std::future::pending()) => Ok(()),
        () = Endpoint::serve(listener, config, queue, std::future::pending()) => Ok(()),
        told = tell(&keeper) => told,
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

async fn tell(keeper: &keeper::Keeper) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let (reports, meters) = keeper.kept();
        writeln!(stderr(), "{reports} reports of {meters} meters")?;
    }
}
