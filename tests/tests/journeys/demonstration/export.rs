//! An exported log, read by hand: the formats are simple enough.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// All files of an export.
pub struct Export {
    pub folder: PathBuf,
    /// By path below the folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The envelopes, by index.
    pub entries: Vec<Vec<u8>>,
}

/// A posted bill.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostedBill {
    pub village: String,
    pub round: String,
    pub household: String,
    pub total_fen: i64,
}

impl Export {
    pub fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        walk(folder, folder, &mut files);
        let mut bundles: Vec<(&String, &Vec<u8>)> =
            files.iter().filter(|(path, _)| path.starts_with("tile/entries/")).collect();
        bundles.sort();
        let entries = bundles.into_iter().flat_map(|(_, bytes)| unbundle(bytes)).collect();
        Self { folder: folder.to_path_buf(), files, entries }
    }

    /// The statements of a kind with their index.
    pub fn statements(&self, kind: &str) -> Vec<(usize, Value)> {
        let payload_type = format!("application/vnd.mingqu.{kind}.v1+json");
        let statements = self.entries.iter().enumerate().filter_map(|(index, entry)| {
            let envelope: Value = serde_json::from_slice(entry).unwrap();
            let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
            let of_kind = envelope["payloadType"] == payload_type.as_str();
            of_kind.then(|| (index, serde_json::from_slice(&payload).unwrap()))
        });
        statements.collect()
    }

    /// The attachment that a statement names.
    pub fn attachment(&self, reference: &Value) -> &[u8] {
        &self.files[&format!("attachments/{}", reference["sha256"].as_str().unwrap())]
    }

    /// Every bill of every run.
    pub fn bills(&self) -> Vec<PostedBill> {
        let mut bills = Vec::new();
        for (_, run) in self.statements("bill-run") {
            let lines = std::str::from_utf8(self.attachment(&run["bills"])).unwrap();
            for line in lines.lines() {
                let bill: Value = serde_json::from_str(line).unwrap();
                bills.push(PostedBill {
                    village: run["village"].as_str().unwrap().to_owned(),
                    round: run["round"].as_str().unwrap().to_owned(),
                    household: bill["household"].as_str().unwrap().to_owned(),
                    total_fen: bill["total_fen"].as_i64().unwrap(),
                });
            }
        }
        bills.sort();
        bills
    }
}

fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

/// Each entry stands behind its length in two bytes, big-endian (C2SP tlog-tiles).
fn unbundle(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        entries.push(entry.to_vec());
        bytes = rest;
    }
    entries
}
