//! CSV (RFC 4180) as spreadsheets write it: separated by commas, semicolons or tabs, in the encodings in use in China.

use encoding_rs::{Encoding, GB18030, UTF_8};

use crate::cell::{Gathering, place};
use crate::{Cell, FileError, MAX_ROWS, Sheet};

/// Lines in which the separator is looked for: a title may stand above the table.
const SEPARATOR_LINES: usize = 20;

pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, FileError> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(&text))
        .from_reader(text.as_bytes());
    let mut gathering = Gathering::default();
    gathering.begin(None)?;
    for record in reader.records() {
        // The bytes are UTF-8 and rows may differ in length, so nothing is left that csv refuses.
        let record = record.map_err(|_| FileError::Encoding)?;
        let line = record.position().map_or(1, csv::Position::line);
        let line = u32::try_from(line).unwrap_or(MAX_ROWS.saturating_add(1));
        for (column, text) in record.iter().enumerate() {
            let cell = Cell::of_text(text);
            if let Cell::Text(text) = &cell
                && text.chars().any(char::is_control)
            {
                return Err(FileError::ControlCharacter { place: place(None, line, column) });
            }
            gathering.add(line, column, cell)?;
        }
    }
    Ok(gathering.finish())
}

/// The text of a file: by its byte order mark, else UTF-8 if it is valid, else GBK.
fn decode(bytes: &[u8]) -> Result<String, FileError> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, bytes.get(mark..).unwrap_or_default()),
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, bytes),
        // Reads all of GBK, and what came after it.
        None => (GB18030, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
    let text = text.ok_or(FileError::Encoding)?;
    // No text holds NUL; pictures and programs do.
    if text.contains('\0') {
        return Err(FileError::Encoding);
    }
    // csv counts lines by line feeds, one too few at the start of each record after a carriage return.
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The separator that stands most often in the first line that has any, outside quotation marks.
fn separator(text: &str) -> u8 {
    for line in text.lines().take(SEPARATOR_LINES) {
        let mut counts = [(b',', 0), (b'\t', 0), (b';', 0)];
        let mut quoted = false;
        for byte in line.bytes() {
            if byte == b'"' {
                quoted = !quoted;
            } else if !quoted
                && let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == byte)
            {
                *count += 1;
            }
        }
        // Of equals the first, since max_by_key takes the last.
        let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        if let Some((separator, 1..)) = most {
            return separator;
        }
    }
    b','
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        let sheets = read(bytes).unwrap();
        let rows = sheets.into_iter().flat_map(|sheet| sheet.rows);
        rows.map(|row| row.cells.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn the_encoding_makes_no_difference() {
        let text = "水表,读数\r\nw1,4720\r\n";
        let expected = [["水表", "读数"], ["w1", "4720"]];
        assert_eq!(cells(text.as_bytes()), expected);
        assert_eq!(cells(format!("\u{feff}{text}").as_bytes()), expected);
        assert_eq!(cells(&GB18030.encode(text).0), expected);
        let utf16: Vec<u8> =
            format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(cells(&utf16), expected);
    }

    #[test]
    fn the_separator_is_recognised() {
        let expected = [["meter", "value"], ["w1", "1"]];
        for separator in [",", ";", "\t"] {
            let text = format!("meter{separator}value\nw1{separator}1\n");
            assert_eq!(cells(text.as_bytes()), expected, "{separator:?}");
        }
        assert_eq!(cells(b"readings of May\n\"a,b\";value\nw1;1,5\n")[2], ["w1", "1,5"]);
        assert_eq!(cells(b"alone\n"), [["alone"]]);
    }

    #[test]
    fn rows_are_numbered_by_lines_and_empty_ones_left_out() {
        let sheets = read(b"a,b\n\n , \n\"x\"\"y\",2\n").unwrap();
        let rows: Vec<_> = sheets[0].rows.iter().map(|row| row.number).collect();
        assert_eq!(rows, [1, 4]);
        assert_eq!(sheets[0].rows[1].cells[0], Cell::Text("x\"y".into()));
    }

    #[test]
    fn rejects_what_is_no_text() {
        for bytes in [&b"\x89PNG\r\n\x1a\n\0\0"[..], b"\xff\xff\xff", b"a,\xb0", b"\xff\xfea\0b"] {
            assert_eq!(read(bytes), Err(FileError::Encoding), "{bytes:?}");
        }
    }

    #[test]
    fn rejects_a_quotation_mark_without_its_partner() {
        let place = "row 2, column B".to_owned();
        let refused = read(b"meter,note\nw1,\"open\nw2,closed\n");
        assert_eq!(refused, Err(FileError::ControlCharacter { place }));
    }
}
