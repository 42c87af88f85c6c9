//! A function whose events say how it fails.
fn main() {}
