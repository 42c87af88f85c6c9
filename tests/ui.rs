//! What the compiler says of code that would not survive reuse, and that it says nothing of code that
//! would. Every `fail` case has what is printed beside it; that text is the one of the toolchain in
//! `rust-toolchain.toml`, and on another it is enough that the case does not compile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/*/pass/*.rs");
    if is_pinned() {
        cases.compile_fail("ui/*/fail/*.rs");
        return;
    }
    // Told to write the texts anew, trybuild compares none; only the environment can tell it.
    let rejected = Command::new(env::current_exe().unwrap())
        .args(["rejected", "--exact", "--ignored", "--nocapture"])
        .env("TRYBUILD", "overwrite")
        .status();
    assert!(rejected.unwrap().success(), "not all `fail` cases are rejected");
}

#[test]
#[ignore = "a part of `ui`, on toolchains whose words are not written down"]
fn rejected() {
    trybuild::TestCases::new().compile_fail(without_text().join("*/fail/*.rs"));
}

/// Whether this is the compiler whose words are written down.
fn is_pinned() -> bool {
    let pinned = include_str!("../rust-toolchain.toml");
    let pinned = pinned.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "channel").then(|| value.trim().trim_matches('"').to_owned())
    });
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match (pinned, version) {
        (Some(pinned), Ok(version)) => version.contains(&format!(" {pinned} ")),
        _ => false,
    }
}

/// The `fail` cases at another place, where their texts may be written over.
fn without_text() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let _ = fs::remove_dir_all(&copy);
    for folder in fs::read_dir("ui").unwrap() {
        let from = folder.unwrap().path().join("fail");
        let Ok(cases) = fs::read_dir(&from) else {
            continue;
        };
        let to = copy.join(from.strip_prefix("ui").unwrap());
        fs::create_dir_all(&to).unwrap();
        for case in cases {
            let case = case.unwrap().path();
            if case.extension().is_some_and(|extension| extension == "rs") {
                fs::copy(&case, to.join(case.file_name().unwrap())).unwrap();
            }
        }
    }
    copy
}
