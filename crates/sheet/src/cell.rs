//! Rows and cells, whatever form they came in, and the limits on them.

use chrono::NaiveDateTime;

use crate::{
    FileError, MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_SHEETS, MAX_TEXT_BYTES,
};

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text, without the spaces around it.
    Text(String),
    /// A number of a workbook as decimal text, to the fifteen significant digits that Excel itself keeps.
    Number(String),
    /// A date and time of a workbook: a wall clock without a zone, to the second.
    Wall(NaiveDateTime),
    /// An error of a formula, such as `#N/A`.
    Broken(String),
}

impl Cell {
    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// A text's cell: nothing if it is all spaces.
    pub(crate) fn of_text(text: &str) -> Self {
        let trimmed = text.trim();
        if trimmed.is_empty() { Self::Empty } else { Self::Text(trimmed.to_owned()) }
    }

    fn kept_text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Broken(text) => text,
            Self::Empty | Self::Wall(_) => "",
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) | Self::Number(text) | Self::Broken(text) => f.write_str(text),
            Self::Wall(wall) => wall.format("%Y-%m-%d %H:%M:%S").fmt(f),
        }
    }
}

/// A row that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number as the program that made the file shows it; in CSV the line it starts on.
    pub number: u32,
    /// Its cells from the first column on; what follows is empty.
    pub cells: Vec<Cell>,
}

/// A sheet of a workbook, or a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The sheet's name; none in CSV.
    pub name: Option<String>,
    /// Its rows that hold something, from the top.
    pub rows: Vec<Row>,
}

/// Where a cell stands, as people say it.
pub(crate) fn place(sheet: Option<&str>, row: u32, column: usize) -> String {
    let column = column_letters(column);
    match sheet {
        Some(sheet) => format!("sheet {sheet}, row {row}, column {column}"),
        None => format!("row {row}, column {column}"),
    }
}

/// A, B, … Z, AA, …, as spreadsheets name columns; counted from 0.
pub(crate) fn column_letters(mut column: usize) -> String {
    const LETTERS: usize = 26;
    let mut name = Vec::new();
    loop {
        name.push(char::from(b'A' + u8::try_from(column % LETTERS).unwrap_or_default()));
        match (column / LETTERS).checked_sub(1) {
            Some(rest) => column = rest,
            None => break,
        }
    }
    name.into_iter().rev().collect()
}

/// Gathers the cells of a file into sheets and keeps its limits.
#[derive(Default)]
pub(crate) struct Gathering {
    sheets: Vec<Sheet>,
    cells: usize,
    text_bytes: usize,
}

impl Gathering {
    /// Starts the next sheet.
    pub(crate) fn begin(&mut self, name: Option<String>) -> Result<(), FileError> {
        if self.sheets.len() == MAX_SHEETS {
            return Err(FileError::TooManySheets);
        }
        self.sheets.push(Sheet { name, rows: Vec::new() });
        Ok(())
    }

    /// Adds a cell to the present sheet; empty ones take no room. `column` counts from 0.
    pub(crate) fn add(&mut self, row: u32, column: usize, cell: Cell) -> Result<(), FileError> {
        let Some(sheet) = self.sheets.last_mut() else { return Ok(()) };
        if cell.is_empty() {
            return Ok(());
        }
        let place = || place(sheet.name.as_deref(), row, column);
        if row > MAX_ROWS {
            return Err(FileError::TooManyRows { place: place() });
        }
        if column >= MAX_COLUMNS {
            return Err(FileError::TooManyColumns { place: place() });
        }
        let text = cell.kept_text();
        let bytes = text.len();
        // No text has more characters than bytes.
        if bytes > MAX_CELL_CHARS && text.chars().nth(MAX_CELL_CHARS).is_some() {
            return Err(FileError::CellTooLong { place: place() });
        }
        self.cells += 1;
        if self.cells > MAX_CELLS {
            return Err(FileError::TooManyCells);
        }
        self.text_bytes += bytes;
        if self.text_bytes > MAX_TEXT_BYTES {
            return Err(FileError::TooMuchText);
        }
        sheet.put(row, column, cell);
        Ok(())
    }

    /// The sheets that hold something.
    pub(crate) fn finish(self) -> Vec<Sheet> {
        self.sheets.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect()
    }
}

impl Sheet {
    fn put(&mut self, number: u32, column: usize, cell: Cell) {
        let at = match self.rows.last() {
            // Nearly always: the same row as before, or a later one.
            Some(last) if last.number == number => self.rows.len() - 1,
            Some(last) if last.number > number => {
                match self.rows.binary_search_by_key(&number, |row| row.number) {
                    Ok(at) => at,
                    Err(at) => {
                        self.rows.insert(at, Row { number, cells: Vec::new() });
                        at
                    }
                }
            }
            _ => {
                self.rows.push(Row { number, cells: Vec::new() });
                self.rows.len() - 1
            }
        };
        let Some(row) = self.rows.get_mut(at) else { return };
        if row.cells.len() <= column {
            row.cells.resize(column + 1, Cell::Empty);
        }
        if let Some(slot) = row.cells.get_mut(column) {
            *slot = cell;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        for (column, name) in
            [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
        {
            assert_eq!(column_letters(column), name);
        }
    }

    fn gather(cells: &[(u32, usize, &str)]) -> Result<Vec<Sheet>, FileError> {
        let mut gathering = Gathering::default();
        gathering.begin(Some("表1".into()))?;
        for (row, column, text) in cells {
            gathering.add(*row, *column, Cell::of_text(text))?;
        }
        Ok(gathering.finish())
    }

    #[test]
    fn cells_find_their_rows_in_whatever_order_they_come() {
        let sheets = gather(&[(5, 1, "b"), (2, 0, "a"), (5, 0, " c "), (3, 4, "  ")]).unwrap();
        let text = |text: &str| Cell::Text(text.into());
        assert_eq!(
            sheets[0].rows,
            [
                Row { number: 2, cells: vec![text("a")] },
                Row { number: 5, cells: vec![text("c"), text("b")] },
            ]
        );
        assert_eq!(gather(&[]).unwrap(), []);
    }

    #[test]
    fn rejects_a_row_a_column_and_a_cell_beyond_the_limits() {
        let place = "sheet 表1, row 100001, column A".to_owned();
        assert_eq!(gather(&[(MAX_ROWS + 1, 0, "a")]), Err(FileError::TooManyRows { place }));
        let place = "sheet 表1, row 1, column CW".to_owned();
        assert_eq!(gather(&[(1, MAX_COLUMNS, "a")]), Err(FileError::TooManyColumns { place }));
        assert!(gather(&[(1, 0, &"渠".repeat(MAX_CELL_CHARS))]).is_ok());
        let place = "sheet 表1, row 1, column A".to_owned();
        let long = "渠".repeat(MAX_CELL_CHARS + 1);
        assert_eq!(gather(&[(1, 0, &long)]), Err(FileError::CellTooLong { place }));
    }

    #[test]
    fn rejects_one_sheet_too_many() {
        let mut gathering = Gathering::default();
        for _ in 0..MAX_SHEETS {
            gathering.begin(None).unwrap();
        }
        assert_eq!(gathering.begin(None), Err(FileError::TooManySheets));
    }

    #[test]
    fn rejects_more_text_than_a_table_has() {
        let mut gathering = Gathering::default();
        gathering.begin(None).unwrap();
        let text = "x".repeat(MAX_CELL_CHARS);
        let fits = MAX_TEXT_BYTES / MAX_CELL_CHARS;
        let refused = (0..=fits).find_map(|at| {
            let row = u32::try_from(at / MAX_COLUMNS).unwrap();
            gathering.add(row, at % MAX_COLUMNS, Cell::of_text(&text)).err()
        });
        assert_eq!(refused, Some(FileError::TooMuchText));
    }
}
