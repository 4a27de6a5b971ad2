//! What stands between a browser and its server: it can go away, remember what passed, and lie.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::http::Site;

const TIMEOUT: Duration = Duration::from_secs(30);
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What becomes of an answer's body: by the request's path and the true body; none leaves it as it is.
type Lie = Box<dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + Send>;

/// A request that went through.
#[derive(Debug, Clone)]
pub struct Passed {
    pub method: String,
    pub path: String,
    pub body: Vec<u8>,
}

/// HTTP on a port of its own, before one server; gone when dropped.
pub struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    reception: AtomicBool,
    ended: AtomicBool,
    passed: Mutex<Vec<Passed>>,
    lie: Mutex<Option<Lie>>,
}

impl Proxy {
    pub fn before(site: &Site) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            server: site.base().trim_start_matches("http://").to_owned(),
            reception: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            passed: Mutex::default(),
            lie: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if own.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (own, connection) = (Arc::clone(&own), connection.unwrap());
                // Without reception the connection just ends; so it does when either side goes away.
                std::thread::spawn(move || own.pass(connection).ok());
            }
        });
        Self { address, shared }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether anything gets through from now on.
    pub fn set_reception(&self, reception: bool) {
        self.shared.reception.store(reception, Ordering::SeqCst);
    }

    /// From now on answers are changed so.
    pub fn lies(&self, lie: impl Fn(&str, &[u8]) -> Option<Vec<u8>> + Send + 'static) {
        *self.shared.lie.lock().unwrap() = Some(Box::new(lie));
    }

    /// What was sent to the server in `POST` requests so far.
    pub fn posted(&self) -> Vec<Passed> {
        let passed = self.shared.passed.lock().unwrap();
        passed.iter().filter(|request| request.method == "POST").cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn pass(&self, mut browser: TcpStream) -> std::io::Result<()> {
        if !self.reception.load(Ordering::SeqCst) {
            return Ok(());
        }
        browser.set_read_timeout(Some(TIMEOUT))?;
        let (head, body) = read_request(&mut browser)?;
        let mut line = head.split(' ');
        let [method, path] =
            [line.next(), line.next()].map(|word| word.unwrap_or_default().to_owned());
        let mut server = TcpStream::connect(&self.server)?;
        server.set_read_timeout(Some(TIMEOUT))?;
        // One request a connection, and nothing compressed.
        let kept = head.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            name != "connection" && name != "accept-encoding" && !line.is_empty()
        });
        let head: String = kept.flat_map(|line| [line, "\r\n"]).collect();
        server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        server.write_all(&body)?;
        self.passed.lock().unwrap().push(Passed { method, path: path.clone(), body });
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        browser.write_all(&self.told(&path, answer))
    }

    fn told(&self, path: &str, answer: Vec<u8>) -> Vec<u8> {
        let lie = self.lie.lock().unwrap();
        let Some(end) = find(&answer, HEAD_END) else { return answer };
        let (head, body) = answer.split_at(end + HEAD_END.len());
        let Some(other) = lie.as_ref().and_then(|lie| lie(path, body)) else { return answer };
        let head = String::from_utf8_lossy(head);
        let kept = head
            .trim_end()
            .lines()
            .filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
        // A liar has everything that it tells of.
        let kept = ["HTTP/1.1 200 OK"].into_iter().chain(kept.skip(1));
        let head: String = kept.flat_map(|line| [line, "\r\n"]).collect();
        let mut told = format!("{head}Content-Length: {}\r\n\r\n", other.len()).into_bytes();
        told.extend(other);
        told
    }
}

fn read_request(from: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = find(&bytes, HEAD_END) else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let body = &bytes[end + HEAD_END.len()..];
        if body.len() >= length.unwrap_or(0) {
            return Ok((head, body.to_vec()));
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
