//! Tests that a plain `cargo test` leaves out.

use std::io::Write;

/// True if `REWARM_ALL` is 1. Without it, reports in one line, even if the test passes, that the
/// current test is skipped.
pub fn runs_all(reason: &str) -> bool {
    let all = is_set("REWARM_ALL");
    if !all {
        report_skipped(&format!("{reason}; set REWARM_ALL=1 to run it"));
    }
    all
}

/// True if the environment variable of that name is 1.
pub fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}

/// Writes that the current test is skipped.
pub(crate) fn report_skipped(reason: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {reason}\n", thread.name().unwrap_or("a test"));
    // The test harness captures the output of `eprintln`, but not this.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
