//! `/tile/<L>/<N>[.p/<W>]` and `/tile/entries/<N>[.p/<W>]` (C2SP tlog-tiles).

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{BundleId, TileId};

use super::{FRESH, IMMUTABLE, LogRefusal, OCTETS, bytes};
use crate::site::Site;

/// The longest path below `/tile/`: every level of the deepest log fits.
const MAX_PLACE_BYTES: usize = 64;

pub(super) async fn show(
    State(site): State<Site>,
    place: Result<Path<String>, PathRejection>,
) -> Result<Response, LogRefusal> {
    let Path(place) = place.map_err(|_| LogRefusal::Malformed)?;
    if place.len() > MAX_PLACE_BYTES {
        return Err(LogRefusal::Malformed);
    }
    let path = format!("tile/{place}");
    let (body, full) = if place.starts_with("entries/") {
        let bundle = BundleId::from_path(&path).map_err(|_| LogRefusal::Malformed)?;
        let body = site.service.log().entry_bundle(bundle.index(), bundle.width()).await?;
        (body, bundle.path() == full_path(&path))
    } else {
        let tile = TileId::from_path(&path).map_err(|_| LogRefusal::Malformed)?;
        (site.service.log().tile(tile.level(), tile.index(), tile.width()).await?, tile.is_full())
    };
    // A partial tile never changes either, but the full one takes its place soon.
    let caching = if full { IMMUTABLE } else { FRESH };
    Ok(bytes(OCTETS, caching, body.ok_or(LogRefusal::Absent)?))
}

/// The path without the width of a partial bundle.
fn full_path(path: &str) -> &str {
    path.split(".p/").next().unwrap_or(path)
}
