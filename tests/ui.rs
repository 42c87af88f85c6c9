//! What the compiler says of code that would not survive reuse, and that it says nothing of code that
//! would. Every `fail` case has what is printed beside it; that text is the one of the toolchain in
//! `rust-toolchain.toml`, and compared on no other.

use std::process::Command;

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/*/pass/*.rs");
    if is_pinned() {
        cases.compile_fail("ui/*/fail/*.rs");
    } else {
        eprintln!("compile-fail cases are skipped: their text belongs to another toolchain");
    }
}

/// Whether this is the compiler whose words are written down.
fn is_pinned() -> bool {
    let pinned = include_str!("../rust-toolchain.toml");
    let pinned = pinned.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "channel").then(|| value.trim().trim_matches('"').to_owned())
    });
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match (pinned, version) {
        (Some(pinned), Ok(version)) => version.contains(&format!(" {pinned} ")),
        _ => false,
    }
}
