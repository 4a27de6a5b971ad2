//! What runs while a publisher lives: its connection, one after another, and its alarm clock.

use std::sync::Arc;

use rumqttc::{AsyncClient, Event, Packet};
use tokio::sync::Semaphore;
use tokio::time::{sleep, sleep_until};

use super::Shared;
use crate::options::{RECONNECT_MAX, RECONNECT_MIN};

/// Sends what was delayed or has no receipt when its time comes.
pub(super) async fn watch_the_time(shared: Arc<Shared>) {
    let mut alarm = shared.alarm.subscribe();
    let mut closing = shared.closing.subscribe();
    while !*closing.borrow_and_update() {
        let due = *alarm.borrow_and_update();
        let wait = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => shared.send_due(&mut shared.state()),
            _ = alarm.changed() => {}
            _ = closing.changed() => {}
        }
    }
}

pub(super) async fn stay_connected(shared: Arc<Shared>, turns: Arc<Semaphore>) {
    let mut closing = shared.closing.subscribe();
    let mut radio = shared.radio.subscribe();
    let mut pause = RECONNECT_MIN;
    while !*closing.borrow_and_update() {
        if !*radio.borrow_and_update() {
            tokio::select! {
                _ = radio.changed() => {}
                _ = closing.changed() => {}
            }
            continue;
        }
        let was_connected = tokio::select! {
            was_connected = connection(&shared, &turns) => was_connected,
            // Nothing is said: the broker has to notice by itself.
            _ = radio.wait_for(|on| !on) => true,
        };
        shared.disconnected();
        pause = if was_connected { RECONNECT_MIN } else { (pause * 2).min(RECONNECT_MAX) };
        tokio::select! {
            () = sleep(pause) => {}
            _ = closing.changed() => {}
        }
    }
}

/// Runs one connection to its end; whether the broker ever accepted it.
async fn connection(shared: &Shared, turns: &Semaphore) -> bool {
    // Nobody closes the semaphore; if somebody did, all would connect at once.
    let mut turn = turns.acquire().await.ok();
    let (client, mut events) = AsyncClient::new(shared.options.mqtt(), shared.options.requests());
    let mut accepted = false;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                accepted = true;
                turn.take();
                shared.connected(client.clone());
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => shared.acknowledged(ack.pkid),
            Ok(Event::Incoming(Packet::Publish(message))) => {
                shared.receipt(&message.topic, &message.payload);
            }
            Ok(Event::Outgoing(rumqttc::Outgoing::Publish(packet))) => shared.wrote(packet),
            Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return accepted,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "the connection to the broker ended");
                return accepted;
            }
        }
    }
}
