//! mingqu
fn main() {}
