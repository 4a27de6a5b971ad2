use std::fmt::Write;

use sheet::{FileError, MAX_FILE_BYTES, MAX_UNPACKED_BYTES, MAX_XLSX_PARTS, open};

use super::{workbook_of, zip_of};

#[test]
fn rejects_a_file_that_is_too_large() {
    let bytes = MAX_FILE_BYTES + 1;
    assert_eq!(open(&vec![b'a'; bytes]), Err(FileError::TooLarge { bytes }));
}

#[test]
fn rejects_a_part_that_unpacks_to_too_much() {
    let zeros = vec![0; usize::try_from(MAX_UNPACKED_BYTES).unwrap() + 1];
    let bomb = zip_of(&[("xl/workbook.xml", &zeros)]);
    assert!(bomb.len() < MAX_FILE_BYTES, "{}", bomb.len());
    assert_eq!(open(&bomb), Err(FileError::Unpacked));
}

#[test]
fn rejects_too_many_parts() {
    let names: Vec<String> = (0..=MAX_XLSX_PARTS).map(|at| format!("part{at}")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    assert_eq!(open(&zip_of(&parts)), Err(FileError::TooManyParts));
}

#[test]
fn rejects_a_long_text_that_many_cells_repeat() {
    // The text stands once in the file, and 50,000 cells point at it.
    let text = "长".repeat(500);
    let mut rows = String::new();
    for row in 1..=500 {
        write!(rows, "<row r=\"{row}\">{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(100)).unwrap();
    }
    let bomb = workbook_of(&rows, &[&text]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    assert_eq!(open(&bomb), Err(FileError::TooMuchText));
}
