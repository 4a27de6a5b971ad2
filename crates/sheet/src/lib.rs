//! Tables that people hand in and take away: CSV and XLSX, as rows of cells with the numbers that the person sees beside
//! them.
//!
//! ```text
//! bytes ─▶ open ─▶ Sheet (rows of cells) ─▶ Sheet::table ─▶ Table ─▶ Record::text, ::instant, …
//! rows of values ─▶ Handout ─▶ Handout::csv, Handout::xlsx ─▶ bytes
//! ```
//!
//! In scope: the two file forms and their encodings, the limits on what a file may hold, which column is which, dates and
//! times as clerks write them. Out of scope: what a column means, and everything that is done with a record.
//!
//! Every [`Problem`] names sheet, row, column, value and what is allowed; [`Problems`] gathers those of a whole file, so
//! that a clerk corrects it once. `docs/formats/files.md` describes the files for those who write them.

mod cell;
mod csv_file;
mod error;
mod handout;
mod problem;
mod table;
mod time;
mod xlsx_file;

pub use cell::{Cell, Row, Sheet};
pub use error::FileError;
pub use handout::{Handout, HandoutError, MAX_DECIMALS, Value};
pub use problem::{MAX_PROBLEMS, Problem, Problems};
pub use table::{Column, HEADER_ROWS, Record, Table};
pub use time::{INSTANT_FORMS, Instant};

/// The largest file that is read.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes that an XLSX file may unpack to.
pub const MAX_UNPACKED_BYTES: u64 = 128 * 1024 * 1024;
/// The most parts inside an XLSX file.
pub const MAX_XLSX_PARTS: usize = 1_000;
/// The most sheets of a file.
pub const MAX_SHEETS: usize = 100;
/// The last row that is read, as the program that made the file numbers it.
pub const MAX_ROWS: u32 = 100_000;
/// The most columns.
pub const MAX_COLUMNS: usize = 100;
/// The most cells of a file that hold something.
pub const MAX_CELLS: usize = 2_000_000;
/// The longest text of a cell, in characters.
pub const MAX_CELL_CHARS: usize = 500;
/// The most text of a file, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// Reads a file: XLSX if it is one, else CSV in UTF-8 (with or without a mark), UTF-16 with a mark, or GBK.
///
/// Sheets that hold nothing are left out.
pub fn open(bytes: &[u8]) -> Result<Vec<Sheet>, FileError> {
    const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
    const OLD_OFFICE_MAGIC: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];
    if bytes.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { bytes: bytes.len() });
    }
    let sheets = if bytes.starts_with(ZIP_MAGIC) {
        xlsx_file::read(bytes)?
    } else if bytes.starts_with(OLD_OFFICE_MAGIC) {
        return Err(FileError::OldOffice);
    } else {
        csv_file::read(bytes)?
    };
    if sheets.is_empty() { Err(FileError::Empty) } else { Ok(sheets) }
}
