//! A public log that a web server publishes, fetched file by file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use audit::{MAX_FILE_BYTES, Source, SourceError};
use disclosure::bundle::{self, BundleId};
use disclosure::merkle::HASH_BYTES;
use disclosure::tile::{TILE_WIDTH, TileId};

use crate::transport::{self, Conduct, Trust, agent};

/// How often a file is asked for before it counts as unreadable.
const MAX_TRIES: u32 = 4;
/// How many files may stay unreadable before nothing more is asked for: a server that answers with nothing but silence costs
/// minutes for each.
const MAX_UNREADABLE_FILES: usize = 4;
/// How long is waited before the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How a file is asked for: 2 minutes for one try are enough for the longest attachment on a slow line.
const CONDUCT: Conduct = Conduct { within: Duration::from_mins(2), redirects: 3, connections: 16 };

/// A log under an address.
pub struct Remote {
    base: String,
    agent: ureq::Agent,
    unreadable: AtomicUsize,
}

impl Remote {
    /// The log under `base`, like `https://water.example`.
    pub fn new(base: &str, trust: &Trust) -> Self {
        Self::behaving(base, trust, CONDUCT)
    }

    fn behaving(base: &str, trust: &Trust, conduct: Conduct) -> Self {
        let agent = agent(base, trust, conduct);
        let base = base.trim_end_matches('/').to_owned();
        Self { base, agent, unreadable: AtomicUsize::new(0) }
    }

    /// Fetches a file, with some patience; `None` where the server says that there is none.
    fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if self.unreadable.load(Ordering::Relaxed) >= MAX_UNREADABLE_FILES {
            let reason = format!(
                "{} is given up: {MAX_UNREADABLE_FILES} files could not be read before this one",
                self.base
            );
            return Err(SourceError { reason });
        }
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            match self.try_once(path) {
                Ok(body) => return Ok(body),
                Err(Failure::ForGood(reason)) => return Err(SourceError { reason }),
                Err(Failure::ForNow(reason)) if tries >= MAX_TRIES => {
                    self.unreadable.fetch_add(1, Ordering::Relaxed);
                    return Err(SourceError { reason: format!("{reason}, after {tries} tries") });
                }
                Err(Failure::ForNow(_)) => sleep(pause),
            }
            pause *= 2;
            tries += 1;
        }
    }

    fn try_once(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let url = format!("{}/{path}", self.base);
        let mut response = self.agent.get(&url).call().map_err(|error| unreached(&url, error))?;
        let status = response.status();
        if status.as_u16() == 404 || status.as_u16() == 410 {
            return Ok(None);
        }
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Failure::ForNow(format!("{url} answered {status}")));
        }
        if !status.is_success() {
            return Err(Failure::ForGood(format!("{url} answered {status}")));
        }
        let body = response.body_mut().with_config().limit(MAX_FILE_BYTES).read_to_vec();
        match body {
            Ok(body) => Ok(Some(body)),
            Err(ureq::Error::BodyExceedsLimit(limit)) => {
                Err(Failure::ForGood(format!("{url} is longer than {limit} bytes")))
            }
            Err(error) => Err(Failure::ForNow(format!("{url} broke off: {error}"))),
        }
    }
}

/// Why a server was not reached, and whether it is worth another try.
fn unreached(url: &str, error: ureq::Error) -> Failure {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            Failure::ForGood(format!("{url} is not an address: {error}"))
        }
        ureq::Error::TooManyRedirects => Failure::ForGood(format!(
            "{url} sends on more than {} times: give the address where the log itself is",
            CONDUCT.redirects
        )),
        ureq::Error::RequireHttpsOnly(to) => {
            Failure::ForGood(format!("{url} sends on to {to}, which is not encrypted"))
        }
        error => match transport::mistrust(&error) {
            Some(why) => Failure::ForGood(format!("{url}: {why}")),
            None => Failure::ForNow(format!("{url} cannot be reached: {error}")),
        },
    }
}

/// Why a try gave no file.
enum Failure {
    /// Another try may.
    ForNow(String),
    /// Another try will not.
    ForGood(String),
}

impl Source for Remote {
    /// A log that goes on growing may have dropped a partial tile or bundle for the full one: its beginning is the same.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if let Some(bytes) = self.fetch(path)? {
            return Ok(Some(bytes));
        }
        let Some(full) = path.split_once(".p/").map(|(full, _)| full) else { return Ok(None) };
        Ok(self.fetch(full)?.and_then(|bytes| beginning(path, &bytes)))
    }

    fn each(&self, _: &mut dyn FnMut(&str)) -> Result<(), SourceError> {
        Ok(())
    }
}

/// The partial tile or bundle at `path` out of the full one.
fn beginning(path: &str, full: &[u8]) -> Option<Vec<u8>> {
    if let Ok(id) = TileId::from_path(path) {
        return full.get(..usize::from(id.width()) * HASH_BYTES).map(<[u8]>::to_vec);
    }
    let id = BundleId::from_path(path).ok()?;
    let entries = bundle::decode_as(BundleId::new(id.index(), TILE_WIDTH).ok()?, full).ok()?;
    bundle::encode(entries.get(..usize::from(id.width()))?).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_beginning_of_a_full_tile_or_bundle_is_the_partial_one() {
        let hashes: Vec<u8> = (0..=255_u8).flat_map(|n| [n; 32]).collect();
        assert_eq!(beginning("tile/0/000.p/2", &hashes).unwrap(), hashes[..64]);
        let entries: Vec<Vec<u8>> = (0..=255_u8).map(|n| vec![n; 3]).collect();
        let full = bundle::encode(&entries).unwrap();
        let partial = bundle::encode(&entries[..7]).unwrap();
        assert_eq!(beginning("tile/entries/000.p/7", &full).unwrap(), partial);
        assert_eq!(beginning("tile/entries/000.p/7", &full[1..]), None);
        assert_eq!(beginning("attachments/a.p/7", &full), None);
    }

    /// A server that writes this to whoever asks, and then holds the connection open; its address.
    fn server(answering: impl Fn(&mut TcpStream) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.read(&mut [0; 4096]);
                answering(&mut stream);
                open.push(stream);
            }
        });
        address
    }

    fn refused(base: &str) -> String {
        let brief = Conduct { within: Duration::from_millis(300), ..CONDUCT };
        Remote::behaving(base, &Trust::of_browsers(), brief).read("checkpoint").unwrap_err().reason
    }

    #[test]
    fn a_server_that_never_answers_or_never_ends_is_left_in_time() {
        let silent = refused(&server(|_| {}));
        assert!(silent.contains("after 4 tries"), "{silent}");
        // The head, and then a byte now and then for ever.
        let trickling = refused(&server(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            let mut stream = stream.try_clone().unwrap();
            std::thread::spawn(move || {
                while stream.write_all(b"x").is_ok() {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            });
        }));
        assert!(
            trickling.contains("broke off") && trickling.contains("after 4 tries"),
            "{trickling}"
        );
    }

    #[test]
    fn a_server_of_which_nothing_can_be_read_is_given_up() {
        let brief = Conduct { within: Duration::from_millis(100), ..CONDUCT };
        let remote = Remote::behaving(&server(|_| {}), &Trust::of_browsers(), brief);
        std::thread::scope(|scope| {
            for _ in 0..MAX_UNREADABLE_FILES {
                scope.spawn(|| assert!(remote.read("tile/0/000").is_err()));
            }
        });
        let reason = remote.read("checkpoint").unwrap_err().reason;
        assert!(reason.contains("is given up: 4 files could not be read"), "{reason}");
    }

    #[test]
    fn rejects_a_file_without_end() {
        let endless = server(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            let mut stream = stream.try_clone().unwrap();
            std::thread::spawn(move || while stream.write_all(&[b'x'; 8_192]).is_ok() {});
        });
        let reason = Remote::new(&endless, &Trust::of_browsers()).read("checkpoint").unwrap_err();
        assert!(reason.reason.contains("is longer than 67108864 bytes"), "{reason}");
    }

    #[test]
    fn rejects_a_head_without_end_and_a_ring_of_redirects() {
        let endless = refused(&server(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            let mut stream = stream.try_clone().unwrap();
            std::thread::spawn(move || while stream.write_all(b"X-More: and more\r\n").is_ok() {});
        }));
        assert!(endless.contains("cannot be reached"), "{endless}");
        let ring = refused(&server(|stream| {
            let _ = stream.write_all(
                b"HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }));
        assert!(ring.contains("sends on more than 3 times"), "{ring}");
    }

    #[test]
    fn nobody_listens_is_said_after_some_tries() {
        let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Remote::new(&format!("http://{unused}/"), &Trust::of_browsers())
            .read("checkpoint")
            .unwrap_err();
        assert!(error.reason.contains("/checkpoint cannot be reached"), "{error}");
        assert!(error.reason.contains("4 tries"), "{error}");
    }
}
