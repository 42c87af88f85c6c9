//! cargo as a child process, and what it costs.

use std::path::Path;
use std::process::Command;

/// Runs cargo; CPU seconds that it took. All of what is built is, and nothing is taken from a build before.
pub fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> f64 {
    let before = children_cpu();
    let status = Command::new(cargo_program())
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0")
        .arg("--quiet")
        .args(arguments)
        .status();
    assert!(status.is_ok_and(|status| status.success()), "cargo {arguments:?} works");
    children_cpu() - before
}

/// The cargo that runs this program, or the one in the path.
pub fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// CPU seconds of all child processes that have ended.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}
