use sheet::{Cell, FileError, open};

use super::{NOON_MS, columns, workbook, workbook_with, zip_of};

const READINGS: &[u8] = include_bytes!("../../vectors/readings.xlsx");
const READINGS_1904: &[u8] = include_bytes!("../../vectors/readings-1904.xlsx");

#[test]
fn a_workbook_that_another_program_made_is_read() {
    for bytes in [READINGS, READINGS_1904] {
        let sheets = open(bytes).unwrap();
        let names: Vec<_> = sheets.iter().map(|sheet| sheet.name.as_deref().unwrap()).collect();
        // Neither the hidden sheet nor the empty one.
        assert_eq!(names, ["东风村", "西沟村"]);

        let table = sheets[0].table(&columns()).unwrap();
        let records: Vec<_> = table.records().collect();
        let rows: Vec<_> = records.iter().map(sheet::Record::row).collect();
        assert_eq!(rows, [4, 5, 7]);
        let meters: Vec<_> = records.iter().map(|record| record.text("meter").unwrap()).collect();
        assert_eq!(meters, ["w01", "w02", "7"]);
        let times: Vec<_> =
            records.iter().map(|record| record.instant("time").unwrap().0).collect();
        assert_eq!(times, [NOON_MS, NOON_MS + 300_000, NOON_MS + 630_000]);
        // The last one is 0.30000000000000004 in the file.
        let values: Vec<_> = records.iter().map(|record| record.text("value").unwrap()).collect();
        assert_eq!(values, ["4720.6", "838860.7", "0.3"]);
        let notes: Vec<_> = records.iter().map(|record| record.optional_text("note")).collect();
        assert_eq!(notes[..2], [Ok(None), Ok(Some("表盖 松动".into()))]);
        let broken = notes[2].as_ref().unwrap_err().to_string();
        assert_eq!(
            broken,
            "sheet 东风村, row 7, column 备注: \"#N/A\" is an error of a formula: correct it"
        );

        let table = sheets[1].table(&columns()).unwrap();
        let record = table.records().next().unwrap();
        // A midnight, or a date alone: nobody can tell, and a whole day's readings could be meant.
        let refused = record.instant("time").unwrap_err();
        assert_eq!((refused.row, refused.value.as_str()), (2, "2016-05-02"));
        assert!(table.has("value") && !table.has("note"));
    }
}

#[test]
fn rejects_an_old_workbook_or_one_with_a_password() {
    let old = [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0; 512]].concat();
    assert_eq!(open(&old), Err(FileError::OldOffice));
}

#[test]
fn rejects_a_zip_file_that_is_no_workbook() {
    assert!(matches!(open(&zip_of(&[("readme.txt", b"hello")])), Err(FileError::Xlsx(_))));
    assert!(matches!(open(b"PK\x03\x04 and nothing else"), Err(FileError::Xlsx(_))));
    let cut = READINGS.get(..READINGS.len() / 2).unwrap();
    assert!(matches!(open(cut), Err(FileError::Xlsx(_))));
    let no_end = workbook("<row r=\"1\"><c r=\"A1\"><v>1</v>");
    assert!(matches!(open(&no_end), Err(FileError::Xlsx(_))));
}

#[test]
fn rejects_a_file_that_holds_nothing() {
    for bytes in [&b""[..], b"\xef\xbb\xbf", b"\n\n , \n", &workbook("")] {
        assert_eq!(open(bytes), Err(FileError::Empty));
    }
}

#[test]
fn a_sheet_that_claims_to_end_before_it_begins_harms_nothing() {
    // What fuzzing found: a panic where overflow is checked; elsewhere the claim is passed over.
    let sheet = "<worksheet><dimension ref=\"AA1:B2\"/><sheetData/></worksheet>";
    let refused = open(&workbook_with(sheet, &[])).unwrap_err();
    assert!(matches!(refused, FileError::Xlsx(_) | FileError::Empty), "{refused}");
}

#[test]
fn a_cell_far_away_reserves_nothing_and_is_named() {
    let far = workbook("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>");
    let place = "sheet Sheet1, row 1048576, column XFD".to_owned();
    assert_eq!(open(&far), Err(FileError::TooManyRows { place }));
    let wide = workbook("<row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row>");
    assert!(matches!(open(&wide), Err(FileError::TooManyColumns { .. })));
    // Formatted and empty to the very end, as people leave sheets.
    let formatted = workbook(
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\" s=\"0\"/></row>",
    );
    assert_eq!(open(&formatted).unwrap()[0].rows[0].cells, [Cell::Number("1".into())]);
}
