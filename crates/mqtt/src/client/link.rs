//! The socket to the broker with its buffers: whole packets in, bytes out.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::BrokerConfig;
use super::wire::{self, Granted, Packet, Reader, WireError};
use crate::Level;

const CONNECT_TIMEOUT_SECONDS: u64 = 10;
const WRITE_TIMEOUT_SECONDS: u64 = 10;
const READ_BYTES: usize = 64 * 1024;

/// Why a connection is gone.
#[derive(Debug, Error)]
pub(super) enum Lost {
    #[error("the network connection failed: {0}")]
    Network(#[from] io::Error),
    #[error("the broker closed the connection")]
    Closed,
    #[error(
        "the broker did not answer within {CONNECT_TIMEOUT_SECONDS} seconds: is this its port, and one without TLS?"
    )]
    NoAnswer,
    #[error("the broker took nothing for {WRITE_TIMEOUT_SECONDS} seconds")]
    Stalled,
    #[error("the broker said nothing, not even to a ping")]
    Silent,
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the broker refuses the connection with code {code:#04x}: {}", refusal_words(*code))]
    Refused { code: u8 },
    #[error(
        "the broker refuses the subscription with code {code:#04x}: allow this client to read …/report and …/status"
    )]
    Unsubscribed { code: u8 },
    #[error("the broker ended the connection with reason {reason:#04x}{}", goodbye_words(*reason))]
    Goodbye { reason: u8 },
}

/// Codes of CONNACK: below 0x80 those of MQTT 3.1.1 (§3.2.2.3), above those of MQTT 5 (§3.2.2.2).
fn refusal_words(code: u8) -> &'static str {
    match code {
        0x01 | 0x84 => "it does not speak this version of MQTT, choose the other one",
        0x02 | 0x85 => "it does not take the client id",
        0x04 | 0x05 | 0x86 | 0x87 => "it does not take the login, check user and password",
        0x03 | 0x88 | 0x89 => "it is not available now",
        _ => "see the broker's log",
    }
}

fn goodbye_words(reason: u8) -> &'static str {
    match reason {
        0x8e => ": another server uses the same client id, give each its own",
        _ => "",
    }
}

/// One network connection to the broker.
pub(super) struct Link {
    stream: TcpStream,
    reader: Reader,
    /// What is to be written next.
    pub(super) out: BytesMut,
}

impl Link {
    /// Connects and waits until the broker has accepted.
    pub(super) async fn open(config: &BrokerConfig) -> Result<(Self, Granted), Lost> {
        let limit = Duration::from_secs(CONNECT_TIMEOUT_SECONDS);
        tokio::time::timeout(limit, Self::shake_hands(config)).await.map_err(|_| Lost::NoAnswer)?
    }

    async fn shake_hands(config: &BrokerConfig) -> Result<(Self, Granted), Lost> {
        let stream = TcpStream::connect((config.host.as_str(), config.port)).await?;
        // Acknowledgements are small and awaited; a failure only costs time.
        let _ = stream.set_nodelay(true);
        let reader = Reader::new(config.protocol);
        let mut link = Self { stream, reader, out: BytesMut::new() };
        wire::write_connect(config, &mut link.out);
        link.flush().await?;
        match link.next().await? {
            Packet::Connected(Ok(granted)) => Ok((link, granted)),
            Packet::Connected(Err(code)) => Err(Lost::Refused { code }),
            _ => Err(Lost::Wire(WireError("the first packet is not CONNACK"))),
        }
    }

    pub(super) fn level(&self) -> Level {
        self.reader.level()
    }

    /// The next packet. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Packet, Lost> {
        loop {
            if let Some(packet) = self.reader.next()? {
                return Ok(packet);
            }
            self.stream.readable().await?;
            self.reader.buffer.reserve(READ_BYTES);
            match self.stream.try_read_buf(&mut self.reader.buffer) {
                Ok(0) => return Err(Lost::Closed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all of [`Link::out`].
    pub(super) async fn flush(&mut self) -> Result<(), Lost> {
        let limit = Duration::from_secs(WRITE_TIMEOUT_SECONDS);
        let written = tokio::time::timeout(limit, self.stream.write_all_buf(&mut self.out)).await;
        Ok(written.map_err(|_| Lost::Stalled)??)
    }
}
