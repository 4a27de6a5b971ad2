//! What is wrong in a table, so that the person who wrote it can put it right.

/// The most problems of a file that are kept; the rest is counted.
pub const MAX_PROBLEMS: usize = 200;
/// How much of a value is shown, in characters.
const MAX_VALUE_CHARS: usize = 60;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The sheet's name; none in CSV.
    pub sheet: Option<String>,
    /// The row as the program that made the file numbers it.
    pub row: u32,
    /// The column by its heading; empty when the row as a whole is wrong.
    pub column: String,
    /// What stands there, shortened.
    pub value: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(
        sheet: Option<&str>,
        row: u32,
        column: &str,
        value: &str,
        message: String,
    ) -> Self {
        let shown = |text: &str| text.chars().take(MAX_VALUE_CHARS).collect();
        let sheet = sheet.map(shown);
        Self { sheet, row, column: shown(column), value: shown(value), message }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(sheet) = &self.sheet {
            write!(f, "sheet {sheet}, ")?;
        }
        write!(f, "row {}", self.row)?;
        if !self.column.is_empty() {
            write!(f, ", column {}", self.column)?;
        }
        write!(f, ": ")?;
        if !self.value.is_empty() {
            write!(f, "{:?} ", self.value)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// The problems of a whole file: the first [`MAX_PROBLEMS`], and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Problem>,
    count: usize,
}

impl Problems {
    /// Takes note of one more.
    pub fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.kept.len() < MAX_PROBLEMS {
            self.kept.push(problem);
        }
    }

    /// The value, or none and a note of what is wrong with it.
    pub fn note<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// The first ones, by sheet and row.
    pub fn kept(&self) -> Vec<&Problem> {
        let mut kept: Vec<&Problem> = self.kept.iter().collect();
        kept.sort_by_key(|problem| (&problem.sheet, problem.row));
        kept
    }

    /// How many there are, kept or not.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_by_row() {
        let mut problems = Problems::default();
        for (sheet, row) in [("b", 2), ("a", 9), ("a", 3)] {
            problems.add(Problem::new(Some(sheet), row, "", "", String::new()));
        }
        let rows: Vec<u32> = problems.kept().iter().map(|problem| problem.row).collect();
        assert_eq!(rows, [3, 9, 2]);
    }

    #[test]
    fn says_where_what_and_what_is_allowed() {
        let message = || "is not a time: write 2016-05-01 14:30".to_owned();
        let problem = Problem::new(Some("东风村"), 7, "时间", "5月1日", message());
        assert_eq!(
            problem.to_string(),
            "sheet 东风村, row 7, column 时间: \"5月1日\" is not a time: write 2016-05-01 14:30"
        );
        let whole = Problem::new(None, 2, "", "", "the row stands twice".into());
        assert_eq!(whole.to_string(), "row 2: the row stands twice");
    }

    #[test]
    fn keeps_the_first_and_counts_the_rest() {
        let mut problems = Problems::default();
        for row in 1..=500 {
            let note: Result<(), _> = Err(Problem::new(None, row, "a", "", "is wrong".into()));
            assert_eq!(problems.note(note), None);
        }
        assert_eq!((problems.kept().len(), problems.count()), (MAX_PROBLEMS, 500));
        assert_eq!(problems.note(Ok(1)), Some(1));
    }
}
