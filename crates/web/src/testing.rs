//! A tiny district to show pages of.
