//! HTTPS as a proxy on the station's machine would speak it: a certificate authority of its own, and servers on 127.0.0.1 that it
//! vouches for.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// The longest request that is passed on.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Answers the bytes of a request with the bytes of a response that closes the connection.
type Answering = dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync;

/// A certificate authority and what it vouches for.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    /// Makes one with OpenSSL.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mingqu-authority-").tempdir().unwrap();
        let authority = Self { folder };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        let own =
            ["-x509", "-subj", "/CN=Qinghe test authority", "-keyout", "ca.key", "-out", "ca.pem"];
        authority.openssl(&[&["req"][..], &key, &own].concat());
        let server = ["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
        authority.openssl(&[&["req"][..], &key, &server].concat());
        let names = "subjectAltName = IP:127.0.0.1, DNS:localhost\n";
        std::fs::write(authority.file("names"), names).unwrap();
        authority.openssl(&[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "server.pem",
        ]);
        authority
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// An https address behind which a server stands that is reached over http at `base`.
    pub fn in_front_of(&self, base: &str) -> String {
        let upstream = base.strip_prefix("http://").unwrap().to_owned();
        self.serve(Arc::new(move |request| {
            let mut stream = TcpStream::connect(&upstream).unwrap();
            stream.write_all(&closing(&request)).unwrap();
            let mut response = Vec::new();
            stream.read_to_end(&mut response).unwrap();
            response
        }))
    }

    /// An https address that sends everybody on to the same path at `base`.
    pub fn sending_on_to(&self, base: &str) -> String {
        let base = base.to_owned();
        self.serve(Arc::new(move |request| {
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap();
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {base}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .into_bytes()
        }))
    }

    /// Serves until the test's process ends.
    fn serve(&self, answering: Arc<Answering>) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let config = Arc::new(self.config());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, answering) = (Arc::clone(&config), Arc::clone(&answering));
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    let mut stream = StreamOwned::new(connection, stream);
                    // Whoever does not trust the certificate leaves.
                    let Some(request) = read_request(&mut stream) else { return };
                    if stream.write_all(&answering(request)).is_ok() {
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        address
    }

    fn config(&self) -> ServerConfig {
        let certificate = CertificateDer::from_pem_file(self.file("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.file("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &[&str]) {
        run_openssl(self.folder.path(), arguments);
    }
}

fn run_openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("install the package openssl: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A request with its body; none where the client leaves before.
fn read_request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(whole) = length(&request)
            && request.len() >= whole
        {
            return Some(request);
        }
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&piece[..read]);
        assert!(request.len() <= MAX_REQUEST_BYTES);
    }
}

/// How long a request is, once its head is there.
fn length(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let body = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(end + body.map_or(0, |length| length.trim().parse::<usize>().unwrap()))
}

/// The same request by a client that asks no further.
fn closing(request: &[u8]) -> Vec<u8> {
    let first = request.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
    [&request[..first], b"Connection: close\r\n", &request[first..]].concat()
}
