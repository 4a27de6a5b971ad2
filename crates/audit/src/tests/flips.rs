//! No byte of a log copy can be changed unseen.

use std::thread;

use super::settled;
use crate::{MAX_FINDINGS, Report, Settings, Source, audit, audit_with};
use disclosure::note::VerifierKey;

/// Every how manyth byte is also flipped under a whole audit.
const WHOLE_AUDIT_EVERY: usize = 499;
/// Threads that share the flips.
const THREADS: usize = 4;

#[test]
fn rejects_every_flipped_byte_of_every_file() {
    let log = settled();
    let files = log.export();
    let key = log.verifier_key();
    assert!(audit(&files, Some(&key)).holds());
    let places: Vec<(&str, usize)> = files
        .iter()
        .flat_map(|(path, bytes)| (0..bytes.len()).map(move |position| (path.as_str(), position)))
        .collect();
    let flip_all = |places: &[(&str, usize)]| {
        let mut files = files.clone();
        for (count, &(path, position)) in places.iter().enumerate() {
            flip(&mut files, path, position);
            let most = if count % WHOLE_AUDIT_EVERY == 0 { MAX_FINDINGS } else { 1 };
            let holds = audit_to(&files, None, most).holds();
            assert!(!holds, "{path} holds with byte {position} flipped");
            if matches!(path, "checkpoint" | "log.vkey") {
                assert!(!audit_to(&files, Some(&key), most).holds(), "{path}: {position}");
            }
            flip(&mut files, path, position);
        }
    };
    thread::scope(|scope| {
        for part in places.chunks(places.len().div_ceil(THREADS)) {
            scope.spawn(|| flip_all(part));
        }
    });
}

#[test]
fn rejects_every_truncated_file() {
    let log = settled();
    let mut files = log.export();
    let paths: Vec<String> = files.keys().cloned().collect();
    for path in paths {
        let whole = files[&path].clone();
        // The key's last byte is a newline that a copy may lack.
        let lengths = [0, 1, whole.len() / 2, whole.len().saturating_sub(2)];
        for length in lengths {
            files.insert(path.clone(), whole[..length.min(whole.len())].to_vec());
            assert!(!audit_to(&files, None, 1).holds(), "{path} holds with {length} bytes");
        }
        let longer = [whole.as_slice(), b"\0"].concat();
        files.insert(path.clone(), longer);
        assert!(!audit_to(&files, None, 1).holds(), "{path} holds with a byte more");
        files.insert(path.clone(), whole);
    }
    assert!(audit(&files, None).holds());
}

/// An audit that ends at so many findings.
fn audit_to(files: &impl Source, trusted: Option<&VerifierKey>, most: usize) -> Report {
    audit_with(files, &Settings { trusted, most, ..Settings::default() }).0
}

fn flip(files: &mut std::collections::BTreeMap<String, Vec<u8>>, path: &str, position: usize) {
    if let Some(byte) = files.get_mut(path).and_then(|bytes| bytes.get_mut(position)) {
        *byte ^= 1;
    }
}
