//! What the compiler says, and what it must not say.
fn main() {}
