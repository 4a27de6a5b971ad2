//! The commands, one a file.

pub mod archive;
pub mod audit;
pub mod bench;
pub mod demo;
pub mod import;
pub mod init;
pub mod keys;
pub mod log;
mod log_copy;
mod log_export;
pub mod log_folder;
pub mod rating;
pub mod serve;
pub mod sign;
pub mod tariff;
pub mod verify;
pub mod witness;

use std::io::Write;

/// Writes a command's data to stdout; a reader that has gone away is no failure.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tells the person at the terminal something, on stderr.
pub fn tell(text: &str) {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
