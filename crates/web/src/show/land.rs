//! Words for a household's land.

use std::borrow::Borrow;

use service::board::{Crop, Source};

use crate::here::Here;

impl Here {
    /// Where water comes from.
    pub(crate) fn source(&self, source: impl Borrow<Source>) -> &'static str {
        match *source.borrow() {
            Source::Surface => self.t.source_surface,
            Source::Ground => self.t.source_ground,
        }
    }

    /// What a household grows.
    pub(crate) fn crops(&self, crops: &[Crop]) -> String {
        crops.iter().map(Crop::as_str).collect::<Vec<_>>().join(self.t.comma)
    }
}
