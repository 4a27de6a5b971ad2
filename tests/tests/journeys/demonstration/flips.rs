//! One changed byte, anywhere in a copy of the log, is found.

use std::collections::BTreeMap;

use super::{Demonstration, audit};
use crate::harness::Dice;

const SEED: u64 = 20_160_401;
/// Files up to this length are flipped at every byte.
const SMALL_FILE_BYTES: usize = 2_000;
/// Places in every larger file.
const FLIPS_PER_FILE: usize = 8;
/// Flips that the built program is shown.
const FLIPS_FOR_THE_PROGRAM: usize = 10;

type Files = BTreeMap<String, Vec<u8>>;

/// Where bytes are flipped: (file, place, the bits that change).
fn flips(files: &Files) -> Vec<(String, usize, u8)> {
    let mut dice = Dice::new(SEED);
    let mut flips = Vec::new();
    for (path, bytes) in files {
        let places: Vec<usize> =
            if bytes.len() <= SMALL_FILE_BYTES && !path.starts_with("attachments") {
                (0..bytes.len()).collect()
            } else {
                (0..FLIPS_PER_FILE).map(|_| dice.roll(bytes.len())).collect()
            };
        for place in places {
            flips.push((path.clone(), place, u8::try_from(1 + dice.roll(255)).unwrap()));
        }
    }
    flips
}

#[test]
fn one_flipped_byte_is_found() {
    let demonstration = Demonstration::new();
    demonstration.live();
    let export = demonstration.export("copy");
    let mut files = export.files.clone();
    assert!(audit::audit(&files, None).holds());
    let flips = flips(&files);
    for (path, place, bits) in &flips {
        files.get_mut(path).unwrap()[*place] ^= bits;
        // One finding is enough, and ends the audit.
        let settings = audit::Settings { most: 1, ..Default::default() };
        let (report, _) = audit::audit_with(&files, &settings);
        assert!(!report.findings.is_empty(), "{path} byte {place} ^ {bits:#04x} is not found");
        files.get_mut(path).unwrap()[*place] ^= bits;
    }
    assert_eq!(files, export.files);
    println!("{} flips in {} files, each found", flips.len(), files.len());

    let mut dice = Dice::new(SEED);
    for _ in 0..FLIPS_FOR_THE_PROGRAM {
        let (path, place, bits) = &flips[dice.roll(flips.len())];
        let mut bytes = export.files[path].clone();
        bytes[*place] ^= bits;
        std::fs::write(export.folder.join(path), &bytes).unwrap();
        let found = audit(&export.folder).ended_with(1);
        assert!(found.stdout.contains("the log does not hold"), "{}", found.stdout);
        std::fs::write(export.folder.join(path), &export.files[path]).unwrap();
    }
    audit(&export.folder).ended_with(0);
}
