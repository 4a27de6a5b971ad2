//! The command line of the simulated fleet.

fn main() {}
