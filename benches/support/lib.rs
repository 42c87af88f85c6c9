//! What the measurements share: contestants that take turns, functions with a Runtime API to talk
//! to, results as files.

#![forbid(unsafe_code)]

mod cargo;
mod lambda;
mod race;
mod report;

pub use cargo::{cargo, cargo_program};
pub use lambda::{Function, Launch, build, collected, program};
pub use race::{Contestant, Group, Outcome, Work, instructions, median_and_least, race, run_one};
pub use report::{Machine, Row, conclude, save, table};
