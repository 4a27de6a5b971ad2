//! `mingqu keys`: keys for people.

mod rotate;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use disclosure::key::PublicKey;
use ed25519_dalek::SigningKey;

use super::{print, tell};
use crate::passphrase::PassphraseArgs;
use crate::{Verdict, key_file};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new key; its private half goes to FILE and nowhere else.
    New {
        /// The file to write: PKCS#8 PEM, encrypted with a passphrase.
        file: PathBuf,
        #[command(flatten)]
        keeping: Keeping,
    },
    /// Print the public half of a key.
    Show {
        /// The key's file.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Put a new key in the place of an enrolled one of yours: both sign the statement that says so, and it is handed in.
    Rotate(rotate::RotateArgs),
}

/// How a new key is kept.
#[derive(Debug, Args)]
pub struct Keeping {
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Write the key unencrypted: whoever reads the file signs in your name. For a machine that signs by itself.
    #[arg(long)]
    no_passphrase: bool,
}

/// Prints the public key and its fingerprint as JSON.
pub fn run(command: &KeysCommand) -> anyhow::Result<Verdict> {
    let key = match command {
        KeysCommand::New { file, keeping } => new_key(file, keeping)?,
        KeysCommand::Show { file, passphrase } => key_file::read(file, passphrase)?,
        KeysCommand::Rotate(args) => return rotate::run(args),
    };
    let key = PublicKey::of(&key);
    let shown =
        serde_json::json!({ "key": key.to_hex(), "fingerprint": key.fingerprint().to_hex() });
    print(&serde_json::to_string_pretty(&shown)?)?;
    Ok(Verdict::Good)
}

/// Makes a key in a file that is not there yet.
fn new_key(file: &Path, keeping: &Keeping) -> anyhow::Result<SigningKey> {
    if file.exists() {
        // Said before anybody thinks of a passphrase; writing makes sure of it.
        anyhow::bail!(
            "{} is there already, and a key is never overwritten: name another file",
            file.display()
        );
    }
    let key = key_file::generate()?;
    if keeping.no_passphrase {
        key_file::write_new(file, &key, None)?;
        let file = file.display();
        tell(&format!("{file} is not encrypted: whoever reads it signs in your name"));
    } else {
        let passphrase = keeping.passphrase.for_new(file)?;
        key_file::write_new(file, &key, Some(&passphrase))?;
    }
    Ok(key)
}
