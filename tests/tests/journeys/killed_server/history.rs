//! The log, as anyone sees it over HTTP.

use std::collections::BTreeMap;

use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::verify_consistency;
use disclosure::note::VerifierKey;
use disclosure::proof::{consistency_proof, tiles_for_consistency};

use crate::harness::Site;

/// How many entries the log has.
pub fn size(site: &Site) -> u64 {
    checkpoint(site).size
}

/// The newest checkpoint, with its signature checked.
pub fn checkpoint(site: &Site) -> Checkpoint {
    read(site, &site.get("/checkpoint").answered(200).body)
}

/// A checkpoint of this log.
pub fn read(site: &Site, note: &[u8]) -> Checkpoint {
    let key = site.get("/log.vkey").answered(200).text();
    Checkpoint::open(note, &VerifierKey::parse(key.trim_end()).unwrap()).unwrap()
}

/// Fails unless each checkpoint that anybody saw is the beginning of the log as it is now.
pub fn is_one(site: &Site, seen: &[Vec<u8>]) {
    let now = checkpoint(site);
    let mut last = 0;
    for note in seen {
        let then = read(site, note);
        assert!(then.size >= last, "the log shrank from {last} to {} entries", then.size);
        last = then.size;
        let mut tiles = BTreeMap::new();
        for tile in tiles_for_consistency(then.size, now.size) {
            let bytes = site.get(&format!("/{}", tile.path())).answered(200).body;
            tiles.insert((tile.level(), tile.index()), bytes);
        }
        let proof = consistency_proof(then.size, now.size, &tiles).unwrap();
        verify_consistency(then.size, now.size, &proof, then.root, now.root)
            .unwrap_or_else(|error| panic!("{} of {} entries: {error}", then.size, now.size));
    }
}
