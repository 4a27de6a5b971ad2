//! What came of an import, for a person and for a program.

use domain::Fen;
use domain::payment::ReceiptNo;
use serde::Serialize;
use sheet::Problems;

use crate::Verdict;
use crate::command::{print, tell};

/// The most lines of a diff that are shown to a person; a program gets all.
const MAX_LINES_SHOWN: usize = 50;

/// What came of an import.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// Whether nothing was to be handed in.
    pub dry_run: bool,
    /// Rows that hold something new, each in words.
    pub new: Vec<String>,
    /// Rows that are good and deserve a look.
    pub warnings: Vec<String>,
    /// Rows whose content is there already.
    pub known: usize,
    /// The same, each in words, where they are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_rows: Vec<String>,
    /// What payments come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sums: Option<PaymentSums>,
    /// The receipts of payments that were handed in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<ReceiptNo>,
    /// Rows that are wrong: the first ones, each in words.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: usize,
    /// What was handed in and taken.
    pub handed_in: usize,
}

/// What payments of a file come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PaymentSums {
    /// Of rows that are new.
    pub new: Fen,
    /// Of rows that are there already.
    pub known: Fen,
    /// Of rows that the server refuses.
    pub refused: Fen,
}

impl Outcome {
    /// Takes the problems over.
    pub fn note(&mut self, problems: &Problems) {
        self.problems = problems.kept().iter().map(ToString::to_string).collect();
        self.problem_count = problems.count();
    }

    /// Whether something may be handed in.
    pub fn is_good(&self) -> bool {
        self.problem_count == 0
    }

    /// Says it: as JSON on stdout, or in lines on stderr with the count on stdout.
    pub fn say(&self, json: bool) -> anyhow::Result<Verdict> {
        if json {
            print(&serde_json::to_string_pretty(self)?)?;
        } else {
            listed("new", &self.new, self.new.len());
            listed("already there", &self.known_rows, self.known_rows.len());
            listed("look at", &self.warnings, self.warnings.len());
            listed("wrong", &self.problems, self.problem_count);
            print(&self.summary())?;
        }
        Ok(if self.is_good() { Verdict::Good } else { Verdict::Bad })
    }

    fn summary(&self) -> String {
        let counts = format!(
            "{} new, {} already there, {} to look at, {} wrong",
            self.new.len(),
            self.known,
            self.warnings.len(),
            self.problem_count
        );
        let counts = format!("{counts}{}", self.money());
        match (self.is_good(), self.dry_run) {
            (false, _) => format!("{counts}: nothing was handed in; correct the file"),
            (true, true) => format!("{counts}: nothing was handed in, as asked"),
            (true, false) => format!("{counts}: {} handed in{}", self.handed_in, self.numbers()),
        }
    }

    /// What payments come to, in words.
    fn money(&self) -> String {
        let Some(sums) = &self.sums else { return String::new() };
        let yuan = [sums.new, sums.known, sums.refused].map(Fen::yuan);
        let [new, known, refused] = yuan;
        format!(" ({new} yuan new, {known} already there, {refused} refused)")
    }

    /// From which receipt to which, in words.
    fn numbers(&self) -> String {
        match (self.receipts.iter().min(), self.receipts.iter().max()) {
            (Some(first), Some(last)) => format!(", receipts {first} to {last}"),
            _ => String::new(),
        }
    }
}

pub(super) fn listed(what: &str, lines: &[String], count: usize) {
    for line in lines.iter().take(MAX_LINES_SHOWN) {
        tell(&format!("{what}: {line}"));
    }
    let left = count.saturating_sub(MAX_LINES_SHOWN.min(lines.len()));
    if left > 0 {
        tell(&format!("{what}: and {left} more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_whether_something_was_handed_in() {
        let good = Outcome { new: vec!["row 2".into()], handed_in: 1, ..Outcome::default() };
        assert_eq!(good.summary(), "1 new, 0 already there, 0 to look at, 0 wrong: 1 handed in");
        let asked = Outcome { dry_run: true, known: 3, ..Outcome::default() };
        assert!(asked.summary().ends_with("nothing was handed in, as asked"));
        let wrong = Outcome { problem_count: 2, ..Outcome::default() };
        assert!(wrong.summary().ends_with("2 wrong: nothing was handed in; correct the file"));
        assert_eq!(wrong.say(true).unwrap(), Verdict::Bad);
    }
}
