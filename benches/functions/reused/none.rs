//! A function that needs nothing.

use std::process::ExitCode;

use rewarm::handler;

#[handler]
async fn double(number: u64) -> u64 {
    number * 2
}

fn main() -> ExitCode {
    double::run()
}
