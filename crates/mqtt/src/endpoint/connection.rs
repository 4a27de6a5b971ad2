//! One connection's task: reads packets while there is room for them, writes what waits, watches the time.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::Shared;
use super::handshake::{self, Agreed};
use super::outbox::Stop;
use super::session::{End, Session, refusal_of};
use super::wire::{self, Level, Refuse, Unreadable, WireError};
use crate::Refusal;

const CONNECT_TIMEOUT_SECONDS: u64 = 10;
/// How long a client may leave unread what was written to it.
const WRITE_TIMEOUT_SECONDS: u64 = 30;
/// How long the last words to a client may take.
const FAREWELL_TIMEOUT_SECONDS: u64 = 1;
const READ_BYTES: usize = 16 * 1024;

/// Serves one connection to its end.
pub(super) async fn serve(mut stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    // Acknowledgements are small and awaited; a failure only costs time.
    let _ = stream.set_nodelay(true);
    let mut buffer = BytesMut::new();
    let agreed = match connect(&mut stream, &mut buffer, &shared).await {
        Ok(Some(agreed)) => agreed,
        Ok(None) => return,
        Err(refusal) => {
            shared.refuse(refusal);
            tracing::info!(%peer, reason = refusal.name(), "refused a connection");
            return;
        }
    };
    let Agreed { client, level, keep_alive_seconds } = agreed;
    let mut session = Session::new(Arc::clone(&client), level, Arc::clone(&shared));
    let end = Link::new(&mut stream, buffer, keep_alive_seconds).run(&mut session, &shared).await;
    drop(session);
    let will = client.take_will();
    let peaceful = matches!(end, End::Goodbye { publish_will: false } | End::Shutdown);
    if let Some(will) = will.filter(|_| !peaceful) {
        handshake::carry_out(&shared, &will);
    }
    if let End::Wire(unreadable) = &end {
        shared.queue.keep_apart(unreadable.apart(&client.id));
    }
    if let Some(refusal) = end.refusal() {
        shared.refuse(refusal);
        tracing::info!(%peer, client = client.id, reason = refusal.name(), %end, "closed a connection");
    }
    if let Some(code) = end.disconnect_code() {
        farewell(&mut stream, |out| wire::write_disconnect(level, code, out)).await;
    }
}

/// Reads and answers CONNECT; `None` if the peer went away or the server stops.
async fn connect(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    shared: &Shared,
) -> Result<Option<Agreed>, Refusal> {
    let mut stopping = shared.stopping.clone();
    let timeout = Duration::from_secs(CONNECT_TIMEOUT_SECONDS);
    let read = tokio::select! {
        read = tokio::time::timeout(timeout, read_connect(stream, buffer)) => read,
        _ = stopping.wait_for(|stopping| *stopping) => return Ok(None),
    };
    let agreed = match read {
        Err(_) => return Err(Refusal::Silent),
        Ok(Ok(None)) => return Ok(None),
        Ok(Ok(Some(connect))) => connect,
        Ok(Err(unreadable)) => {
            shared.queue.keep_apart(unreadable.apart(""));
            if matches!(unreadable.error, WireError::Level(_)) {
                farewell(stream, |out| wire::write_refused(Level::V4, Refuse::Level, out)).await;
            }
            return Err(refusal_of(&unreadable.error));
        }
    };
    let mut answer = BytesMut::new();
    let agreed = handshake::agree(shared, agreed, &mut answer);
    match &agreed {
        Ok(agreed) => agreed.client.outbox.answer(|_, out| out.unsplit(answer)),
        Err(_) => farewell(stream, |out| out.unsplit(answer)).await,
    }
    agreed.map(Some)
}

async fn read_connect(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Result<Option<wire::Connect>, Unreadable> {
    let (mut reader, _) = stream.split();
    loop {
        if let Some(connect) = wire::read_connect(buffer)? {
            return Ok(Some(connect));
        }
        if !fill(&mut reader, buffer).await {
            return Ok(None);
        }
    }
}

/// Writes last words and closes; nobody waits long for a peer that does not listen.
async fn farewell(stream: &mut TcpStream, write: impl FnOnce(&mut BytesMut)) {
    let mut out = BytesMut::new();
    write(&mut out);
    let words = async {
        // The peer may be gone already, and that is as good.
        let _ = stream.write_all(&out).await;
        let _ = stream.shutdown().await;
    };
    let _ = tokio::time::timeout(Duration::from_secs(FAREWELL_TIMEOUT_SECONDS), words).await;
}

/// Reads what is there; false if the peer is gone.
async fn fill(reader: &mut ReadHalf<'_>, buffer: &mut BytesMut) -> bool {
    loop {
        if reader.readable().await.is_err() {
            return false;
        }
        // Only now, so that a connection that says nothing holds no memory.
        buffer.reserve(READ_BYTES);
        match reader.try_read_buf(buffer) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}

/// A connection's socket with its buffers and its times.
struct Link<'a> {
    reader: ReadHalf<'a>,
    writer: WriteHalf<'a>,
    buffer: BytesMut,
    out: BytesMut,
    silence: Duration,
    /// When the last whole packet came in, or reading was last held up by us.
    heard: Instant,
    /// When the client last took bytes, or there was nothing to take.
    written: Instant,
}

impl<'a> Link<'a> {
    fn new(stream: &'a mut TcpStream, buffer: BytesMut, keep_alive_seconds: u16) -> Self {
        let (reader, writer) = stream.split();
        // One and a half keep-alive times (MQTT 5 §3.1.2.10).
        let silence = Duration::from_millis(u64::from(keep_alive_seconds) * 1_500);
        let now = Instant::now();
        Self { reader, writer, buffer, out: BytesMut::new(), silence, heard: now, written: now }
    }

    async fn run(mut self, session: &mut Session, shared: &Shared) -> End {
        let mut timer = pin!(tokio::time::sleep(self.silence));
        loop {
            let room = match self.read_packets(session).await {
                Ok(room) => room,
                Err(end) => {
                    self.write_out(session, shared).await;
                    return end;
                }
            };
            // Nothing will say again that there was more than one write takes.
            let mut more = true;
            while more && self.out.is_empty() {
                more = session.client.outbox.take(
                    &shared.topics,
                    shared.queue.counters(),
                    &mut self.out,
                );
                if !self.write_now() {
                    timer.as_mut().reset(self.next_look());
                }
            }
            let outlook = session.client.outbox.outlook();
            match outlook.stop {
                Some(Stop::TakenOver) => return End::TakenOver,
                Some(Stop::Shutdown) if outlook.idle && self.out.is_empty() => {
                    return End::Shutdown;
                }
                _ => {}
            }
            tokio::select! {
                alive = fill(&mut self.reader, &mut self.buffer), if room => {
                    if !alive {
                        return End::Lost;
                    }
                }
                written = self.writer.write_buf(&mut self.out), if !self.out.is_empty() => {
                    if !matches!(written, Ok(1..)) {
                        return End::Lost;
                    }
                    self.written = Instant::now();
                }
                () = session.client.outbox.changed() => {}
                () = &mut timer => {
                    if let Some(end) = self.overdue(room) {
                        return end;
                    }
                    timer.as_mut().reset(self.next_look());
                }
            }
        }
    }

    /// Handles the whole packets in the buffer while there is room; true if there is room for more.
    async fn read_packets(&mut self, session: &mut Session) -> Result<bool, End> {
        loop {
            let outlook = session.client.outbox.outlook();
            if !outlook.room || outlook.stop.is_some() {
                return Ok(false);
            }
            let packet = wire::read_packet(session.level(), &mut self.buffer).map_err(End::Wire)?;
            let Some(packet) = packet else {
                if self.buffer.is_empty() {
                    self.buffer = BytesMut::new();
                }
                return Ok(true);
            };
            session.handle(packet).await?;
            self.heard = Instant::now();
        }
    }

    /// Writes what the socket takes at once; false if something is left.
    fn write_now(&mut self) -> bool {
        self.written = Instant::now();
        while !self.out.is_empty() {
            match self.writer.try_write(&self.out) {
                Ok(bytes @ 1..) => self.out.advance(bytes),
                // Whatever it is, the wait for the socket will say so.
                _ => return false,
            }
        }
        true
    }

    fn overdue(&mut self, room: bool) -> Option<End> {
        let now = Instant::now();
        if !self.out.is_empty() && now >= self.written + Duration::from_secs(WRITE_TIMEOUT_SECONDS)
        {
            return Some(End::Stalled);
        }
        if !room {
            // It may well have spoken; we did not listen.
            self.heard = now;
        }
        (now >= self.heard + self.silence).then_some(End::Silent)
    }

    fn next_look(&self) -> Instant {
        let silent = self.heard + self.silence;
        if self.out.is_empty() {
            return silent;
        }
        silent.min(self.written + Duration::from_secs(WRITE_TIMEOUT_SECONDS))
    }

    /// Before the end: what the client has earned already, without waiting.
    async fn write_out(&mut self, session: &Session, shared: &Shared) {
        session.client.outbox.take(&shared.topics, shared.queue.counters(), &mut self.out);
        let words = async {
            let _ = self.writer.write_all_buf(&mut self.out).await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(FAREWELL_TIMEOUT_SECONDS), words).await;
    }
}
