//! The pages and the API, as a browser or a program sees them.

use std::time::Duration;

use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// A running server's address.
#[derive(Debug, Clone)]
pub struct Site {
    base: String,
    agent: ureq::Agent,
}

/// What it answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Site {
    /// `base` is like `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Self {
        Self::within(base, TIMEOUT)
    }

    /// One that may take so long for each answer.
    pub fn within(base: &str, timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .build();
        Self { base: base.trim_end_matches('/').to_owned(), agent: config.into() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Fails to connect while the server is down: that is an answer too.
    pub fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        Answer::read(self.agent.get(format!("{}{path}", self.base)).call()?)
    }

    pub fn try_post(&self, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        Answer::read(self.agent.post(format!("{}{path}", self.base)).send_json(body)?)
    }

    pub fn try_delete(&self, path: &str) -> Result<Answer, ureq::Error> {
        Answer::read(self.agent.delete(format!("{}{path}", self.base)).call()?)
    }

    /// Posts plain bytes.
    #[track_caller]
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        let sent = self.agent.post(format!("{}{path}", self.base)).send(body);
        Answer::read(sent.unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Answer {
    fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec()?;
        Ok(Self { status, body })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} {error}: {}", self.status, self.text()))
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub fn answered(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The reason of a refusal (RFC 9457).
    #[track_caller]
    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_else(|| panic!("{}", self.text())).to_owned()
    }
}
