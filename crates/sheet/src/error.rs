//! Why a file cannot be read at all.

use thiserror::Error;

use crate::{
    MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS, MAX_SHEETS, MAX_TEXT_BYTES,
    MAX_UNPACKED_BYTES, MAX_XLSX_PARTS,
};

const MIB: usize = 1024 * 1024;

/// Why a file cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the file has {bytes} bytes: split it into files of at most {} MiB", MAX_FILE_BYTES / MIB)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No cell holds anything.
    #[error("the file holds nothing: is it the right one?")]
    Empty,
    /// The binary form of old Excel, or an XLSX file with a password.
    #[error("the file is an .xls file or has a password: save it as .xlsx without one, or as CSV")]
    OldOffice,
    /// A ZIP file that is no workbook, or a damaged one.
    #[error(
        "the file is not an XLSX workbook that can be read ({0}): save it again as .xlsx or CSV"
    )]
    Xlsx(String),
    /// A part that is stored with a password.
    #[error("the workbook is encrypted: save it without a password")]
    Encrypted,
    /// More parts than [`MAX_XLSX_PARTS`].
    #[error(
        "the workbook has more than {MAX_XLSX_PARTS} parts: save its table in a file of its own"
    )]
    TooManyParts,
    /// It unpacks to more than [`MAX_UNPACKED_BYTES`].
    #[error(
        "the workbook unpacks to more than {} MiB: save its table in a file of its own",
        MAX_UNPACKED_BYTES / (1024 * 1024)
    )]
    Unpacked,
    /// More sheets than [`MAX_SHEETS`].
    #[error("the workbook has more than {MAX_SHEETS} sheets: split it")]
    TooManySheets,
    /// Text that is neither UTF-8 nor GBK, or no text at all.
    #[error("the file is neither XLSX nor text in UTF-8 or GBK: save it as .xlsx or CSV")]
    Encoding,
    /// A row beyond [`MAX_ROWS`].
    #[error("{place} lies beyond row {MAX_ROWS}: split the file")]
    TooManyRows {
        /// Where.
        place: String,
    },
    /// A column beyond [`MAX_COLUMNS`].
    #[error("{place} lies beyond column {MAX_COLUMNS}: delete the columns that are not needed")]
    TooManyColumns {
        /// Where.
        place: String,
    },
    /// More cells than [`MAX_CELLS`].
    #[error("the file has more than {MAX_CELLS} cells: split it")]
    TooManyCells,
    /// A cell longer than [`MAX_CELL_CHARS`].
    #[error(
        "{place} holds more than {MAX_CELL_CHARS} characters: shorten it; in CSV, is a quotation mark missing?"
    )]
    CellTooLong {
        /// Where.
        place: String,
    },
    /// More text than [`MAX_TEXT_BYTES`].
    #[error("the file has more than {} MiB of text: split it", MAX_TEXT_BYTES / MIB)]
    TooMuchText,
    /// A line break or another control character inside a cell of a CSV file.
    #[error(
        "{place} has a line break or a control character inside a cell: remove it; is a quotation mark missing?"
    )]
    ControlCharacter {
        /// Where.
        place: String,
    },
}
