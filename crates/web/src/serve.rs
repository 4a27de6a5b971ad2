//! Takes connections, each for a bounded time, and not too many at once.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections open at once; others wait until one is closed. Half of the 1,024 files that a
/// process may usually have open, so that the store and the log can always open theirs.
const MAX_CONNECTIONS: usize = 512;
/// From the moment a connection is ready for a request until its head is read.
const MAX_HEADER_SECONDS: u64 = 10;
/// A connection's whole life. A client that reads its answer slower than this loses it; the
/// largest attachment takes a slow mobile line a few minutes.
const MAX_CONNECTION_SECONDS: u64 = 600;
/// What a connection has left for the request that is running when it must close.
const SHUTDOWN_GRACE_SECONDS: u64 = 5;
/// After the system refused to accept a connection, mostly for want of files.
const ACCEPT_PAUSE_MS: u64 = 100;

/// Serves until `shutdown` is done, then lets the requests that are running finish; what is left
/// after five seconds is dropped.
///
/// A refused connection is logged and does not end the server.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_within(Limits::OURS, listener, router, shutdown).await;
    Ok(())
}

#[derive(Clone, Copy)]
struct Limits {
    connections: usize,
    header: Duration,
    connection: Duration,
    grace: Duration,
}

impl Limits {
    const OURS: Self = Self {
        connections: MAX_CONNECTIONS,
        header: Duration::from_secs(MAX_HEADER_SECONDS),
        connection: Duration::from_secs(MAX_CONNECTION_SECONDS),
        grace: Duration::from_secs(SHUTDOWN_GRACE_SECONDS),
    };
}

async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let (close, closing) = watch::channel(());
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            accepted = listener.accept(), if open.len() < limits.connections => match accepted {
                Ok((stream, _)) => {
                    open.spawn(converse(limits, stream, router.clone(), closing.clone()));
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted; trying again");
                    sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                }
            }
        }
    }
    drop(listener);
    drop(close);
    while open.join_next().await.is_some() {}
}

/// Answers one connection's requests until the client leaves, its time is over, or `close` is
/// dropped; then the running request has the grace to finish.
async fn converse(
    limits: Limits,
    stream: TcpStream,
    router: Router,
    mut closing: watch::Receiver<()>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // A client that breaks off or speaks something else is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = timeout(limits.connection, closing.changed()) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.grace, connection).await;
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const HALF: &str = "GET / HTTP/1.1\r\nX: ";
    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_hours(1);
    const PATIENT: Limits = Limits { connections: 8, header: LONG, connection: LONG, grace: LONG };

    struct Running {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        served: JoinHandle<()>,
    }

    impl Running {
        async fn within(limits: Limits) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel();
            let router = Router::new().route("/", get(async || "water"));
            let shutdown = async { stopped.await.unwrap() };
            let served = tokio::spawn(serve_within(limits, listener, router, shutdown));
            Self { address, stop, served }
        }

        async fn client(&self, first: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(first.as_bytes()).await.unwrap();
            stream
        }

        async fn stop(self) {
            self.stop.send(()).unwrap();
            self.served.await.unwrap();
        }
    }

    /// Reads one answer of the test's route.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"water") {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "closed too early");
        }
        String::from_utf8(read).unwrap()
    }

    /// Reads until the server closes, whether it says goodbye or not.
    async fn closed(mut stream: TcpStream) {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }

    #[tokio::test]
    async fn a_connection_is_answered_request_after_request() {
        let running = Running::within(PATIENT).await;
        let mut client = running.client(REQUEST).await;
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 200 OK"));
        client.write_all(REQUEST.as_bytes()).await.unwrap();
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 200 OK"));
        running.stop().await;
        closed(client).await;
    }

    #[tokio::test]
    async fn a_half_sent_request_does_not_hold_up_the_shutdown() {
        let running = Running::within(Limits { grace: SHORT, ..PATIENT }).await;
        let half = running.client(HALF).await;
        // Connections are accepted in their order: once this one is answered, the half is open.
        answer(&mut running.client(REQUEST).await).await;
        running.stop().await;
        closed(half).await;
    }

    #[tokio::test]
    async fn a_half_sent_request_is_closed_after_the_header_time() {
        let running = Running::within(Limits { header: SHORT, ..PATIENT }).await;
        closed(running.client(HALF).await).await;
        running.stop().await;
    }

    #[tokio::test]
    async fn a_connection_ends_after_its_whole_time() {
        let running = Running::within(Limits { connection: SHORT, grace: SHORT, ..PATIENT }).await;
        closed(running.client(HALF).await).await;
        running.stop().await;
    }

    #[tokio::test]
    async fn a_client_beyond_the_bound_is_served_once_another_leaves() {
        let running = Running::within(Limits { connections: 1, ..PATIENT }).await;
        let mut first = running.client(REQUEST).await;
        answer(&mut first).await;
        let mut second = running.client(REQUEST).await;
        let waiting = tokio::spawn(async move { answer(&mut second).await });
        first.write_all(REQUEST.as_bytes()).await.unwrap();
        answer(&mut first).await;
        assert!(!waiting.is_finished());
        drop(first);
        assert!(waiting.await.unwrap().starts_with("HTTP/1.1 200 OK"));
        running.stop().await;
    }
}
