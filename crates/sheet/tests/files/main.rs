//! Files as people hand them in: what is read from them, and what is said of those that cannot be read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bombs;
mod tables;
mod workbooks;

use std::io::{Cursor, Write};

use sheet::Column;
use zip::write::SimpleFileOptions;

/// 2016-05-01 14:00 in Beijing.
const NOON_MS: i64 = 1_462_082_400_000;

/// What the readings' importer asks for.
fn columns() -> Vec<Column> {
    vec![
        Column::required("meter", &["水表", "meter"]),
        Column::required("time", &["时间", "time"]),
        Column::required("value", &["读数(m³)", "reading m3"]),
        Column::optional("note", &["备注", "note"]),
    ]
}

/// A ZIP file of these parts, stored or deflated.
fn zip_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const NAMESPACE: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const CONTENT_TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
const ROOT_RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

/// A workbook of one sheet with this `sheetData`.
fn workbook(sheet_data: &str) -> Vec<u8> {
    workbook_of(sheet_data, &[])
}

/// A workbook of one sheet with this `sheetData` and these shared texts.
fn workbook_of(sheet_data: &str, texts: &[&str]) -> Vec<u8> {
    let sheet = format!(
        r#"<worksheet xmlns="{NAMESPACE}"><sheetData>{sheet_data}</sheetData></worksheet>"#
    );
    workbook_with(&sheet, texts)
}

/// A workbook of one sheet as it stands here, and these shared texts.
fn workbook_with(sheet: &str, texts: &[&str]) -> Vec<u8> {
    let texts: Vec<String> = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    let texts = format!(r#"<sst xmlns="{NAMESPACE}">{}</sst>"#, texts.concat());
    zip_of(&[
        ("[Content_Types].xml", CONTENT_TYPES.as_bytes()),
        ("_rels/.rels", ROOT_RELATIONS.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/sharedStrings.xml", texts.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}
