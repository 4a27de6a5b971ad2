//! Reaches witnesses over HTTP.

use std::time::Duration;

use disclosure::witness::{ADD_CHECKPOINT_PATH, MAX_ANSWER_BYTES};
use service::{WitnessClient, WitnessReply};

use crate::transport::{self, Conduct, Trust, agent};

/// For a request with its answer; what a witness cannot do in this time it is asked for again.
const MAX_REQUEST_SECONDS: u64 = 5;
/// A witness that sends on elsewhere is another one than the policy names.
const CONDUCT: Conduct =
    Conduct { within: Duration::from_secs(MAX_REQUEST_SECONDS), redirects: 0, connections: 8 };

/// A client that keeps its connections.
#[derive(Debug)]
pub struct HttpWitnessClient(ureq::Agent);

impl HttpWitnessClient {
    /// A client that reaches witnesses by HTTP, and by HTTPS whom these authorities vouch for.
    pub fn new(trust: &Trust) -> Self {
        Self(agent("", trust, CONDUCT))
    }
}

impl WitnessClient for HttpWitnessClient {
    fn add_checkpoint(&self, prefix: &str, request: &[u8]) -> Result<WitnessReply, String> {
        let url = format!("{}{ADD_CHECKPOINT_PATH}", prefix.trim_end_matches('/'));
        let sent = self.0.post(&url).content_type("text/plain; charset=utf-8").send(request);
        let mut response = sent.map_err(|error| {
            format!("{url}: {}", transport::mistrust(&error).unwrap_or(error.to_string()))
        })?;
        let media_type = response.headers().get("content-type");
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.to_owned();
        let limit = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX);
        let body = response.body_mut().with_config().limit(limit).read_to_vec();
        Ok(WitnessReply {
            status: response.status().as_u16(),
            media_type,
            body: body.map_err(|error| format!("{url}: {error}"))?,
        })
    }
}
