//! `mingqu import roster`: a village's table of plots becomes a roster that station and cadre sign.
//!
//! Holders' names are masked as they are read. They go into no statement; with a key, the masked ones are handed in by
//! themselves.

mod diff;
mod ground;
mod outcome;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use disclosure::attachment::AttachmentRef;
use disclosure::dsse::Envelope;
use disclosure::record::RosterGround;
use disclosure::statement::{Head, ROSTER_MEDIA_TYPE, Roster, RosterEntry, Statement};
use domain::{Timestamp, VillageId};
use ed25519_dalek::SigningKey;
use service::Clock as _;
use service::request::{Ask, Holder, MAX_HOLDERS, REQUEST_PAYLOAD_TYPE, Request};
use sheet::Problems;

use super::FileArgs;
use crate::api::Api;
use crate::clock::SystemClock;
use crate::passphrase::PassphraseArgs;
use crate::transport::TrustArgs;
use crate::{Verdict, key_file};
use diff::Diff;
use outcome::{Outcome, Written};

/// Beijing's clock is eight hours ahead of UTC.
const BEIJING_AHEAD_MILLIS: i64 = 8 * 3_600_000;

/// What `import roster` takes.
#[derive(Debug, Args)]
pub struct RosterArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The village's code.
    #[arg(long)]
    village: VillageId,
    /// From when the roster holds: a day like 2026-03-01, from midnight in Beijing on, or a time like 2026-02-28T16:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = effective_from)]
    effective_from: Timestamp,
    /// The server, like `http://127.0.0.1:8080`.
    #[arg(long, conflicts_with = "log", required_unless_present = "log")]
    server: Option<String>,
    /// A copy of the public log, as `mingqu log export` or `mingqu log copy` wrote it, instead of a server.
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// Say what would change, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where to write the statement; its list goes beside it, with the ending `.entries.json`.
    #[arg(long, value_name = "FILE", default_value = "roster.json")]
    statement: PathBuf,
    /// A key of the station: the holders' masked names are signed with it and handed in. Without it they are left out.
    #[arg(long, requires = "server", conflicts_with = "dry_run")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Print what came of it as JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code 0 when all rows are good, 1 when one is not and nothing was written.
pub fn run(args: &RosterArgs) -> anyhow::Result<Verdict> {
    let key = args.key.as_deref().map(|file| key_file::read(file, &args.passphrase)).transpose()?;
    let sheets = args.file.sheets()?;
    let ground = ground::find(args)?;
    let mut problems = Problems::default();
    let households = table::read(&sheets, &ground.village, &mut problems);
    let mut outcome = Outcome::new(args, &ground);
    outcome.note(&problems);
    if outcome.is_good() {
        let entries: Vec<RosterEntry> = households.iter().map(|one| one.entry.clone()).collect();
        let drawn = Drawn::up(args, &ground, &entries)?;
        outcome.diff = Some(Diff::between(&ground.entries, &entries));
        if !args.dry_run {
            outcome.written = Some(drawn.write(&args.statement)?);
            let holders = households.into_iter().filter_map(|one| {
                let household = one.entry.household;
                one.holder.map(|name| Holder { household, name })
            });
            let holders: Vec<Holder> = holders.collect();
            outcome.holders = hand_in(args, &ground, key.as_ref(), &holders)?;
        }
    }
    outcome.say(args.json)
}

/// A roster that can be signed.
struct Drawn {
    statement: Vec<u8>,
    entries: Vec<u8>,
}

impl Drawn {
    fn up(
        args: &RosterArgs,
        ground: &RosterGround,
        entries: &[RosterEntry],
    ) -> anyhow::Result<Self> {
        let bytes = serde_json::to_vec(entries)?;
        let roster = Roster {
            head: Head {
                district: ground.district.clone(),
                drafted_at: SystemClock.now(),
                signers: ground.signers.clone(),
            },
            village: ground.village.id.clone(),
            effective_from: args.effective_from,
            households: u32::try_from(entries.len())?,
            entries: AttachmentRef::of(ROSTER_MEDIA_TYPE, &bytes),
        };
        // The rule that the record goes by; rows were looked at one by one before.
        roster.read_entries(&bytes)?;
        Ok(Self { statement: Statement::Roster(roster).to_payload()?, entries: bytes })
    }

    /// The list first: a statement without its list would be half of one.
    fn write(self, statement: &Path) -> anyhow::Result<Written> {
        let list = statement.with_extension("entries.json");
        if list == statement {
            bail!("--statement {} is the name of the list: use another", statement.display());
        }
        for (path, bytes) in [(list.as_path(), self.entries), (statement, self.statement)] {
            std::fs::write(path, bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Written { statement: statement.to_owned(), entries: list })
    }
}

/// Signs masked names and hands them in; returns how many, or none without a key.
fn hand_in(
    args: &RosterArgs,
    ground: &RosterGround,
    key: Option<&SigningKey>,
    holders: &[Holder],
) -> anyhow::Result<Option<usize>> {
    let (Some(key), Some(server)) = (key, &args.server) else { return Ok(None) };
    let api = Api::new(server, &args.trust.read()?);
    let count = holders.len();
    for part in holders.chunks(MAX_HOLDERS) {
        let ask = Ask::Holders(part.to_vec());
        let request =
            Request { district: ground.district.clone(), asked_at: SystemClock.now(), ask };
        let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, serde_json::to_vec(&request)?);
        envelope.sign_with(key)?;
        api.request(&envelope)
            .context("the roster is written; the masked names are not all handed in")?;
    }
    Ok(Some(count))
}

/// A day in Beijing, or an instant.
fn effective_from(text: &str) -> Result<Timestamp, String> {
    let form = || {
        format!(
            "{text:?} is not a date: write a day like 2026-03-01, or a time like 2026-02-28T16:00:00Z"
        )
    };
    let time = if text.contains('T') {
        text.parse().ok()
    } else {
        chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|day| day.to_string() == text)
            .and_then(|day| format!("{day}T00:00:00Z").parse::<Timestamp>().ok())
            .map(|midnight| midnight.plus_millis(-BEIJING_AHEAD_MILLIS))
    };
    time.ok_or_else(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let begins: Timestamp = "2026-02-28T16:00:00Z".parse().unwrap();
        for text in ["2026-03-01", "2026-02-28T16:00:00Z"] {
            assert_eq!(effective_from(text), Ok(begins), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_day_or_time() {
        for text in ["", "2026-3-1", "2026-02-30", "01.03.2026", "2026", "2026-03-01 00:00", "T"] {
            assert!(effective_from(text).unwrap_err().contains("write a day"), "{text}");
        }
    }
}
