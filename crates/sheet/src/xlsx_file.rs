//! XLSX (ECMA-376), read by calamine: cell by cell, so that a sheet's claimed size reserves nothing, and only after its
//! parts were unpacked once for their size.

use std::io::{Cursor, Read};

use calamine::{Data, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::cell::Gathering;
use crate::{Cell, FileError, MAX_UNPACKED_BYTES, MAX_XLSX_PARTS, Sheet};

/// Excel keeps and shows this many significant digits (a double has some more, which are noise).
const SIGNIFICANT_DIGITS: usize = 15;
/// Beyond this many zeros a number is no reading; it is written with its exponent.
const MAX_ZEROS: usize = 30;

pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, FileError> {
    check_unpacked(bytes)?;
    // calamine reckons with positions that the file claims; fuzzing found some over which it panics.
    let read = std::panic::catch_unwind(|| read_workbook(bytes));
    read.unwrap_or_else(|_| Err(FileError::Xlsx("a part claims what cannot be".to_owned())))
}

fn read_workbook(bytes: &[u8]) -> Result<Vec<Sheet>, FileError> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let names: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        // What the person does not see is not handed in.
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut gathering = Gathering::default();
    for name in names {
        gathering.begin(Some(name.clone()))?;
        let mut cells = workbook.worksheet_cells_reader(&name).map_err(unreadable)?;
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (row, column) = cell.get_position();
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            gathering.add(row.saturating_add(1), column, read_cell(cell.get_value()))?;
        }
    }
    Ok(gathering.finish())
}

/// Unpacks every part and counts: what a part claims to be is not believed.
fn check_unpacked(bytes: &[u8]) -> Result<(), FileError> {
    let zip_error = |error: zip::result::ZipError| FileError::Xlsx(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(zip_error)?;
    if archive.len() > MAX_XLSX_PARTS {
        return Err(FileError::TooManyParts);
    }
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        if archive.by_index_raw(index).map_err(zip_error)?.encrypted() {
            return Err(FileError::Encrypted);
        }
        let part = archive.by_index(index).map_err(zip_error)?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink())
            .map_err(|error| FileError::Xlsx(error.to_string()))?;
        left = left.checked_sub(unpacked).ok_or(FileError::Unpacked)?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err hands it in")]
fn unreadable(error: XlsxError) -> FileError {
    // It quotes the file, which may be hostile.
    FileError::Xlsx(error.to_string().chars().filter(|c| !c.is_control()).take(100).collect())
}

fn read_cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) => text_cell(text),
        DataRef::SharedString(text) => text_cell(text),
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => Cell::Number(decimal(*number)),
        DataRef::DateTime(serial) => match wall(serial) {
            // A workbook tells no midnight from a date alone, and a day's readings would all be of its first minute.
            Some(at) if at.time() == NaiveTime::MIN => text_cell(&at.date().to_string()),
            Some(at) => Cell::Wall(at),
            None => Cell::Number(decimal(serial.as_f64())),
        },
        other => text_cell(&Data::from(other.clone()).to_string()),
    }
}

/// A text's cell; a line break in a workbook's cell is how its author wrapped it.
fn text_cell(text: &str) -> Cell {
    const ERROR_MARK: char = '#';
    if text.starts_with(ERROR_MARK) && text.ends_with(['!', '?', 'A']) && !text.contains(' ') {
        return Cell::Broken(text.to_owned());
    }
    if text.chars().any(char::is_control) {
        return Cell::of_text(&text.replace(char::is_control, " "));
    }
    Cell::of_text(text)
}

/// The wall clock of a serial date, to the second; none for a duration or what lies outside the calendar.
fn wall(serial: &ExcelDateTime) -> Option<NaiveDateTime> {
    if !serial.is_datetime() {
        return None;
    }
    let (year, month, day, hour, minute, second, milli) = serial.to_ymd_hms_milli();
    let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
    let time = TimeDelta::hours(hour.into())
        + TimeDelta::minutes(minute.into())
        + TimeDelta::seconds(second.into())
        + TimeDelta::seconds(i64::from(milli >= 500));
    date.and_hms_opt(0, 0, 0)?.checked_add_signed(time)
}

/// A double as plain decimal text with the digits that Excel shows.
fn decimal(number: f64) -> String {
    let written = format!("{number:.*e}", SIGNIFICANT_DIGITS - 1);
    let Some((mantissa, exponent)) = written.split_once('e') else { return written };
    let Ok(exponent) = exponent.parse::<i32>() else { return written };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    // The decimal point stands after so many digits.
    let point = exponent + 1;
    let Ok(zeros) = usize::try_from(point.unsigned_abs()) else { return written };
    if zeros > MAX_ZEROS {
        return written;
    }
    if point <= 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    }
    match digits.split_at_checked(zeros) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, part)) => format!("{sign}{whole}.{part}"),
        None => format!("{sign}{digits}{}", "0".repeat(zeros - digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn a_number_becomes_the_text_that_excel_shows() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (4720.0, "4720"),
            (4720.6, "4720.6"),
            (-0.05, "-0.05"),
            (0.1 + 0.2, "0.3"),
            (838_860.7, "838860.7"),
            (1e15, "1000000000000000"),
            (123_456_789_012_345.0, "123456789012345"),
            (1.5e-7, "0.00000015"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(decimal(number), text);
        }
        assert_eq!(decimal(1e300), "1.00000000000000e300");
    }

    #[test]
    fn a_serial_becomes_the_wall_clock() {
        let shown = |serial: f64, is_1904: bool| {
            let serial = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, is_1904);
            wall(&serial).map(|wall| wall.to_string())
        };
        assert_eq!(shown(42_491.583_333_333_336, false).as_deref(), Some("2016-05-01 14:00:00"));
        assert_eq!(shown(41_029.583_333_333_336, true).as_deref(), Some("2016-05-01 14:00:00"));
        // 13:59:59.9999, which a sum of fractions may leave.
        assert_eq!(shown(42_491.583_333_332_2, false).as_deref(), Some("2016-05-01 14:00:00"));
        assert_eq!(shown(42_491.999_999_999, false).as_deref(), Some("2016-05-02 00:00:00"));
        let duration = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(wall(&duration), None);
    }
}
