//! `bill-run`: the bills of one village and round, or of the closing of its year.

use domain::bill::Bill;
use domain::{Fen, RoundId, VillageId};
use serde::{Deserialize, Serialize};

use super::Head;
use crate::attachment::AttachmentRef;

/// Media type of the bills: one JSON [`Bill`] a line.
pub const BILLS_MEDIA_TYPE: &str = "application/vnd.mingqu.bills.v1+jsonl";

/// A settlement (结算) of one village and round, or of its year. Its bills follow from what was posted before it, so anyone recomputes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillRun {
    /// What every statement begins with.
    pub head: Head,
    /// The village.
    pub village: VillageId,
    /// The round; none in the run that closes the year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<RoundId>,
    /// The calendar year (UTC+8) in which the waterings began.
    pub year: i32,
    /// The posting indices of the waterings that it is the first to bill as they hold: those of its round, and those of
    /// rounds settled before that were posted or corrected since; in the closing of the year, all.
    pub waterings: Vec<u64>,
    /// How many bills there are.
    pub households: u32,
    /// What they come to.
    pub total_fen: Fen,
    /// The bills, in an attachment.
    pub bills: AttachmentRef,
}

/// The exact bytes of a run's bills: one compact JSON object a line, by household number.
pub fn bills_to_lines(bills: &[Bill]) -> Result<Vec<u8>, serde_json::Error> {
    super::to_lines(bills)
}
