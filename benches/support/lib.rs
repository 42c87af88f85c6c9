//! What the measurements share: contestants that take turns, instruction counts, results as files.

#![forbid(unsafe_code)]

mod race;
mod report;

pub use race::{Contestant, Group, Outcome, instructions, race, run_one};
pub use report::{Machine, save, table};
