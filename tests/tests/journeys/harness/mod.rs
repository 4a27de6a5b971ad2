//! What the journeys run and look through: programs, servers, a seeded die, and waiting.

mod browser;
mod dice;
mod http;
mod mosquitto;
mod port;
mod postgres;
mod program;
mod proxy;
mod tls;
mod wait;
mod webdriver;

pub use browser::Browser;
pub use dice::Dice;
pub use http::{Answer, Site};
pub use mosquitto::Mosquitto;
pub use port::free_port;
pub use postgres::Postgres;
pub use program::{Finished, Program, firmware_sim, mingqu};
pub use proxy::Proxy;
pub use tls::Authority;
pub use wait::{DEADLINE, wait_for, wait_until};

/// The workspace's folder.
pub fn workspace() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A text as Excel saves CSV in China.
pub fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GBK.encode(text).0.into_owned()
}
