use super::*;
use crate::merkle::leaf_hash;
use proptest::prelude::*;

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

fn edge(size: u64) -> RightEdge {
    let mut edge = RightEdge::new();
    (0..size).for_each(|index| edge.append(leaf(index)));
    edge
}

#[test]
fn paths_round_trip() {
    for (level, index, width, path) in [
        (0, 0, 256, "tile/0/000"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (0, 273, 112, "tile/0/273.p/112"),
        (2, 0, 1, "tile/2/000.p/1"),
        (63, 1000, 255, "tile/63/x001/000.p/255"),
        (0, u64::MAX, 256, "tile/0/x018/x446/x744/x073/x709/x551/615"),
    ] {
        let tile = TileId::new(level, index, width).unwrap();
        assert_eq!(tile.path(), path);
        assert_eq!(TileId::from_path(path), Ok(tile));
    }
}

#[test]
fn a_full_tile_brings_the_level_above() {
    let paths: Vec<_> = tiles_at(256).map(|tile| tile.path()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1"]);
    let partial: Vec<_> = partial_tiles_at(256).collect();
    assert_eq!(partial, [TileId::new(1, 0, 1).unwrap()]);
    assert_eq!(tiles_at(0).count(), 0);
}

#[test]
fn tiles_of_70_000_leaves_are_those_of_the_specification() {
    let partial: Vec<_> = partial_tiles_at(70_000).map(|tile| tile.path()).collect();
    assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    assert_eq!(tiles_at(70_000).filter(TileId::is_full).count(), 274);
}

#[test]
fn a_tile_in_a_tree_is_as_wide_as_the_tree_has_it() {
    let width = |size| TileId::in_tree(0, 1, size).map(|tile| tile.width());
    assert_eq!(width(256), None);
    assert_eq!(width(257), Some(1));
    assert_eq!(width(512), Some(256));
    assert_eq!(width(9_999), Some(256));
    assert_eq!(TileId::in_tree(8, 0, u64::MAX), None);
    assert_eq!(TileId::in_tree(0, u64::MAX, u64::MAX), None);
}

#[test]
fn changed_tiles_hold_what_was_appended() {
    let mut edge = edge(255);
    edge.mark_stored();
    assert!(edge.changed_tiles().is_empty());
    edge.append(leaf(255));
    let changed = edge.changed_tiles();
    let places: Vec<_> =
        changed.iter().map(|(level, index, bytes)| (*level, *index, bytes.len())).collect();
    assert_eq!(places, [(0, 0, FULL_TILE_BYTES), (1, 0, HASH_BYTES)]);
    let leaves: Vec<_> = (0..256).map(leaf).collect();
    assert_eq!(changed[1].2, root_of(&leaves).0);
    edge.append(leaf(256));
    assert_eq!(edge.changed_tiles().len(), 3);
}

#[test]
fn a_wider_stored_tile_serves_a_smaller_tree() {
    let rows = edge(200)
        .changed_tiles()
        .into_iter()
        .map(|(level, index, bytes)| ((level, index), bytes))
        .collect::<BTreeMap<_, _>>();
    let small = RightEdge::load(77, &rows).unwrap();
    assert_eq!(small.root(), edge(77).root());
}

#[test]
fn rejects_level_and_width_out_of_range() {
    assert_eq!(TileId::new(64, 0, 1), Err(TileError::Level(64)));
    assert_eq!(TileId::new(0, 0, 0), Err(TileError::Width(0)));
    assert_eq!(TileId::new(0, 0, 257), Err(TileError::Width(257)));
    assert_eq!(TileId::from_path("tile/64/000"), Err(TileError::Level(64)));
    assert_eq!(TileId::from_path("tile/0/000.p/0"), Err(TileError::Width(0)));
}

#[test]
fn rejects_paths_with_another_spelling() {
    for path in [
        "",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/00/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/000/",
        "tile/0/000.p/",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/+01",
        "tile/256/000",
        "tile/8/0/000",
        "tile/entries/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ] {
        let refused = Err(TileError::Path(path.to_owned()));
        assert_eq!(TileId::from_path(path), refused, "{path}");
    }
}

#[test]
fn rejects_missing_tile() {
    let missing = TileId::new(0, 0, 3).unwrap();
    assert_eq!(RightEdge::load(3, &BTreeMap::new()).unwrap_err(), TileError::Missing(missing));
}

#[test]
fn rejects_tile_bytes_that_are_too_few_too_many_or_not_whole() {
    let tile = TileId::new(0, 0, 3).unwrap();
    assert!(tile.hashes(&[0; 96]).is_ok());
    assert!(tile.hashes(&[0; FULL_TILE_BYTES]).is_ok());
    for bytes in [0, 64, 95, 97, FULL_TILE_BYTES + 32] {
        let refused = Err(TileError::Bytes { tile, bytes });
        assert_eq!(tile.hashes(&vec![0; bytes]), refused, "{bytes}");
    }
}

proptest! {
    #[test]
    fn every_tile_has_one_path(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256) {
        let tile = TileId::new(level, index, width).unwrap();
        prop_assert_eq!(TileId::from_path(&tile.path()), Ok(tile));
    }

    #[test]
    fn every_path_that_is_read_is_the_one_written(path in "tile/[0-9]{1,2}/[x0-9/]{3,9}(\\.p/[0-9]{1,3})?") {
        if let Ok(tile) = TileId::from_path(&path) {
            prop_assert_eq!(tile.path(), path);
        }
    }
}
