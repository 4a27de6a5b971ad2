//! How the program reaches servers: over HTTP, or over HTTPS to whom a certificate authority vouches for, with a limit on
//! everything that somebody at the other end could draw out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long nothing at all may arrive in the middle of an answer.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest head of an answer.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The longest file of certificate authorities.
const MAX_CA_FILE_BYTES: u64 = 1024 * 1024;

/// Who vouches for servers.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustArgs {
    /// A PEM file of certificate authorities: an https server's certificate must come from one of these and no other.
    /// Without it, those that browsers trust (Mozilla's list as this program was built).
    #[arg(long, env = "MINGQU_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

impl TrustArgs {
    /// Reads the file, if one is named.
    pub fn read(&self) -> anyhow::Result<Trust> {
        Trust::read(self.ca.as_deref())
    }
}

/// The certificate authorities that vouch for servers.
#[derive(Debug, Clone)]
pub struct Trust(RootCerts);

impl Trust {
    /// Those that browsers trust.
    pub const fn of_browsers() -> Self {
        Self(RootCerts::WebPki)
    }

    /// Those in a PEM file, or those that browsers trust where none is named.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::of_browsers()) };
        let shown = file.display();
        let length = std::fs::metadata(file)
            .with_context(|| format!("cannot read the certificate authorities in {shown}"))?
            .len();
        if length > MAX_CA_FILE_BYTES {
            bail!(
                "{shown} has {length} bytes: certificate authorities are read from at most {MAX_CA_FILE_BYTES}"
            );
        }
        let pem = std::fs::read(file)
            .with_context(|| format!("cannot read the certificate authorities in {shown}"))?;
        let mut authorities: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(&pem) {
            match item.with_context(|| format!("{shown} is not PEM"))? {
                PemItem::Certificate(certificate) => authorities.push(certificate),
                _ => bail!(
                    "{shown} holds something else than certificates: give the authorities' certificates alone, and keep private keys elsewhere"
                ),
            }
        }
        if authorities.is_empty() {
            bail!(
                "there is no certificate in {shown}: give a PEM file, which begins with -----BEGIN CERTIFICATE-----"
            );
        }
        Ok(Self(RootCerts::Specific(Arc::new(authorities))))
    }
}

/// How an agent goes about its errands.
#[derive(Debug, Clone, Copy)]
pub struct Conduct {
    /// For a question and its whole answer, redirects included.
    pub within: Duration,
    /// How often it goes where it is sent on to; never from HTTPS to HTTP.
    pub redirects: u32,
    /// Connections that stay open for the next question.
    pub connections: usize,
}

/// An agent for servers at addresses that begin like `base`; a refusal is an answer to it, to be read like any other.
pub fn agent(base: &str, trust: &Trust, conduct: Conduct) -> ureq::Agent {
    let tls = TlsConfig::builder().root_certs(trust.0.clone()).build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .https_only(base.starts_with("https://"))
        .tls_config(tls)
        .max_redirects(conduct.redirects)
        .max_response_header_size(MAX_HEAD_BYTES)
        .max_idle_connections(conduct.connections)
        .max_idle_connections_per_host(conduct.connections)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(STALL_TIMEOUT))
        .timeout_global(Some(conduct.within))
        .build();
    config.into()
}

/// Why the two sides came to no encrypted connection, where that is what failed: another try would end the same.
pub fn mistrust(error: &ureq::Error) -> Option<String> {
    let failed = match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => true,
        // How rustls reports what it read from the other side.
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    };
    failed.then(|| {
        format!(
            "no trusted encrypted connection ({error}): if an authority of your own vouches for the server, name its certificate with --ca FILE"
        )
    })
}

/// Whether somebody means an address and not a folder.
pub fn is_address(place: &str) -> bool {
    place.starts_with("http://") || place.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_files_that_name_no_authority() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let refused = |text: &str| {
            std::fs::write(&file, text).unwrap();
            format!("{:#}", Trust::read(Some(&file)).unwrap_err())
        };
        assert!(refused("").contains("no certificate in"));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(refused(key).contains("something else than certificates"));
        assert!(refused(&" ".repeat(2_000_000)).contains("2000000 bytes"));
        let missing = Trust::read(Some(&folder.path().join("none"))).unwrap_err();
        assert!(format!("{missing:#}").contains("cannot read the certificate authorities"));
    }

    #[test]
    fn an_address_begins_with_its_scheme() {
        assert!(is_address("http://a") && is_address("https://a"));
        assert!(!is_address("httpd-logs") && !is_address("/srv/log"));
    }
}
