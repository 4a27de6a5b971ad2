//! `mingqu keys`: keys for people.

use std::path::PathBuf;

use clap::Subcommand;
use disclosure::key::PublicKey;

use super::print;
use crate::{Verdict, key_file};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new key; its private half goes to FILE and nowhere else.
    New {
        /// The file to write, PKCS#8 PEM.
        file: PathBuf,
    },
    /// Print the public half of a key.
    Show {
        /// The key's file.
        file: PathBuf,
    },
}

/// Prints the public key and its fingerprint as JSON.
pub fn run(command: &KeysCommand) -> anyhow::Result<Verdict> {
    let key = match command {
        KeysCommand::New { file } => {
            let key = key_file::generate()?;
            key_file::write_new(file, &key)?;
            key
        }
        KeysCommand::Show { file } => key_file::read(file)?,
    };
    let key = PublicKey::of(&key);
    let shown =
        serde_json::json!({ "key": key.to_hex(), "fingerprint": key.fingerprint().to_hex() });
    print(&serde_json::to_string_pretty(&shown)?)?;
    Ok(Verdict::Good)
}
