//! A request as text, for somebody to save, sign and hand in.

use service::board::{DistrictId, Timestamp};
use service::request::{Ask, Request};

/// The payload of a request, on one line.
pub(crate) fn request_text(district: &DistrictId, now: Timestamp, ask: Ask) -> String {
    let request = Request { district: district.clone(), asked_at: now, ask };
    serde_json::to_string(&request).unwrap_or_default()
}
