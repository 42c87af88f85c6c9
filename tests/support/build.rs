//! Programs that a test builds itself.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// Runs `cargo build` with `args` (in the current directory, with the environment of this process)
/// and returns the path of the one executable that it built. Blocks the thread.
///
/// # Panics
/// If the build fails or does not build exactly one executable.
pub fn build_binary(args: &[&str]) -> PathBuf {
    /// The part of Cargo's messages that names executables.
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        executable: Option<PathBuf>,
    }

    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .arg("build")
        .args(args)
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .output()
        .expect("run cargo");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo build {args:?} failed: {}\n{stderr}", output.status);
    let mut executables: Vec<_> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(|message| message.executable)
        .collect();
    assert_eq!(
        executables.len(),
        1,
        "cargo build {args:?} should build one executable, not {executables:?}\n{stderr}"
    );
    executables.remove(0)
}
