//! Randomness as an argument.

use thiserror::Error;

/// Draws what nobody can guess. The programs hand in the operating system's, a test one of its own.
pub trait Randomness: Send + Sync + 'static {
    /// 32 bytes that nobody can guess and that are never drawn again.
    fn draw(&self) -> Result<[u8; 32], NoRandomness>;
}

/// There is nothing to draw from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no randomness can be drawn: the server needs the operating system's to begin a session")]
pub struct NoRandomness;

/// Where none was handed in.
pub(crate) struct Nothing;

impl Randomness for Nothing {
    fn draw(&self) -> Result<[u8; 32], NoRandomness> {
        Err(NoRandomness)
    }
}
