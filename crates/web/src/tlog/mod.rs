//! The public log over HTTP, as C2SP tlog-tiles lays it out, with its attachments and receipts.
//!
//! These addresses are for programs: errors are plain text. Full tiles and attachments never
//! change and may be kept for ever; the checkpoint must be asked for each time.

mod attachment;
mod checkpoint;
mod entry;
mod tile;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use service::{ErrorClass, ServiceError};

use crate::site::Site;

/// May be kept for ever.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Must be asked for each time.
const FRESH: &str = "no-cache";

pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/checkpoint", get(checkpoint::show))
        .route("/log.vkey", get(checkpoint::verifier_key))
        .route("/witnesses.policy", get(checkpoint::policy))
        .route("/tile/{*place}", get(tile::show))
        .route("/attachments/{sha256}", get(attachment::show))
        .route("/postings/{index}/receipt", get(entry::receipt))
        .route("/postings/{index}/envelope", get(entry::envelope))
}

/// Why the log does not answer with bytes.
enum LogRefusal {
    /// The address is not written as the format says.
    Malformed,
    /// The log has no such thing, or not yet.
    Absent,
    /// The service did not do it.
    Service(ServiceError),
}

impl From<ServiceError> for LogRefusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl IntoResponse for LogRefusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "not a path of this log\n"),
            Self::Absent => (StatusCode::NOT_FOUND, "the log has no such resource\n"),
            Self::Service(error) if error.class() == ErrorClass::Unavailable => {
                tracing::error!(%error, "the log could not be read");
                (StatusCode::SERVICE_UNAVAILABLE, "the log cannot be read just now: try again\n")
            }
            Self::Service(error) => {
                tracing::error!(%error, "the log could not be read");
                (StatusCode::INTERNAL_SERVER_ERROR, "the log cannot be read\n")
            }
        };
        (status, text).into_response()
    }
}

/// Bytes with their type and how long they may be kept.
fn bytes(media_type: &'static str, caching: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, caching)], body).into_response()
}

const TEXT: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use disclosure::bundle::{self, BundleId};
    use disclosure::checkpoint::Checkpoint;
    use disclosure::merkle::{Hash, leaf_hash, root_of};
    use disclosure::note::VerifierKey;
    use disclosure::proof::TlogProof;

    use crate::testing::{Town, get, page};

    async fn log_key(town: &Town) -> VerifierKey {
        VerifierKey::parse(page(&town.router, "/log.vkey").await.text().trim_end()).unwrap()
    }

    #[tokio::test]
    async fn a_reader_rebuilds_the_root_from_what_is_served() {
        let town = Town::busy().await;
        let key = log_key(&town).await;
        let served = page(&town.router, "/checkpoint").await;
        assert_eq!(served.header("cache-control"), "no-cache");
        assert_eq!(served.header("content-type"), "text/plain; charset=utf-8");
        let checkpoint = Checkpoint::open(&served.body, &key).unwrap();
        assert_eq!(checkpoint.size, 10);
        let bundle = page(&town.router, "/tile/entries/000.p/10").await;
        assert_eq!(bundle.header("content-type"), "application/octet-stream");
        let id = BundleId::in_log(0, 10).unwrap();
        let entries = bundle::decode_as(id, &bundle.body).unwrap();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        assert_eq!(root_of(&leaves), checkpoint.root);
        let tile = page(&town.router, "/tile/0/000.p/10").await;
        let hashes: Vec<u8> = leaves.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
        assert_eq!(tile.body, hashes);
    }

    #[tokio::test]
    async fn a_receipt_proves_the_envelope() {
        let town = Town::busy().await;
        let envelope = page(&town.router, "/postings/6/envelope").await;
        assert_eq!(envelope.header("content-type"), "application/vnd.dsse+json");
        let receipt = page(&town.router, "/postings/6/receipt").await;
        let proof = TlogProof::parse(&receipt.body).unwrap();
        let checkpoint = proof.verify(&envelope.body, &log_key(&town).await).unwrap();
        assert_eq!(checkpoint.size, 10);
    }

    #[tokio::test]
    async fn attachments_are_found_by_their_hash_and_only_downloaded() {
        let town = Town::busy().await;
        let posting = page(&town.router, "/postings/6").await;
        let (_, rest) = posting.text().split_once("/attachments/").unwrap();
        let (name, _) = rest.split_once('"').unwrap();
        let answer = page(&town.router, &format!("/attachments/{name}")).await;
        assert_eq!(Hash::of(&answer.body).to_hex(), name);
        assert_eq!(answer.header("content-type"), "application/cbor-seq");
        assert!(answer.header("cache-control").contains("immutable"));
        assert!(answer.header("content-disposition").starts_with("attachment"));
    }

    #[tokio::test]
    async fn rejects_every_other_spelling_of_a_path() {
        let town = Town::busy().await;
        let deep = format!("/tile/0/{}", "x001/".repeat(1000));
        let expected = BTreeMap::from([
            ("/tile/0/000", 404),
            ("/tile/0/000.p/11", 404),
            ("/tile/0/000.p/256", 400),
            ("/tile/0/000.p/0", 400),
            ("/tile/0/0", 400),
            ("/tile/64/000", 400),
            ("/tile/0/x000/000", 400),
            ("/tile/entries/001", 404),
            ("/tile/entries/..%2f..%2fetc", 400),
            ("/tile/%FF/000", 400),
            (deep.as_str(), 400),
            ("/attachments/abc", 400),
            ("/attachments/%FF", 400),
            ("/postings/10/receipt", 404),
            ("/postings/x/envelope", 400),
            ("/postings/18446744073709551615/receipt", 404),
        ]);
        for (path, status) in expected {
            assert_eq!(get(&town.router, path).await.status, status, "{path:.60}");
        }
        let unknown = format!("/attachments/{}", "0".repeat(64));
        assert_eq!(get(&town.router, &unknown).await.status, 404);
    }

    #[tokio::test]
    async fn an_empty_log_has_no_checkpoint() {
        let town = Town::empty().await;
        assert_eq!(get(&town.router, "/checkpoint").await.status, 404);
        assert_eq!(get(&town.router, "/tile/0/000.p/1").await.status, 404);
    }
}
