//! Journeys over the built programs, from a meter's report to an audited log, and the rules of the house.
//!
//! Everything is in `tests/tests`: `journeys` starts `mingqu`, `firmware-sim`, Mosquitto,
//! PostgreSQL and Chromium as anyone would and looks at them from outside; `tidy` reads the sources. The
//! programs must be built before (`cargo build --workspace --bins`); `tests/run` does.
