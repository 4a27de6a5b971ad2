//! What came of an import, for a person and for a program.

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
    /// Rows that are wrong: the first ones, each in words.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: usize,
    /// What was handed in and taken.
    pub handed_in: usize,
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
        match (self.is_good(), self.dry_run) {
            (false, _) => format!("{counts}: nothing was handed in; correct the file"),
            (true, true) => format!("{counts}: nothing was handed in, as asked"),
            (true, false) => format!("{counts}: {} handed in", self.handed_in),
        }
    }
}

fn listed(what: &str, lines: &[String], count: usize) {
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
