//! Which column is which: a table under its headings.

use crate::time::{self, INSTANT_FORMS, Instant};
use crate::{Cell, Problem, Row, Sheet};

/// The headings are looked for in this many rows from the top: a title may stand above them.
pub const HEADER_ROWS: usize = 20;

const EMPTY: &str = "is empty: fill it in";
const BROKEN: &str = "is an error of a formula: correct it";
/// The digits that a workbook keeps of a number.
const NUMBER_DIGITS: usize = 15;
const CUT_NUMBER: &str = "is a number of more digits than a workbook keeps: format the column as text and fill it in anew";
const BARE_NUMBER: &str = "is a bare number: format the cell as date and time";

/// A column that a table may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What the program calls it.
    pub key: &'static str,
    /// The headings by which people call it; case, width, spaces, `-` and `_` make no difference.
    pub names: Vec<String>,
    /// Whether a table without it is refused.
    pub required: bool,
}

impl Column {
    /// A column that must be there.
    pub fn required(key: &'static str, names: &[&str]) -> Self {
        Self { key, names: names.iter().map(|name| (*name).to_owned()).collect(), required: true }
    }

    /// A column that may be missing.
    pub fn optional(key: &'static str, names: &[&str]) -> Self {
        Self { required: false, ..Self::required(key, names) }
    }

    fn is_called(&self, heading: &str) -> bool {
        let heading = folded(heading);
        self.names.iter().any(|name| folded(name) == heading)
    }

    fn shown(&self) -> String {
        self.names.join(" / ")
    }
}

/// A sheet's rows under headings that were recognised.
#[derive(Debug)]
pub struct Table<'a> {
    sheet: &'a Sheet,
    /// Key, heading as it stands there, place.
    columns: Vec<(&'static str, String, usize)>,
    rows: &'a [Row],
}

/// One row under the headings.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    table: &'a Table<'a>,
    row: &'a Row,
}

impl Sheet {
    /// Finds the headings: the first row in which all required columns stand.
    ///
    /// Columns with other headings are left alone. Fails if a required column is missing in all of the first
    /// [`HEADER_ROWS`] rows, or if two columns have headings of the same one.
    pub fn table(&self, columns: &[Column]) -> Result<Table<'_>, Problem> {
        let top = || self.rows.iter().take(HEADER_ROWS).enumerate();
        let stands = |row: &Row, column: &Column| places(row, column).next().is_some();
        let required = || columns.iter().filter(|column| column.required);
        if let Some((at, row)) = top().find(|(_, row)| required().all(|column| stands(row, column)))
        {
            return self.under(at, row, columns);
        }
        let likeness = |row: &Row| columns.iter().filter(|column| stands(row, column)).count();
        // Of equals the first, since max_by_key takes the last.
        let closest = top().rev().max_by_key(|(_, row)| likeness(row));
        let missing: Vec<String> = required()
            .filter(|column| closest.is_none_or(|(_, row)| !stands(row, column)))
            .map(Column::shown)
            .collect();
        Err(self.no_headings(closest.map(|(_, row)| row), &missing))
    }

    fn under<'a>(&'a self, at: usize, row: &Row, columns: &[Column]) -> Result<Table<'a>, Problem> {
        let mut known = Vec::new();
        for column in columns {
            let mut places = places(row, column);
            let Some((place, heading)) = places.next() else { continue };
            if let Some((_, other)) = places.next() {
                let message =
                    format!("means the same column as {heading:?}: leave one of them out");
                return Err(self.problem(row.number, &other, &other, message));
            }
            known.push((column.key, heading, place));
        }
        let rows = self.rows.get(at + 1..).unwrap_or_default();
        Ok(Table { sheet: self, columns: known, rows })
    }

    fn no_headings(&self, closest: Option<&Row>, missing: &[String]) -> Problem {
        const SHOWN_HEADINGS: usize = 12;
        let there: Vec<String> = closest
            .into_iter()
            .flat_map(|row| &row.cells)
            .filter(|cell| !cell.is_empty())
            .take(SHOWN_HEADINGS)
            .map(ToString::to_string)
            .collect();
        let message = format!("lacks the column {}: add the heading", missing.join(" and "));
        self.problem(closest.map_or(1, |row| row.number), "", &there.join(", "), message)
    }

    fn problem(&self, row: u32, column: &str, value: &str, message: String) -> Problem {
        Problem::new(self.name.as_deref(), row, column, value, message)
    }
}

impl<'a> Table<'a> {
    /// Whether a column is there.
    pub fn has(&self, key: &str) -> bool {
        self.columns.iter().any(|(known, ..)| *known == key)
    }

    /// The rows that hold something in one of the recognised columns.
    pub fn records(&'a self) -> impl Iterator<Item = Record<'a>> {
        self.rows
            .iter()
            .map(|row| Record { table: self, row })
            .filter(|record| self.columns.iter().any(|(key, ..)| !record.cell(key).is_empty()))
    }
}

impl Record<'_> {
    /// The row's number.
    pub fn row(&self) -> u32 {
        self.row.number
    }

    /// The sheet's name; none in CSV.
    pub fn sheet(&self) -> Option<&str> {
        self.table.sheet.name.as_deref()
    }

    /// What stands in a column, as text; none where nothing stands.
    ///
    /// Numbers are decimal text.
    pub fn optional_text(&self, key: &str) -> Result<Option<String>, Problem> {
        match self.cell(key) {
            Cell::Empty => Ok(None),
            Cell::Text(text) | Cell::Number(text) => Ok(Some(text.clone())),
            Cell::Wall(_) => Err(self.problem(key, "is a date: format the cell as text or number")),
            Cell::Broken(_) => Err(self.problem(key, BROKEN)),
        }
    }

    /// What stands in a column, as text in the width that programs read: for codes and numbers.
    pub fn text(&self, key: &str) -> Result<String, Problem> {
        match self.optional_text(key)? {
            Some(text) => Ok(time::halfwidth(&text)),
            None => Err(self.problem(key, EMPTY)),
        }
    }

    /// A code in a column, as text in the width that programs read. A number of more than 15 digits is refused: the
    /// workbook lost its last ones.
    pub fn code(&self, key: &str) -> Result<String, Problem> {
        match self.cell(key) {
            Cell::Number(text) if text.len() > NUMBER_DIGITS => Err(self.problem(key, CUT_NUMBER)),
            _ => self.text(key),
        }
    }

    /// Whether something stands in a column.
    pub fn is_filled(&self, key: &str) -> bool {
        !self.cell(key).is_empty()
    }

    /// The instant in a column, as [`Record::instant`] reads it, or the midnight in Beijing of a date alone: `2016-05-01`,
    /// `2016/5/1`, `2016年5月1日`, `20160501`.
    pub fn instant_or_day(&self, key: &str) -> Result<Instant, Problem> {
        if let Cell::Text(text) | Cell::Number(text) = self.cell(key)
            && let Some(day) = time::parse_day(text)
        {
            return Ok(day);
        }
        self.instant(key)
    }

    /// The instant in a column: a date and time of the workbook or one of [`INSTANT_FORMS`], in Beijing.
    pub fn instant(&self, key: &str) -> Result<Instant, Problem> {
        let instant = match self.cell(key) {
            Cell::Wall(wall) => time::beijing(*wall),
            Cell::Text(text) => time::parse(text),
            Cell::Number(_) => return Err(self.problem(key, BARE_NUMBER)),
            Cell::Empty => return Err(self.problem(key, EMPTY)),
            Cell::Broken(_) => return Err(self.problem(key, BROKEN)),
        };
        let forms = || self.problem(key, &format!("is not a date and time: write {INSTANT_FORMS}"));
        instant.ok_or_else(forms)
    }

    /// That something is wrong in a column.
    pub fn problem(&self, key: &str, message: &str) -> Problem {
        let heading = self.table.columns.iter().find(|(known, ..)| *known == key);
        let heading = heading.map_or(key, |(_, heading, _)| heading);
        let value = self.cell(key).to_string();
        self.table.sheet.problem(self.row.number, heading, &value, message.to_owned())
    }

    /// That something is wrong with the row as a whole.
    pub fn problem_of_row(&self, message: &str) -> Problem {
        self.table.sheet.problem(self.row.number, "", "", message.to_owned())
    }

    fn cell(&self, key: &str) -> &Cell {
        let place = self.table.columns.iter().find(|(known, ..)| *known == key);
        place.and_then(|(.., place)| self.row.cells.get(*place)).unwrap_or(&Cell::Empty)
    }
}

/// Where a row has headings of a column, and how they are written.
fn places<'a>(row: &'a Row, column: &'a Column) -> impl Iterator<Item = (usize, String)> + use<'a> {
    row.cells.iter().enumerate().filter_map(|(place, cell)| match cell {
        Cell::Text(heading) if column.is_called(heading) => Some((place, heading.clone())),
        _ => None,
    })
}

/// A heading without what people write in different ways.
fn folded(heading: &str) -> String {
    time::halfwidth(heading)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}
