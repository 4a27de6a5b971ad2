//! The passphrase of a key file: from a file, from the environment, or asked for at the terminal without showing it.

use std::fmt;
use std::io::{IsTerminal, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

/// The environment variable that holds it.
const VARIABLE: &str = "MINGQU_PASSPHRASE";
/// The shortest passphrase of a new key, in characters.
const MIN_CHARS: usize = 8;
/// The longest passphrase, in bytes.
const MAX_BYTES: usize = 1024;
/// How often a passphrase is asked for anew where its repetition was another.
const MAX_TRIES: usize = 3;

/// Where a passphrase comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct PassphraseArgs {
    /// A file whose first line is the key's passphrase. Without it that is `MINGQU_PASSPHRASE` in the environment, or
    /// what is typed at the terminal.
    #[arg(long, env = "MINGQU_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What opens a key file; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

impl AsRef<[u8]> for Passphrase {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

impl Passphrase {
    /// Checks that there is one, and not too long.
    pub fn new(text: String) -> anyhow::Result<Self> {
        match text.len() {
            0 => bail!("the passphrase is empty"),
            1..=MAX_BYTES => Ok(Self(text)),
            _ => bail!("the passphrase is over {MAX_BYTES} bytes"),
        }
    }

    /// Checks that it may keep a new key.
    fn for_new_key(self) -> anyhow::Result<Self> {
        if self.0.chars().count() < MIN_CHARS {
            bail!(
                "the passphrase of a new key has at least {MIN_CHARS} characters: a few words are easy to remember"
            );
        }
        Ok(self)
    }
}

impl PassphraseArgs {
    /// The passphrase of the key in this file.
    pub fn of(&self, key: &Path) -> anyhow::Result<Passphrase> {
        if let Some(given) = self.given()? {
            return Ok(given);
        }
        at_terminal(key)?;
        Passphrase::new(ask(&format!("Passphrase of {}: ", key.display()))?)
    }

    /// A passphrase for the new key in this file; at the terminal it is typed twice.
    pub fn for_new(&self, key: &Path) -> anyhow::Result<Passphrase> {
        if let Some(given) = self.given()? {
            return given.for_new_key();
        }
        at_terminal(key)?;
        for _ in 0..MAX_TRIES {
            let first = ask(&format!("New passphrase for {}: ", key.display()))?;
            let chosen = Passphrase::new(first)?.for_new_key()?;
            if ask("The same again: ")? == chosen.0 {
                return Ok(chosen);
            }
            super::command::tell("those were two different ones");
        }
        bail!("no passphrase was typed twice the same way: nothing was written")
    }

    fn given(&self) -> anyhow::Result<Option<Passphrase>> {
        if let Some(file) = &self.passphrase_file {
            let shown = file.display();
            let text = first_line(file)
                .with_context(|| format!("cannot read the passphrase in {shown}"))?;
            return Passphrase::new(text).with_context(|| shown.to_string()).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(text) => Passphrase::new(text).context(VARIABLE).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => bail!("{VARIABLE} is not UTF-8"),
        }
    }
}

/// What stands before the first line's end; what stands behind it is left alone, as by other programs.
fn first_line(file: &Path) -> anyhow::Result<String> {
    let most = u64::try_from(MAX_BYTES + 2)?;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(most).read_to_end(&mut bytes)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(std::str::from_utf8(line).context("it is not UTF-8")?.to_owned())
}

fn at_terminal(key: &Path) -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    bail!(
        "{} needs a passphrase and nobody is there to ask: give --passphrase-file FILE or {VARIABLE}",
        key.display()
    )
}

fn ask(question: &str) -> anyhow::Result<String> {
    rpassword::prompt_password(question).context("the terminal gave no passphrase")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(content: &[u8]) -> anyhow::Result<Passphrase> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passphrase");
        std::fs::write(&file, content).unwrap();
        PassphraseArgs { passphrase_file: Some(file) }.for_new(Path::new("k.pem"))
    }

    #[test]
    fn a_file_gives_its_first_line() {
        for content in
            [&b"eight characters"[..], b"eight characters\n", b"eight characters\r\nmore\n"]
        {
            assert_eq!(from_file(content).unwrap().as_ref(), b"eight characters");
        }
        assert_eq!(format!("{:?}", from_file(b"eight characters").unwrap()), "Passphrase(..)");
    }

    #[test]
    fn rejects_what_keeps_nothing() {
        for (content, word) in [
            (&b""[..], "is empty"),
            (b"\nsecond line\n", "is empty"),
            (b"seven77", "at least 8 characters"),
            (&[b'a'; 1025], "over 1024 bytes"),
            (&[0xff; 9], "not UTF-8"),
        ] {
            let error = format!("{:#}", from_file(content).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
        let none = PassphraseArgs { passphrase_file: Some("no such file".into()) };
        let error = format!("{:#}", none.of(Path::new("k.pem")).unwrap_err());
        assert!(error.contains("cannot read the passphrase in no such file"), "{error}");
    }
}
