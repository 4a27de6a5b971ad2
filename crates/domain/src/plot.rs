//! Land of a household (地块): how much of it, what grows there, and where its water comes from.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Area;
use crate::text::is_plain;

/// The longest crop's name, in characters.
pub const MAX_CROP_CHARS: usize = 20;

/// Where water comes from (水源); a quota and a price may differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// From a river or reservoir by canals (地表水).
    Surface,
    /// From wells (地下水).
    Ground,
}

/// What grows on a plot (作物), by the name that people use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crop(String);

/// A plot of a household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plot {
    /// What grows there.
    pub crop: Crop,
    /// Where its water comes from.
    pub source: Source,
    /// Its area, in hundredths of a mu.
    pub area: Area,
}

/// Why a plot is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlotError {
    /// A crop that cannot be printed.
    #[error(
        "crop {0:?} is empty, too long or not printable: use 1 to {MAX_CROP_CHARS} visible characters"
    )]
    Crop(String),
}

impl core::fmt::Display for Source {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Surface => "surface",
            Self::Ground => "ground",
        })
    }
}

impl Crop {
    /// Reads a crop's name.
    pub fn new(name: &str) -> Result<Self, PlotError> {
        if is_plain(name, MAX_CROP_CHARS) && name.trim() == name {
            Ok(Self(name.to_owned()))
        } else {
            Err(PlotError::Crop(name.chars().take(MAX_CROP_CHARS + 1).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for Crop {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Crop {
    type Error = PlotError;
    fn try_from(name: String) -> Result<Self, PlotError> {
        Self::new(&name)
    }
}

impl From<Crop> for String {
    fn from(crop: Crop) -> String {
        crop.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_reads_back_from_its_json() {
        let json = r#"{"crop":"制种玉米","source":"ground","area":840}"#;
        let plot: Plot = serde_json::from_str(json).unwrap();
        assert_eq!(plot.source, Source::Ground);
        assert_eq!(serde_json::to_string(&plot).unwrap(), json);
    }

    #[test]
    fn rejects_crops_that_cannot_be_printed() {
        for name in
            ["", " 玉米", "玉米\u{200b}", "玉\n米", "一二三四五六七八九十一二三四五六七八九十一"]
        {
            assert_eq!(Crop::new(name), Err(PlotError::Crop(name.to_owned())));
        }
    }
}
