//! The compiler's messages: code that would not survive reuse does not compile, other code does. The
//! text beside each `fail` case is the output of the toolchain in `rust-toolchain.toml`. With
//! another toolchain, the case only has to fail.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rewarm_tests::runs_all;

#[test]
fn ui() {
    if env::var_os("TRYBUILD").is_none()
        && !runs_all("it builds a project of its own and 46 cases in it, which takes minutes")
    {
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("ui/*/pass/*.rs");
    if is_pinned() {
        cases.compile_fail("ui/*/fail/*.rs");
        return;
    }
    // With `overwrite`, trybuild compares no text. Only the environment can set that.
    let rejected = Command::new(env::current_exe().unwrap())
        .args(["rejected", "--exact", "--ignored", "--nocapture"])
        .env("TRYBUILD", "overwrite")
        .status();
    assert!(rejected.unwrap().success(), "not all `fail` cases are rejected");
}

#[test]
#[ignore = "run by `ui` with other toolchains than the pinned one"]
fn rejected() {
    trybuild::TestCases::new().compile_fail(without_text().join("*/fail/*.rs"));
}

/// True if this is the toolchain of `rust-toolchain.toml`.
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

/// A copy of the `fail` cases, whose texts may be overwritten.
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
