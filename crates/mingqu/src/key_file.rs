//! Private keys in files: PKCS#8 PEM (RFC 5958), for their owner alone, as they are or encrypted with a passphrase
//! (PBES2, RFC 8018: scrypt and AES-256-CBC). OpenSSL reads what is written here, and what it writes is read.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use pkcs8::der::{ErrorKind, SecretDocument, pem};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding};
use thiserror::Error;

use crate::passphrase::{Passphrase, PassphraseArgs};

/// The longest key file.
const MAX_FILE_BYTES: u64 = 16 * 1024;
/// The most memory that opening a file may take.
const MAX_SCRYPT_BYTES: u64 = 256 * 1024 * 1024;
/// The most times that scrypt is repeated.
const MAX_SCRYPT_PARALLELIZATION: u16 = 16;
/// The most rounds of PBKDF2.
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

const PLAIN_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// No such file.
    #[error("there is no key file {}: make a key with `mingqu keys new`", .0.display())]
    Missing(PathBuf),
    /// The disk.
    #[error("cannot read the key file {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Over [`MAX_FILE_BYTES`].
    #[error("{} is over {MAX_FILE_BYTES} bytes: it is no key file", .0.display())]
    TooLong(PathBuf),
    /// An unencrypted key that others may read.
    #[error(
        "others may read {path} (mode {mode:03o}), and it is not encrypted: run `chmod 600 {path}`; if somebody may have read it, put a new key in its place with `mingqu keys rotate`", path = .path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// PEM that does not end, or bytes that are not what the PEM says.
    #[error("{} is cut off or damaged ({reason}): restore it from your copy", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another kind of file or key.
    #[error(
        "{} is not an Ed25519 private key in PKCS#8 PEM ({reason}): make one with `mingqu keys new`", .path.display()
    )]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The passphrase does not open it.
    #[error(
        "the passphrase does not open {}: try another. Nobody can recover a lost one; a new key is then enrolled in the place of this one", .0.display()
    )]
    WrongPassphrase(PathBuf),
    /// Encrypted otherwise than is read here.
    #[error(
        "{path} is encrypted in a way that is not read here ({reason}): run `openssl pkcs8 -topk8 -scrypt -in {path} -out NEW`", path = .path.display()
    )]
    OtherEncryption {
        /// The file.
        path: PathBuf,
        /// Which way.
        reason: String,
    },
}

/// A new key from the operating system's randomness.
#[expect(clippy::disallowed_methods, reason = "the program is where keys are drawn")]
pub fn generate() -> anyhow::Result<SigningKey> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the operating system gave no randomness")?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Writes a key to a new file, encrypted if there is a passphrase; never over an existing one. The file is there whole or
/// not at all, for its owner alone from the beginning.
pub fn write_new(
    path: &Path,
    key: &SigningKey,
    passphrase: Option<&Passphrase>,
) -> anyhow::Result<()> {
    // Without the public key beside it (RFC 5958 §2, version 1): OpenSSL reads no other.
    let secret = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
    let pem = match passphrase {
        Some(passphrase) => secret.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
        None => secret.to_pkcs8_pem(LineEnding::LF),
    };
    let pem = pem.context("the key cannot be encoded")?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Mode 0600 on Unix.
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    file.write_all(pem.as_bytes())?;
    file.as_file().sync_all().with_context(|| format!("cannot write {}", path.display()))?;
    file.persist_noclobber(path).map_err(|error| error.error).with_context(|| {
        format!("cannot make the key file {} (is it there already?)", path.display())
    })?;
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a key; asks for its passphrase if it has one.
pub fn read(path: &Path, passphrase: &PassphraseArgs) -> anyhow::Result<SigningKey> {
    let pem = read_text(path)?;
    match pem::decode_label(pem.as_bytes()) {
        Ok(PLAIN_LABEL) => {
            check_for_owner_alone(path)?;
            Ok(plain(path, document(path, &pem)?.as_bytes())?)
        }
        Ok(ENCRYPTED_LABEL) => {
            let document = document(path, &pem)?;
            let encrypted = affordable(path, document.as_bytes())?;
            Ok(decrypted(path, &encrypted, &passphrase.of(path)?)?)
        }
        Ok(other) => {
            let reason = format!("it says {other}");
            Err(KeyFileError::OtherKind { path: path.to_path_buf(), reason }.into())
        }
        Err(error) => Err(not_pem(path, &pem, &error).into()),
    }
}

/// Reads a key of the program itself, or makes it when there is none; such a key is not encrypted, for the program starts
/// without anybody at the terminal.
pub fn read_or_create(path: &Path) -> anyhow::Result<SigningKey> {
    if path.exists() {
        return read(path, &PassphraseArgs::default());
    }
    let key = generate()?;
    write_new(path, &key, None)?;
    Ok(key)
}

fn read_text(path: &Path) -> Result<String, KeyFileError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => KeyFileError::Missing(path.to_path_buf()),
        _ => KeyFileError::Unreadable { path: path.to_path_buf(), source },
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(KeyFileError::TooLong(path.to_path_buf()));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| KeyFileError::OtherKind {
        path: path.to_path_buf(),
        reason: "it is not text".to_owned(),
    })
}

/// What has the beginning of PEM was a key once.
fn not_pem(path: &Path, text: &str, error: &pem::Error) -> KeyFileError {
    let (path, reason) = (path.to_path_buf(), error.to_string());
    if text.starts_with("-----BEGIN ") {
        KeyFileError::Damaged { path, reason }
    } else {
        KeyFileError::OtherKind { path, reason }
    }
}

/// The bytes that the PEM text stands for.
fn document(path: &Path, pem: &str) -> Result<SecretDocument, KeyFileError> {
    SecretDocument::from_pem(pem).map(|(_, document)| document).map_err(|error| {
        KeyFileError::Damaged { path: path.to_path_buf(), reason: error.to_string() }
    })
}

#[cfg(unix)]
fn check_for_owner_alone(path: &Path) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = std::fs::metadata(path)
        .map_err(|source| KeyFileError::Unreadable { path: path.to_path_buf(), source })?;
    let (mode, of_others) = (meta.permissions().mode() & 0o777, 0o077);
    if mode & of_others == 0 {
        return Ok(());
    }
    Err(KeyFileError::OpenToOthers { path: path.to_path_buf(), mode })
}

#[cfg(not(unix))]
fn check_for_owner_alone(_: &Path) -> Result<(), KeyFileError> {
    Ok(())
}

fn plain(path: &Path, der: &[u8]) -> Result<SigningKey, KeyFileError> {
    SigningKey::from_pkcs8_der(der).map_err(|error| {
        let (path, reason) = (path.to_path_buf(), error.to_string());
        match error {
            pkcs8::Error::Asn1(_) => KeyFileError::Damaged { path, reason },
            _ => KeyFileError::OtherKind { path, reason },
        }
    })
}

/// An encrypted key, unless opening it would take more than this machine is to be asked for.
fn affordable<'d>(
    path: &Path,
    der: &'d [u8],
) -> Result<EncryptedPrivateKeyInfoRef<'d>, KeyFileError> {
    let path = path.to_path_buf();
    let encrypted = match EncryptedPrivateKeyInfoRef::try_from(der) {
        Ok(encrypted) => encrypted,
        Err(error) => {
            let reason = error.to_string();
            return Err(match error {
                pkcs8::Error::Asn1(error)
                    if matches!(error.kind(), ErrorKind::OidUnknown { .. }) =>
                {
                    KeyFileError::OtherEncryption { path, reason }
                }
                _ => KeyFileError::Damaged { path, reason },
            });
        }
    };
    let reason = match &encrypted.encryption_algorithm {
        EncryptionScheme::Pbes2(scheme) => too_costly(&scheme.kdf),
        _ => Some("PBES1, which is broken".to_owned()),
    };
    match reason {
        None => Ok(encrypted),
        Some(reason) => Err(KeyFileError::OtherEncryption { path, reason }),
    }
}

fn too_costly(kdf: &Kdf) -> Option<String> {
    match kdf {
        Kdf::Pbkdf2(params) => (params.iteration_count > MAX_PBKDF2_ROUNDS).then(|| {
            format!("{} rounds of PBKDF2, more than {MAX_PBKDF2_ROUNDS}", params.iteration_count)
        }),
        Kdf::Scrypt(params) => {
            let cost = params.cost_parameter;
            let bytes = cost.saturating_mul(u64::from(params.block_size)).saturating_mul(128);
            let fits = cost > 1
                && bytes <= MAX_SCRYPT_BYTES
                && params.parallelization <= MAX_SCRYPT_PARALLELIZATION;
            (!fits).then(|| format!("scrypt over {bytes} bytes, more than {MAX_SCRYPT_BYTES}"))
        }
        _ => Some("another way to make a key of a passphrase than scrypt and PBKDF2".to_owned()),
    }
}

fn decrypted(
    path: &Path,
    encrypted: &EncryptedPrivateKeyInfoRef<'_>,
    passphrase: &Passphrase,
) -> Result<SigningKey, KeyFileError> {
    let opened = encrypted.decrypt(passphrase).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid }) => {
            let reason = format!("algorithm {oid}");
            KeyFileError::OtherEncryption { path: path.to_path_buf(), reason }
        }
        // A wrong passphrase makes of the content what is no key at all.
        _ => KeyFileError::WrongPassphrase(path.to_path_buf()),
    })?;
    plain(path, opened.as_bytes())
}

#[cfg(test)]
mod tests;
