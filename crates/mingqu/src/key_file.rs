//! Private keys in files: PKCS#8 PEM (RFC 5958), readable by their owner alone.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding,
};

/// A new key from the operating system's randomness.
#[expect(clippy::disallowed_methods, reason = "the program is where keys are drawn")]
pub fn generate() -> anyhow::Result<SigningKey> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the operating system gave no randomness")?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Writes a key to a new file; never over an existing one.
pub fn write_new(path: &Path, key: &SigningKey) -> anyhow::Result<()> {
    // Without the public key beside it (RFC 5958 §2, version 1): OpenSSL reads no other.
    let secret = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
    let pem = secret.to_pkcs8_pem(LineEnding::LF).context("the key cannot be encoded")?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| {
        format!("cannot make the key file {} (is it there already?)", path.display())
    })?;
    file.write_all(pem.as_bytes())?;
    file.sync_all().with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a key.
pub fn read(path: &Path) -> anyhow::Result<SigningKey> {
    let pem = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the key file {}", path.display()))?;
    match SigningKey::from_pkcs8_pem(&pem) {
        Ok(key) => Ok(key),
        Err(error) => bail!(
            "{} is not an Ed25519 private key in PKCS#8 PEM ({error}): make one with `mingqu keys new`",
            path.display()
        ),
    }
}

/// Reads a key, or makes it when there is none.
pub fn read_or_create(path: &Path) -> anyhow::Result<SigningKey> {
    if path.exists() {
        return read(path);
    }
    let key = generate()?;
    write_new(path, &key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.pem");
        let key = generate().unwrap();
        write_new(&path, &key).unwrap();
        assert_eq!(read(&path).unwrap().to_bytes(), key.to_bytes());
        assert!(write_new(&path, &key).is_err());
        // The DER's start: version 1, Ed25519, 32 bytes and nothing behind them.
        assert!(std::fs::read_to_string(&path).unwrap().contains("\nMC4CAQAwBQYDK2VwBCIEI"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.pem");
        read_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn rejects_what_is_not_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.pem");
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("mingqu keys new"));
    }
}
