//! Tables that people take away: CSV (RFC 4180, in UTF-8 with a byte order mark) and XLSX, of the same rows.
//!
//! A number is an integer and its decimals until the file is written. In CSV it is its decimal text; in XLSX it is the
//! double nearest to that text, which is the only number that the format has, shown with just these decimals.

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError,
};
use thiserror::Error;

use crate::{MAX_COLUMNS, MAX_ROWS};

/// The most decimals of a number.
pub const MAX_DECIMALS: u8 = 6;
/// What a text must not begin with in CSV, where a spreadsheet would run it as a formula; also in full width.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
/// Paper of A4 in XLSX (ECMA-376, ST paperSize).
const XLSX_PAPER_A4: u8 = 9;
const COLUMN_WIDTH_CHARS: u8 = 12;

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Blank,
    /// A text.
    Text(String),
    /// A number: so many units of the last decimal.
    Number {
        /// How many.
        units: i64,
        /// How many decimals, at most [`MAX_DECIMALS`].
        decimals: u8,
    },
}

/// A table to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handout {
    /// The name of the sheet in XLSX: 1 to 31 characters, none of `[]:*?/\`.
    pub name: String,
    /// When it is from, in Unix seconds: the same table is the same file.
    pub as_of: i64,
    /// The headings.
    pub headings: Vec<String>,
    /// The rows, each with a cell for every heading.
    pub rows: Vec<Vec<Value>>,
}

/// Why a table cannot be written.
#[derive(Debug, Error)]
pub enum HandoutError {
    /// Too many rows or columns.
    #[error(
        "a file has at most {MAX_ROWS} rows and {MAX_COLUMNS} columns: take a part of the table"
    )]
    TooLarge,
    /// A row that does not fit its headings.
    #[error("row {row} has not as many cells as there are headings: give each heading a cell")]
    Ragged {
        /// The row, counted from 1.
        row: usize,
    },
    /// A number with too many decimals.
    #[error("a number has at most {MAX_DECIMALS} decimals")]
    Decimals,
    /// What the CSV writer refuses.
    #[error("the table cannot be written as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// What the XLSX writer refuses.
    #[error("the table cannot be written as XLSX: {0}")]
    Xlsx(#[from] XlsxError),
}

impl Value {
    /// What a person reads: a number with its decimals.
    pub fn text(&self) -> String {
        match self {
            Self::Blank => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number { units, decimals } => decimal(*units, *decimals),
        }
    }
}

impl Handout {
    /// The table as CSV, its lines ended by CR LF. A text that begins as a formula would gets a `'` before it.
    pub fn csv(&self) -> Result<Vec<u8>, HandoutError> {
        self.check()?;
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer("\u{feff}".as_bytes().to_vec());
        writer.write_record(self.headings.iter().map(|heading| harmless(heading)))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|value| match value {
                Value::Text(text) => harmless(text),
                value => value.text(),
            }))?;
        }
        writer.into_inner().map_err(|error| HandoutError::Csv(error.into_error().into()))
    }

    /// The table as XLSX: one sheet, its headings frozen and repeated on each printed page.
    pub fn xlsx(&self) -> Result<Vec<u8>, HandoutError> {
        self.check()?;
        let mut workbook = Workbook::new();
        let as_of = ExcelDateTime::from_timestamp(self.as_of)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&as_of));
        let sheet = workbook.add_worksheet();
        sheet.set_name(&self.name)?;
        sheet.set_landscape().set_paper_size(XLSX_PAPER_A4).set_print_fit_to_pages(1, 0);
        sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
        let bold = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top);
        for (column, heading) in (0_u16..).zip(&self.headings) {
            sheet.set_column_width(column, COLUMN_WIDTH_CHARS)?;
            sheet.write_string_with_format(0, column, heading, &bold)?;
        }
        let formats: Vec<Format> = (0..=MAX_DECIMALS).map(number_format).collect();
        for (row, values) in (1_u32..).zip(&self.rows) {
            for (column, value) in (0_u16..).zip(values) {
                write(sheet, (row, column), value, &formats)?;
            }
        }
        Ok(workbook.save_to_buffer()?)
    }

    fn check(&self) -> Result<(), HandoutError> {
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        if rows >= MAX_ROWS || self.headings.len() > MAX_COLUMNS {
            return Err(HandoutError::TooLarge);
        }
        if let Some(place) = self.rows.iter().position(|row| row.len() != self.headings.len()) {
            return Err(HandoutError::Ragged { row: place + 1 });
        }
        let fine = |value: &Value| match value {
            Value::Number { decimals, .. } => *decimals <= MAX_DECIMALS,
            Value::Blank | Value::Text(_) => true,
        };
        if self.rows.iter().flatten().all(fine) { Ok(()) } else { Err(HandoutError::Decimals) }
    }
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: &Value,
    formats: &[Format],
) -> Result<(), HandoutError> {
    match value {
        Value::Blank => {}
        Value::Text(text) => {
            sheet.write_string(row, column, text)?;
        }
        Value::Number { decimals, .. } => {
            let format = formats.get(usize::from(*decimals)).ok_or(HandoutError::Decimals)?;
            let number: f64 = value.text().parse().map_err(|_| HandoutError::Decimals)?;
            sheet.write_number_with_format(row, column, number, format)?;
        }
    }
    Ok(())
}

fn number_format(decimals: u8) -> Format {
    let zeros = "0".repeat(usize::from(decimals));
    let format = if zeros.is_empty() { "#,##0".to_owned() } else { format!("#,##0.{zeros}") };
    Format::new().set_num_format(format)
}

/// A text as a spreadsheet shows it and does not run it.
fn harmless(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) { format!("'{text}") } else { text.to_owned() }
}

/// Units of the last decimal as decimal text.
fn decimal(units: i64, decimals: u8) -> String {
    let places = usize::from(decimals);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = places + 1);
    let sign = if units < 0 { "-" } else { "" };
    let (whole, part) = digits.split_at(digits.len() - places);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, Sheet, open};

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn number(units: i64, decimals: u8) -> Value {
        Value::Number { units, decimals }
    }

    fn handout(rows: Vec<Vec<Value>>) -> Handout {
        let headings = ["户主", "户水量, m³"].map(str::to_owned).to_vec();
        Handout { name: "公示榜".to_owned(), as_of: 1_777_600_000, headings, rows }
    }

    fn read(bytes: &[u8]) -> Sheet {
        open(bytes).unwrap().remove(0)
    }

    #[test]
    fn csv_has_a_mark_its_lines_and_its_quotes() {
        let rows = vec![
            vec![text("张*明"), number(-5, 3)],
            vec![text("say \"hi\",\nthen"), number(1_234_567, 3)],
            vec![Value::Blank, number(7, 0)],
        ];
        let csv = String::from_utf8(handout(rows).csv().unwrap()).unwrap();
        let told = "\u{feff}户主,\"户水量, m³\"\r\n张*明,-0.005\r\n\"say \"\"hi\"\",\nthen\",1234.567\r\n,7\r\n";
        assert_eq!(csv, told);
    }

    #[test]
    fn no_text_of_csv_runs_as_a_formula() {
        for start in FORMULA_STARTS {
            let evil = format!("{start}HYPERLINK(\"http://x\")");
            let csv = handout(vec![vec![text(&evil), number(-1, 2)]]).csv().unwrap();
            let mut reader = csv::ReaderBuilder::new().from_reader(&csv[3..]);
            let record = reader.records().next().unwrap().unwrap();
            assert_eq!(record.get(0).unwrap(), format!("'{evil}"));
            assert_eq!(record.get(1).unwrap(), "-0.01", "a number is none");
        }
    }

    #[test]
    fn xlsx_comes_back_cell_by_cell() {
        let rows = vec![
            vec![text("=1+1"), number(4_720_600, 3)],
            vec![text("张*明"), number(-118_676, 2)],
            vec![Value::Blank, number(12_900, 0)],
            vec![text("大"), number(999_999_999_999_999, 3)],
        ];
        let bytes = handout(rows).xlsx().unwrap();
        let sheet = read(&bytes);
        assert_eq!(sheet.name.as_deref(), Some("公示榜"));
        let cells = |row: usize| sheet.rows[row].cells.clone();
        let text = |text: &str| Cell::Text(text.to_owned());
        let number = |text: &str| Cell::Number(text.to_owned());
        assert_eq!(cells(0), [text("户主"), text("户水量, m³")]);
        assert_eq!(cells(1), [text("=1+1"), number("4720.6")]);
        assert_eq!(cells(2), [text("张*明"), number("-1186.76")]);
        assert_eq!(cells(3), [Cell::Empty, number("12900")]);
        assert_eq!(cells(4), [text("大"), number("999999999999.999")]);
    }

    #[test]
    fn the_same_table_is_the_same_file() {
        let one = handout(vec![vec![text("a"), number(1, 2)]]);
        assert_eq!(one.xlsx().unwrap(), one.xlsx().unwrap());
    }

    #[test]
    fn both_files_say_the_same() {
        let one = handout(vec![vec![text("李*"), number(5, 3)], vec![text("王*"), number(0, 2)]]);
        let (csv, xlsx) = (read(&one.csv().unwrap()), read(&one.xlsx().unwrap()));
        let shown =
            |sheet: &Sheet, row: usize, cell: usize| sheet.rows[row].cells[cell].to_string();
        assert_eq!((shown(&csv, 1, 1), shown(&xlsx, 1, 1)), ("0.005".into(), "0.005".into()));
        assert_eq!((shown(&csv, 2, 1), shown(&xlsx, 2, 1)), ("0.00".into(), "0".into()));
    }

    #[test]
    fn rejects_a_ragged_row() {
        let error = handout(vec![vec![text("a")]]).csv().unwrap_err();
        assert!(matches!(error, HandoutError::Ragged { row: 1 }), "{error}");
    }

    #[test]
    fn rejects_too_many_decimals() {
        let error = handout(vec![vec![text("a"), number(1, MAX_DECIMALS + 1)]]).xlsx().unwrap_err();
        assert!(matches!(error, HandoutError::Decimals), "{error}");
        assert!(handout(vec![vec![text("a"), number(1, MAX_DECIMALS)]]).xlsx().is_ok());
    }

    #[test]
    fn rejects_more_rows_than_a_file_has() {
        let row = vec![Value::Blank, Value::Blank];
        let error = handout(vec![row; MAX_ROWS as usize]).csv().unwrap_err();
        assert!(matches!(error, HandoutError::TooLarge), "{error}");
    }
}
