//! `bill-run`: the bills of one village and round.

use domain::bill::Bill;
use domain::{Fen, RoundId, VillageId};
use serde::{Deserialize, Serialize};

use super::Head;
use crate::attachment::AttachmentRef;

/// Media type of the bills: one JSON [`Bill`] a line.
pub const BILLS_MEDIA_TYPE: &str = "application/vnd.mingqu.bills.v1+jsonl";

/// A settlement (结算) of one village and round. Its bills follow from what was posted before it, so anyone recomputes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillRun {
    /// What every statement begins with.
    pub head: Head,
    /// The village.
    pub village: VillageId,
    /// The round.
    pub round: RoundId,
    /// The year it belongs to: that of its earliest watering.
    pub year: i32,
    /// Whether this run carries the year's basic charge: the village's first run of a year does.
    pub basic_charge: bool,
    /// The posting index of the roster whose areas the basic charge goes by.
    pub roster: u64,
    /// The posting indices of the waterings billed: all of the village and round that hold and that
    /// no earlier run billed.
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
