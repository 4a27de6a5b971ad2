//! What came of a roster's import, for a person and for a program.

use std::path::PathBuf;

use disclosure::record::RosterGround;
use domain::{Timestamp, VillageId};
use serde::Serialize;
use sheet::Problems;

use super::RosterArgs;
use super::diff::Diff;
use crate::Verdict;
use crate::command::import::outcome::listed;
use crate::command::{print, tell};

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// The village.
    pub village: VillageId,
    /// From when the new roster holds.
    pub effective_from: Timestamp,
    /// From when a later one holds that is posted already.
    pub until: Option<Timestamp>,
    /// The posting index of the roster that it is compared with.
    pub roster: Option<u64>,
    /// What changes; none where a row is wrong.
    pub diff: Option<Diff>,
    /// Rows that are wrong: the first ones, each in words.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: usize,
    /// The files that were written.
    pub written: Option<Written>,
    /// How many masked names were handed in; none without a key.
    pub holders: Option<usize>,
    /// The commands that sign what was written.
    pub next: Vec<String>,
    #[serde(skip)]
    server: Option<String>,
}

/// The files that were written.
#[derive(Debug, Serialize)]
pub struct Written {
    /// The statement to sign.
    pub statement: PathBuf,
    /// Its attachment.
    pub entries: PathBuf,
}

impl Outcome {
    /// Before anything came of it.
    pub fn new(args: &RosterArgs, ground: &RosterGround) -> Self {
        Self {
            dry_run: args.dry_run,
            village: args.village.clone(),
            effective_from: args.effective_from,
            until: ground.until,
            roster: ground.roster,
            diff: None,
            problems: Vec::new(),
            problem_count: 0,
            written: None,
            holders: None,
            next: Vec::new(),
            server: args.server.clone(),
        }
    }

    /// Takes the problems over.
    pub fn note(&mut self, problems: &Problems) {
        self.problems = problems.kept().iter().map(ToString::to_string).collect();
        self.problem_count = problems.count();
    }

    /// Whether something may be written.
    pub fn is_good(&self) -> bool {
        self.problem_count == 0
    }

    /// Says it: as JSON on stdout, or in lines on stderr with the totals on stdout.
    pub fn say(mut self, json: bool) -> anyhow::Result<Verdict> {
        self.next = self.written.as_ref().map_or_else(Vec::new, |files| self.commands(files));
        if json {
            print(&serde_json::to_string_pretty(&self)?)?;
        } else {
            self.tell_lines();
            print(&self.summary())?;
        }
        Ok(if self.is_good() { Verdict::Good } else { Verdict::Bad })
    }

    fn tell_lines(&self) {
        listed("wrong", &self.problems, self.problem_count);
        if let Some(diff) = &self.diff {
            for (what, lines) in
                [("new", &diff.new), ("gone", &diff.gone), ("changed", &diff.changed)]
            {
                listed(what, lines, lines.len());
            }
        }
        if let Some(until) = self.until {
            tell(&format!("look at: another roster is posted that holds from {until} on"));
        }
        if let Some(files) = &self.written {
            let (statement, entries) = (files.statement.display(), files.entries.display());
            tell(&format!("written: {statement}, and its list {entries}"));
            match self.holders {
                Some(count) => tell(&format!("handed in: {count} masked names of holders")),
                None => tell(
                    "names of holders are left out: give --key with a key of the station to hand masked ones in",
                ),
            }
            tell("to be signed by the station, then by a cadre of the village:");
            self.next.iter().for_each(|command| tell(&format!("    {command}")));
        }
    }

    /// By the names that the folder has for the people's keys, anybody's own.
    fn commands(&self, files: &Written) -> Vec<String> {
        let (statement, entries) = (files.statement.display(), files.entries.display());
        let envelope = files.statement.with_extension("dsse.json");
        let envelope = envelope.display();
        let server = self.server.as_deref().unwrap_or("URL");
        vec![
            format!("mingqu sign --key station.pem --kind roster {statement} --out {envelope}"),
            format!("mingqu sign --key cadre.pem {envelope} --attach {entries} --hand-in {server}"),
        ]
    }

    fn summary(&self) -> String {
        match &self.diff {
            Some(diff) => {
                let done = if self.dry_run { "nothing was written, as asked" } else { "written" };
                let (new, gone, changed) = (diff.new.len(), diff.gone.len(), diff.changed.len());
                format!(
                    "{}, before {}; {new} new, {gone} gone, {changed} changed, {} as before: {done}",
                    diff.after, diff.before, diff.unchanged
                )
            }
            None => format!("{} wrong: nothing was written; correct the file", self.problem_count),
        }
    }
}
