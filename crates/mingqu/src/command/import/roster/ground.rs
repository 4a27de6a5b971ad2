//! What the new roster is drawn up from: the village as it stands in the log.

use anyhow::{Context, bail};
use disclosure::record::RosterGround;

use super::RosterArgs;
use crate::api::Api;
use crate::command::audit::{cores, folder, record_of};
use crate::command::tell;

/// Finds it on the server or in the copy of a log.
pub fn find(args: &RosterArgs) -> anyhow::Result<RosterGround> {
    let (village, at) = (&args.village, args.effective_from);
    match (&args.server, &args.log) {
        (Some(server), _) => Api::new(server, &args.trust.read()?).roster_ground(village, at),
        (None, Some(log)) => {
            let (report, record) = record_of(&folder(log)?, cores(), None);
            if !report.holds() {
                tell("look at: the log does not hold; `mingqu audit` says where");
            }
            record
                .roster_ground(village, at)
                .with_context(|| format!("the registry of this log has no village {village}"))
        }
        (None, None) => bail!("give --server URL or --log FOLDER"),
    }
}
