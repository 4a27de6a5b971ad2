//! The server: store, service, meters' door, pages, wired together; started and stopped as one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use disclosure::merkle::Hash;
use ed25519_dalek::SigningKey;
use mqtt::adapter::Adapters;
use mqtt::{Batcher, Broker, Counters, Endpoint, EndpointConfig, Topics};
use service::{Clock, LogKey, Service, Witnesses};
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use web::{MetricsSource, WebConfig};

use crate::config::{
    Config, GATEWAY_KEY_FILE, GENESIS_FILE, LAST_CHECKPOINT_FILE, LOG_KEY_FILE, Meters,
};
use crate::randomness::SystemRandomness;
use crate::witness_client::HttpWitnessClient;
use crate::{archive, key_file, metrics};

/// Between two looks at what meters reported, so that storing reports comes first.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// Looks between two looks at what time alone brings: a minute.
const LOOKS_PER_MINUTE: u32 = 60;
/// How often closed turns are looked at when nothing new came in.
const TEND_INTERVAL: Duration = Duration::from_secs(30);

/// How often old reports are archived.
const ARCHIVE_INTERVAL: Duration = Duration::from_hours(24);

/// A running server.
pub struct Server {
    service: Arc<Service>,
    web: SocketAddr,
    meters: Meters,
    stop: watch::Sender<bool>,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Server {
    /// Takes its ports, opens the data, and serves. Needs a tokio runtime.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let web = listen(config.listen, "pages", "listen").await?;
        let door = match config.meters {
            Meters::Endpoint(address) => Some(listen(address, "meters", "mqtt-listen").await?),
            Meters::Broker(_) => None,
        };
        let store = Store::open(&config.database, &config.district)
            .await
            .context("the database cannot be opened (configuration key database)")?;
        let service = open_service(config, store, clock).await?;
        let (stop, stopping) = watch::channel(false);
        let mut server = Self {
            web: web.local_addr()?,
            meters: match &door {
                Some(door) => Meters::Endpoint(door.local_addr()?),
                None => config.meters.clone(),
            },
            service,
            stop,
            tasks: JoinSet::new(),
        };
        let counters = server.serve_meters(config, door, &stopping)?;
        server.serve_pages(web, counters, &stopping);
        server.tend(config, &stopping);
        server.watch(&stopping);
        server.archive(config, &stopping);
        Ok(server)
    }

    /// What it does the verbs with.
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service)
    }

    /// Where its pages are.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.web)
    }

    /// Where meters connect to the program itself.
    pub fn meters_address(&self) -> anyhow::Result<SocketAddr> {
        match self.meters {
            Meters::Endpoint(address) => Ok(address),
            Meters::Broker(_) => bail!("meters connect to a broker, not to the program"),
        }
    }

    /// What a person at the terminal wants to know.
    pub fn greeting(&self) -> String {
        let url = self.base_url();
        let meters = match &self.meters {
            Meters::Endpoint(address) => format!("mqtt://{address}"),
            Meters::Broker(broker) => {
                format!("the broker {}:{}", broker.host, broker.port)
            }
        };
        format!(
            "district {district}\n  board   {url}/\n  log     {url}/log\n  meters  {url}/meters\n  refused {url}/quarantine\n  meters connect to {meters}",
            district = self.service.district(),
        )
    }

    /// Serves until Ctrl-C or SIGTERM, then stops in order.
    pub async fn until_interrupted(mut self) -> anyhow::Result<()> {
        self.stopped().await?;
        self.stop().await
    }

    /// Waits for Ctrl-C, SIGTERM, or a part that failed.
    pub async fn stopped(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            signal = interrupted() => signal,
            ended = self.tasks.join_next() => match ended {
                Some(ended) => ended?,
                None => Ok(()),
            },
        }
    }

    /// Stops taking in, finishes what is under way, closes the store.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        // Every part may have ended already.
        let _ = self.stop.send(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        self.service.store().close().await;
        Ok(())
    }

    fn serve_meters(
        &mut self,
        config: &Config,
        door: Option<TcpListener>,
        stopping: &watch::Receiver<bool>,
    ) -> anyhow::Result<Arc<Counters>> {
        let counters = Arc::new(Counters::default());
        let (queue, batcher) = Batcher::new(Arc::clone(&self.service), Arc::clone(&counters));
        let topics =
            Topics::new(config.district.as_str())?.with_adapters(Adapters::new(&config.adapters)?);
        let statuses = Arc::clone(self.service.statuses());
        self.spawn_until(stopping, |stop| async move {
            batcher.run(stop).await;
            Ok(())
        });
        match (door, &config.meters) {
            (Some(listener), _) => {
                let endpoint =
                    EndpointConfig { topics, statuses, connections: mqtt::MAX_CONNECTIONS };
                self.spawn_until(stopping, |stop| async move {
                    Endpoint::serve(listener, endpoint, queue, stop).await;
                    Ok(())
                });
            }
            (None, Meters::Broker(broker)) => {
                let broker = Broker::new(broker.clone())?;
                self.spawn_until(stopping, |stop| async move {
                    broker.run(topics, statuses, queue, stop).await;
                    Ok(())
                });
            }
            (None, Meters::Endpoint(_)) => bail!("the meters' port was not taken"),
        }
        Ok(counters)
    }

    fn serve_pages(
        &mut self,
        listener: TcpListener,
        counters: Arc<Counters>,
        stopping: &watch::Receiver<bool>,
    ) {
        let of_mqtt = MetricsSource::new(move |out| metrics::write(&counters.counts(), out));
        let config = WebConfig { metrics: of_mqtt, ..WebConfig::default() };
        let router = web::router(Arc::clone(&self.service), config);
        self.spawn_until(stopping, |stop| async move {
            web::serve(listener, router, stop).await.context("the pages' server failed")
        });
    }

    fn tend(&mut self, config: &Config, stopping: &watch::Receiver<bool>) {
        let service = Arc::clone(&self.service);
        let last_checkpoint = config.data.join(LAST_CHECKPOINT_FILE);
        self.spawn_until(stopping, |stop| async move {
            tokio::pin!(stop);
            loop {
                if let Err(error) = service.tend().await {
                    tracing::error!(%error, "turns could not be drafted or posted; trying again");
                }
                if let Err(error) = remember_checkpoint(&service, &last_checkpoint).await {
                    tracing::error!(%error, "the last checkpoint could not be kept");
                }
                let pause = service.retry_in().unwrap_or(TEND_INTERVAL);
                tokio::select! {
                    () = &mut stop => return remember_checkpoint(&service, &last_checkpoint).await,
                    () = service.news() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    fn watch(&mut self, stopping: &watch::Receiver<bool>) {
        let service = Arc::clone(&self.service);
        self.spawn_until(stopping, |stop| async move {
            tokio::pin!(stop);
            for look in 0_u32.. {
                let watched = async {
                    service.watch().await?;
                    if look % LOOKS_PER_MINUTE == LOOKS_PER_MINUTE - 1 {
                        service.watch_time().await
                    } else {
                        Ok(())
                    }
                };
                if let Err(error) = watched.await {
                    tracing::error!(%error, "the meters could not be watched; trying again");
                }
                tokio::select! {
                    () = &mut stop => return Ok(()),
                    () = tokio::time::sleep(WATCH_INTERVAL) => {}
                }
            }
            Ok(())
        });
    }

    /// Archives old reports once a day, if the configuration says what is old.
    fn archive(&mut self, config: &Config, stopping: &watch::Receiver<bool>) {
        let Some(keep_days) = config.keep_days else {
            return;
        };
        let (service, folder) = (Arc::clone(&self.service), config.data.join(archive::FOLDER));
        self.spawn_until(stopping, |stop| async move {
            tokio::pin!(stop);
            loop {
                let done = async {
                    if let Err(error) = archive_old(&service, &folder, keep_days).await {
                        let error = format!("{error:#}");
                        tracing::error!(
                            error,
                            "old reports were not archived; trying again tomorrow"
                        );
                    }
                    tokio::time::sleep(ARCHIVE_INTERVAL).await;
                };
                // A run that is cut off loses nothing: the next one goes on.
                tokio::select! {
                    () = &mut stop => return Ok(()),
                    () = done => {}
                }
            }
        });
    }

    fn spawn_until<W>(&mut self, stopping: &watch::Receiver<bool>, work: impl FnOnce(Stop) -> W)
    where
        W: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut stopping = stopping.clone();
        let stop: Stop = Box::pin(async move {
            // An error means that the server itself is gone, which is a stop too.
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        self.tasks.spawn(work(stop));
    }
}

/// Opens the district, bound to the genesis and to the checkpoint that lie in the data folder.
pub async fn open_service(
    config: &Config,
    store: Store,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Arc<Service>> {
    let mut service = open_log(config, store, clock)
        .await?
        .watching(config.alarms)
        .drawing_from(Arc::new(SystemRandomness));
    if let Some(gateway) = gateway_key(config)? {
        service = service.vouching_with(gateway);
    }
    let genesis = config.data.join(GENESIS_FILE);
    match read_optional(&genesis)? {
        Some(payload) => service = service.founded_by(Hash::of(&payload)),
        None if service.log().size().await? == 0 => bail!(
            "the log is empty and there is no {}: make the data folder with `mingqu init`",
            genesis.display()
        ),
        None => {}
    }
    if let Some(checkpoint) = read_optional(&config.data.join(LAST_CHECKPOINT_FILE))? {
        service.check_continues(&checkpoint).await?;
    }
    Ok(Arc::new(service))
}

/// Opens the district with its log key and its witnesses, without which nothing may be published.
pub async fn open_log(
    config: &Config,
    store: Store,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Service> {
    let log_key = log_key(config)?;
    let witnesses = match &config.witness_policy {
        None => None,
        Some(policy) => {
            policy
                .check_log(&log_key.verifier_key())
                .context("configuration key witness_policy")?;
            let client = Arc::new(HttpWitnessClient::new(&config.trust));
            let witnesses = Witnesses::new(policy.clone(), client);
            Some(witnesses.context("configuration key witness_policy")?)
        }
    };
    Ok(Service::open_witnessed(store, log_key, clock, witnesses).await?)
}

async fn archive_old(service: &Service, folder: &Path, keep_days: u32) -> anyhow::Result<()> {
    let before = archive::first_month_kept(service.now(), keep_days);
    let task = archive::Task {
        store: service.store(),
        folder: folder.to_path_buf(),
        before,
        needs: service.needs(archive::start_of(before)?).await?,
        now: service.now(),
        dry_run: false,
    };
    archive::archive(&task, |archived| {
        let (month, reports, bytes) = (&archived.month, archived.reports, archived.bytes);
        tracing::info!(%month, reports, bytes, "archived");
    })
    .await
}

/// Keeps the published checkpoint beside the database, so that a database that was exchanged for an
/// older one is noticed at the next start.
async fn remember_checkpoint(service: &Service, file: &Path) -> anyhow::Result<()> {
    let Some(checkpoint) = service.log().checkpoint().await? else {
        return Ok(());
    };
    if read_optional(file)?.as_deref() == Some(checkpoint.as_slice()) {
        return Ok(());
    }
    let beside = file.with_extension("new");
    std::fs::write(&beside, checkpoint)
        .and_then(|()| std::fs::rename(&beside, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn read_optional(file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Resolves when the server stops.
type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// The log's own key, made with the data folder and never again: another key would be another log.
pub fn log_key(config: &Config) -> anyhow::Result<LogKey> {
    let path = config.data.join(LOG_KEY_FILE);
    if !path.exists() {
        bail!(
            "the log's key is needed and {} is missing: put it back from where you keep a copy; no other key signs this log",
            path.display()
        );
    }
    let key = key_file::read(&path, &config.passphrase).context("the log's key")?;
    Ok(LogKey::new(config.origin.clone(), key))
}

/// The key that vouches for meters that sign nothing; needed where adapters are configured.
fn gateway_key(config: &Config) -> anyhow::Result<Option<SigningKey>> {
    let path = config.data.join(GATEWAY_KEY_FILE);
    if path.exists() {
        return key_file::read(&path, &config.passphrase).map(Some);
    }
    if !config.adapters.is_empty() {
        bail!(
            "adapters are configured and there is no {}: put it back, or make one with `mingqu keys new --no-passphrase` and post it in the registry",
            path.display()
        );
    }
    Ok(None)
}

/// Takes a port; says which flag chooses another when it is taken.
pub async fn listen(address: SocketAddr, what: &str, flag: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {} for {what} is taken by another program: choose another with --{flag} {}:PORT (0 picks a free one)",
            address.port(),
            address.ip()
        ),
        Err(error) => Err(error).with_context(|| {
            format!("cannot serve {what} on {address}: choose another with --{flag}")
        }),
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn interrupted() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            ctrl_c = tokio::signal::ctrl_c() => ctrl_c?,
            _ = terminate.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    Ok(tokio::signal::ctrl_c().await?)
}
