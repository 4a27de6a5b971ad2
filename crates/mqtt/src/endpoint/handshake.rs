//! CONNECT: who is it, on which terms, and who had the name before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;

use super::Shared;
use super::directory::Client;
use super::outbox::Outbox;
use super::wire::{self, Connect, Level, Refuse, Will};
use crate::{Incoming, Refusal, TopicError, refused, status};

const MAX_CLIENT_ID_BYTES: usize = 128;
/// The keep-alive time of a client that names none, in seconds.
const DEFAULT_KEEP_ALIVE_SECONDS: u16 = 3_600;

/// What was agreed on.
pub(super) struct Agreed {
    pub(super) client: Arc<Client>,
    pub(super) level: Level,
    pub(super) keep_alive_seconds: u16,
}

/// Judges a CONNECT and writes the answer; on success the client is in the directory, and whoever had its id before
/// has been told to go and its last will carried out.
pub(super) fn agree(
    shared: &Shared,
    connect: Connect,
    out: &mut BytesMut,
) -> Result<Agreed, Refusal> {
    let level = connect.level;
    if let Err((code, reason)) = judge(shared, &connect) {
        wire::write_refused(level, code, out);
        return Err(reason);
    }
    let assigned = connect.client_id.is_empty().then(assigned_id);
    let imposed = (connect.keep_alive_seconds == 0).then_some(DEFAULT_KEEP_ALIVE_SECONDS);
    wire::write_connected(level, assigned.as_deref(), imposed, out);
    let client = Arc::new(Client::new(
        assigned.unwrap_or(connect.client_id),
        Outbox::new(level, connect.receive_max, connect.max_packet_bytes),
        connect.will,
    ));
    if let Some(older) = shared.directory.enter(&client)
        && let Some(will) = older.take_will()
    {
        // Before the newer connection can say that it is online.
        carry_out(shared, &will);
    }
    let keep_alive_seconds = imposed.unwrap_or(connect.keep_alive_seconds);
    Ok(Agreed { client, level, keep_alive_seconds })
}

/// Carries out a last will: a device status, or nothing.
pub(super) fn carry_out(shared: &Shared, will: &Will) {
    if let Ok(Incoming::Status { meter }) = shared.topics.incoming(&will.topic)
        && let Err(error) = status::take(&shared.statuses, meter.clone(), &will.payload)
    {
        shared.refuse(Refusal::Status);
        let line = refused::status(meter.as_str(), &will.topic, &will.payload, error);
        shared.queue.keep_apart(line);
    }
}

fn judge(shared: &Shared, connect: &Connect) -> Result<(), (Refuse, Refusal)> {
    let id = &connect.client_id;
    let nameless = id.is_empty() && connect.level == Level::V4 && !connect.clean;
    if nameless || id.len() > MAX_CLIENT_ID_BYTES {
        return Err((Refuse::ClientId, Refusal::Client));
    }
    if connect.wants_auth {
        return Err((Refuse::Auth, Refusal::Client));
    }
    if let Some(will) = &connect.will {
        if will.qos2 {
            return Err((Refuse::Qos2, Refusal::Qos2));
        }
        let misplaced = match shared.topics.incoming(&will.topic) {
            Ok(Incoming::Status { .. }) => None,
            Ok(Incoming::Report { .. } | Incoming::Foreign) => Some(TopicError::Will),
            Err(error) => Some(error),
        };
        if let Some(error) = misplaced {
            shared.queue.keep_apart(refused::misplaced(id, &will.topic, &will.payload, error));
            return Err((Refuse::Will, Refusal::Topic));
        }
    }
    Ok(())
}

/// A client id for a client that has none; no meter's id contains the character.
fn assigned_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("nameless:{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
