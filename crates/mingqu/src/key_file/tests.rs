use std::process::{Command, Output};

use pkcs8::pkcs5::pbes2::{Pbkdf2Params, ScryptParams};

use super::*;

/// A folder for key files, and a file whose first line is the passphrase.
struct Desk {
    folder: tempfile::TempDir,
    passphrase: PassphraseArgs,
}

const WORDS: &str = "渠水 clear as day";

impl Desk {
    fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passphrase");
        std::fs::write(&file, format!("{WORDS}\n")).unwrap();
        Self { folder, passphrase: PassphraseArgs { passphrase_file: Some(file) } }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is written here, for its owner alone.
    fn written(&self, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file("written.pem");
        std::fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }

    #[track_caller]
    fn refused(&self, content: impl AsRef<[u8]>) -> String {
        read(&self.written(content), &self.passphrase).unwrap_err().to_string()
    }
}

fn words() -> Passphrase {
    Passphrase::new(WORDS.to_owned()).unwrap()
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

/// OpenSSL, which the tests need as they need a broker.
#[track_caller]
fn openssl(arguments: &[&str]) -> Output {
    let output = Command::new("openssl")
        .args(arguments)
        .env("WORDS", WORDS)
        .output()
        .unwrap_or_else(|error| panic!("install the package openssl: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The public half as the last 32 bytes of what OpenSSL makes of a private key.
#[track_caller]
fn public_by_openssl(path: &Path) -> Vec<u8> {
    let path = path.to_str().unwrap();
    let der = openssl(&["pkey", "-in", path, "-passin", "env:WORDS", "-pubout", "-outform", "DER"]);
    der.stdout[der.stdout.len() - 32..].to_vec()
}

#[test]
fn a_key_reads_back_and_is_never_overwritten() {
    let desk = Desk::set();
    for (name, passphrase) in [("plain.pem", None), ("encrypted.pem", Some(words()))] {
        let (path, key) = (desk.file(name), generate().unwrap());
        write_new(&path, &key, passphrase.as_ref()).unwrap();
        assert_eq!(read(&path, &desk.passphrase).unwrap().to_bytes(), key.to_bytes());
        let before = std::fs::read(&path).unwrap();
        assert!(write_new(&path, &key, passphrase.as_ref()).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    // The DER's start: version 1, Ed25519, 32 bytes and nothing behind them.
    let plain = std::fs::read_to_string(desk.file("plain.pem")).unwrap();
    assert!(plain.contains("\nMC4CAQAwBQYDK2VwBCIEI"));
    let encrypted = std::fs::read_to_string(desk.file("encrypted.pem")).unwrap();
    assert!(encrypted.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    // Nothing is left of how they were written.
    assert_eq!(std::fs::read_dir(desk.folder.path()).unwrap().count(), 3);
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::set();
    let path = desk.file("one.pem");
    read_or_create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn openssl_reads_what_is_written_here() {
    let desk = Desk::set();
    for (name, passphrase) in [("plain.pem", None), ("encrypted.pem", Some(words()))] {
        let (path, key) = (desk.file(name), generate().unwrap());
        write_new(&path, &key, passphrase.as_ref()).unwrap();
        assert_eq!(public_by_openssl(&path), key.verifying_key().to_bytes());
    }
}

#[test]
fn what_openssl_writes_is_read() {
    let desk = Desk::set();
    let made = desk.file("made.pem");
    let made = made.to_str().unwrap();
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", made]);
    let public = public_by_openssl(Path::new(made));
    for (name, how) in [
        ("pbkdf2.pem", &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "100000"][..]),
        ("sha512.pem", &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"]),
        ("scrypt.pem", &["-scrypt"]),
    ] {
        let path = desk.file(name);
        let out = path.to_str().unwrap();
        let convert = ["pkcs8", "-topk8", "-in", made, "-out", out, "-passout", "env:WORDS"];
        openssl(&[&convert, how].concat());
        let key = read(&path, &desk.passphrase).unwrap();
        assert_eq!(key.verifying_key().to_bytes().as_slice(), public, "{name}");
    }
    let generated = desk.file("generated.pem");
    let out = generated.to_str().unwrap();
    openssl(&[
        "genpkey",
        "-algorithm",
        "ed25519",
        "-aes-256-cbc",
        "-pass",
        "env:WORDS",
        "-out",
        out,
    ]);
    let key = read(&generated, &desk.passphrase).unwrap();
    assert_eq!(key.verifying_key().to_bytes().as_slice(), public_by_openssl(&generated));
}

#[test]
fn rejects_another_passphrase() {
    let desk = Desk::set();
    let path = desk.file("one.pem");
    let other = Passphrase::new("something else".to_owned()).unwrap();
    write_new(&path, &generate().unwrap(), Some(&other)).unwrap();
    let error = read(&path, &desk.passphrase).unwrap_err().to_string();
    assert!(error.contains("does not open"), "{error}");
}

#[test]
fn rejects_a_missing_file() {
    let desk = Desk::set();
    let error = read(&desk.file("none.pem"), &desk.passphrase).unwrap_err().to_string();
    assert!(error.contains("mingqu keys new"), "{error}");
}

#[test]
fn rejects_a_file_that_was_cut_off() {
    let desk = Desk::set();
    for (name, passphrase) in [("plain.pem", None), ("encrypted.pem", Some(words()))] {
        let path = desk.file(name);
        write_new(&path, &generate().unwrap(), passphrase.as_ref()).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let (head, foot) = (whole.lines().next().unwrap(), whole.lines().last().unwrap());
        let half = &whole[..whole.len() / 2];
        assert!(desk.refused(half).contains("cut off or damaged"), "{name}");
        // The end is there, and a piece of the middle is not.
        let body: String = whole.lines().skip(1).take_while(|line| *line != foot).collect();
        let shorter = format!("{head}\n{}\n{foot}\n", &body[..32]);
        assert!(desk.refused(shorter).contains("cut off or damaged"), "{name}");
    }
}

#[test]
fn rejects_what_is_not_a_key() {
    let desk = Desk::set();
    for (content, word) in [
        (&b"hello"[..], "PKCS#8 PEM"),
        (&[0xff, 0xfe], "not text"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "it says PUBLIC KEY"),
    ] {
        let error = desk.refused(content);
        assert!(error.contains(word) && error.contains("mingqu keys new"), "{error}");
    }
    assert!(desk.refused(vec![b'a'; 20_000]).contains("over 16384 bytes"));
}

#[test]
fn rejects_a_key_of_another_kind() {
    let desk = Desk::set();
    let made = desk.file("p256.pem");
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let out = ["-out", made.to_str().unwrap()];
    openssl(&[&["genpkey"][..], &curve, &out].concat());
    let error = read(&made, &desk.passphrase).unwrap_err().to_string();
    assert!(error.contains("not an Ed25519 private key"), "{error}");
}

#[cfg(unix)]
#[test]
fn rejects_a_plain_key_that_others_may_read() {
    let desk = Desk::set();
    let (plain, encrypted) = (desk.file("plain.pem"), desk.file("encrypted.pem"));
    write_new(&plain, &generate().unwrap(), None).unwrap();
    write_new(&encrypted, &generate().unwrap(), Some(&words())).unwrap();
    for path in [&plain, &encrypted] {
        set_mode(path, 0o640);
    }
    let error = read(&plain, &desk.passphrase).unwrap_err().to_string();
    assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
    // Its passphrase keeps the other one.
    read(&encrypted, &desk.passphrase).unwrap();
}

#[test]
fn rejects_encryption_that_is_broken_or_costs_too_much() {
    let desk = Desk::set();
    let made = desk.file("made.pem");
    let made = made.to_str().unwrap();
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", made]);
    let path = desk.file("encrypted.pem");
    let out = ["-out", path.to_str().unwrap(), "-passout", "env:WORDS"];
    openssl(&[&["pkcs8", "-topk8", "-v2", "des3", "-in", made][..], &out].concat());
    let error = read(&path, &desk.passphrase).unwrap_err().to_string();
    assert!(error.contains("openssl pkcs8 -topk8 -scrypt"), "{error}");

    let rounds = |rounds| Kdf::Pbkdf2(Pbkdf2Params::hmac_sha256(rounds, &[1; 16]).unwrap());
    assert!(too_costly(&rounds(600_000)).is_none());
    assert!(too_costly(&rounds(20_000_000)).unwrap().contains("20000000 rounds"));
    for cost in [0, 1, 1 << 40] {
        let params = ScryptParams {
            salt: [1_u8; 16][..].try_into().unwrap(),
            cost_parameter: cost,
            block_size: 8,
            parallelization: 1,
            key_length: None,
        };
        assert!(too_costly(&Kdf::Scrypt(params)).is_some(), "{cost}");
    }
}
