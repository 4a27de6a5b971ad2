//! One function for each parser of outside bytes: it must neither panic nor break the law that stands beside it.

use std::io::{Cursor, Write};
use std::sync::OnceLock;

use disclosure::bundle::{self, BundleId};
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::note::{SignedNote, VerifierKey};
use disclosure::proof::TlogProof;
use disclosure::statement::{self, Statement};
use disclosure::submission::Submission;
use disclosure::tile::TileId;
use disclosure::witness::AddCheckpoint;
use disclosure::witness_policy::WitnessPolicy;
use mqtt::adapter::config::AdapterConfig;
use mqtt::adapter::{Adapters, Taken};
use service::request::Request;
use sheet::{Column, FileError, Sheet};
use telemetry::{ChainHash, Kind, Report, SigningKey};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// 2016-05-01T06:10:00.5Z.
const ARRIVED_MS: i64 = 1_462_083_000_500;
const SIGNATURE_BYTES: usize = 64;

/// A report that is read has exactly one encoding: signed again it is the same bytes, up to the signature.
pub fn report(bytes: &[u8]) {
    let Ok(signed) = telemetry::decode(bytes) else { return };
    let report = signed.report();
    let again = telemetry::sign(report, &SigningKey::from_bytes(&[7; 32])).unwrap();
    let unsigned = |message: &[u8]| message[..message.len() - SIGNATURE_BYTES].to_vec();
    assert_eq!(unsigned(&again), unsigned(bytes));
    assert_eq!(telemetry::decode(&again).unwrap().report(), report);
}

/// An event of a `ChirpStack` server, of the device that the adapter knows.
pub fn chirpstack(bytes: &[u8]) {
    static ADAPTERS: OnceLock<Adapters> = OnceLock::new();
    let adapters = ADAPTERS.get_or_init(|| adapters(&[CHIRPSTACK]));
    for event in ["up", "status", "log"] {
        let topic = format!("application/1/device/24e124136b502217/event/{event}");
        take(adapters, &topic, bytes);
    }
}

/// A message in JSON, read by every form of mapping.
pub fn mapped_json(bytes: &[u8]) {
    static ADAPTERS: OnceLock<Adapters> = OnceLock::new();
    let adapters = ADAPTERS.get_or_init(|| adapters(&JSON));
    for topic in ["one/m7/data", "samples/m7", "wall/data"] {
        take(adapters, topic, bytes);
    }
}

/// A CSV file in whatever encoding.
pub fn csv(bytes: &[u8]) {
    const ZIP_MAGIC: &[u8] = b"PK";
    if !bytes.starts_with(ZIP_MAGIC) {
        read_sheets(sheet::open(bytes));
    }
}

/// A workbook: the bytes as they are, and as the parts of a workbook that is whole, divided by `0xff`.
pub fn xlsx(bytes: &[u8]) {
    read_sheets(sheet::open(bytes));
    let mut parts = bytes.split(|byte| *byte == 0xff);
    let mut next = |otherwise: &'static str| match parts.next() {
        None | Some([]) => otherwise.as_bytes().to_vec(),
        Some(part) => part.to_vec(),
    };
    let workbook = zip_of(&[
        ("xl/worksheets/sheet1.xml", next(SHEET_XML)),
        ("xl/sharedStrings.xml", next(STRINGS_XML)),
        ("xl/styles.xml", next(STYLES_XML)),
        ("xl/workbook.xml", next(WORKBOOK_XML)),
        ("xl/_rels/workbook.xml.rels", next(WORKBOOK_RELATIONS_XML)),
        ("_rels/.rels", next(ROOT_RELATIONS_XML)),
        ("[Content_Types].xml", next(CONTENT_TYPES_XML)),
    ]);
    read_sheets(sheet::open(&workbook));
}

/// The file in which audits remember checkpoints: what is read, written again, is read as the same.
pub fn memory(bytes: &[u8]) {
    let Ok(memory) = audit::Memory::parse(bytes) else { return };
    let again = memory.to_json().unwrap();
    assert_eq!(audit::Memory::parse(&again).unwrap(), memory);
}

/// What a client of the endpoint sends.
pub fn mqtt_packets(bytes: &[u8]) {
    let packets = mqtt::read_packets(bytes);
    // The shortest packet has two bytes.
    assert!(packets * 2 <= bytes.len());
}

/// What a log sends to a witness has one spelling.
pub fn add_checkpoint(bytes: &[u8]) {
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_bytes(), bytes);
    }
}

/// A person's request, written again, is the same request.
pub fn request(bytes: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(bytes) else { return };
    let again = serde_json::to_vec(&request).unwrap();
    assert_eq!(serde_json::from_slice::<Request>(&again).unwrap(), request);
}

/// An envelope, written again, is the same envelope.
pub fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes) else { return };
    assert_eq!(Envelope::parse(&envelope.to_json()).unwrap(), envelope);
}

/// A statement of each kind, written again, is the same statement.
pub fn statement(bytes: &[u8]) {
    for kind in statement::Kind::ALL {
        let payload_type = kind.payload_type();
        let Ok(statement) = Statement::parse(&payload_type, bytes) else { continue };
        let again = statement.to_payload().unwrap();
        assert_eq!(Statement::parse(&payload_type, &again).unwrap(), statement);
    }
}

/// A submission receipt's content, written again, is the same.
pub fn submission(bytes: &[u8]) {
    let Ok(submission) = serde_json::from_slice::<Submission>(bytes) else { return };
    let again = serde_json::to_vec(&submission).unwrap();
    assert_eq!(serde_json::from_slice::<Submission>(&again).unwrap(), submission);
}

/// A signed note, and the checkpoint in it, written again are the same.
pub fn note(bytes: &[u8]) {
    let Ok(note) = SignedNote::parse(bytes) else { return };
    assert_eq!(SignedNote::parse(&note.to_bytes()).unwrap(), note);
    if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
        assert_eq!(Checkpoint::parse(&checkpoint.note_text()).unwrap(), checkpoint);
    }
}

/// A receipt, written again, is the same receipt.
pub fn receipt(bytes: &[u8]) {
    let Ok(receipt) = TlogProof::parse(bytes) else { return };
    assert_eq!(TlogProof::parse(&receipt.to_bytes()).unwrap(), receipt);
}

/// A bundle has one spelling.
pub fn bundle(bytes: &[u8]) {
    if let Ok(entries) = bundle::decode(bytes) {
        assert_eq!(bundle::encode(&entries).unwrap(), bytes);
    }
}

/// A path into a log has one spelling.
pub fn log_path(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    if let Ok(tile) = TileId::from_path(path) {
        assert_eq!(tile.path(), path);
    }
    if let Ok(bundle) = BundleId::from_path(path) {
        assert_eq!(bundle.path(), path);
    }
}

/// A verifier key has one spelling.
pub fn verifier_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
}

/// A policy in its plainest spelling is the same policy; all its witnesses together satisfy it.
pub fn witness_policy(bytes: &[u8]) {
    let Ok(policy) = WitnessPolicy::parse(bytes) else { return };
    assert_eq!(WitnessPolicy::parse(&policy.to_bytes()).unwrap(), policy);
    assert!(policy.is_met(&policy.witness_keys()));
}

/// Readings that an adapter yields can stand in a report as they are.
fn take(adapters: &Adapters, topic: &str, bytes: &[u8]) {
    let taken = adapters.take(topic, bytes, ARRIVED_MS);
    let Some(Ok(Taken::Reading(reading))) = taken else { return };
    let report = Report {
        meter: reading.meter,
        seq: 1,
        boot: 0,
        previous: ChainHash::FIRST,
        kind: Kind::Register,
        readings: reading.readings,
        flags: reading.flags,
    };
    report.check().unwrap();
}

/// Rows ascend, and every cell that a clerk may have filled in is read or named as a problem.
fn read_sheets(sheets: Result<Vec<Sheet>, FileError>) {
    let columns = [
        Column::required("meter", &["水表", "meter"]),
        Column::required("time", &["时间", "time"]),
        Column::optional("value", &["读数", "value"]),
    ];
    for sheet in sheets.unwrap_or_default() {
        assert!(sheet.rows.windows(2).all(|pair| pair[0].number < pair[1].number));
        let Ok(table) = sheet.table(&columns) else { continue };
        for record in table.records() {
            assert!(
                record.text("meter").is_ok_and(|text| !text.is_empty())
                    || record.text("meter").is_err()
            );
            for problem in [record.instant("time").err(), record.text("value").err()] {
                assert!(problem.is_none_or(|problem| !problem.to_string().is_empty()));
            }
        }
    }
}

fn adapters(configs: &[&str]) -> Adapters {
    let configs: Vec<AdapterConfig> =
        configs.iter().map(|config| toml::from_str(config).unwrap()).collect();
    Adapters::new(&configs).unwrap()
}

fn zip_of(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const CHIRPSTACK: &str = r#"
kind = "chirpstack"
battery_low_below_percent = 20
ports = [0, 2]
devices = { 24e124136b502217 = "well-1" }
value = { pointer = "/object/total_m3", scale = "10", rounding = "nearest" }
flags = { battery = { pointer = "/object/battery_v", low_below = "3.2" }, tamper = "/object/tamper" }
"#;

const JSON: [&str; 3] = [
    r#"
kind = "json"
topic = "one/+/data"
meter = { topic_level = 2 }
value = { pointer = "/v", scale = "1000", offset = "-0.25", rounding = "down" }
time = { form = "unix-seconds", pointer = "/t" }
flags = { battery = { pointer = "/b", low_below = "3.3" } }
message_id = "/n"
"#,
    r#"
kind = "json"
topic = "samples/#"
meter = { pointer = "/id" }
samples = "/s"
value = { pointer = "/1", scale = "0.1", rounding = "nearest" }
time = { form = "unix-milliseconds", pointer = "/0" }
"#,
    r#"
kind = "json"
topic = "wall/data"
meter = { pointer = "/id" }
devices = { "表 1" = "w1", 42 = "w42" }
value = { pointer = "/d/v" }
time = { form = "beijing", pointer = "/d/t" }
flags = { tamper = "/d/c" }
"#,
];

const SHEET_XML: &str = r#"<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c><c r="B2" s="1"><v>42491.5</v></c></row></sheetData></worksheet>"#;
const STRINGS_XML: &str = "<sst><si><t>meter</t></si><si><t>time</t></si></sst>";
const STYLES_XML: &str =
    r#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>"#;
const WORKBOOK_XML: &str = r#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELATIONS_XML: &str = r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const ROOT_RELATIONS_XML: &str = r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const CONTENT_TYPES_XML: &str = "<Types/>";
