//! The commands CI and developers run.
fn main() {}
