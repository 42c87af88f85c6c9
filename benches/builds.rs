//! What rewarm adds to a build: crates, time from nothing, bytes of the release binary.
//!
//! Times are CPU time of the compiler and all that it starts, which what else the machine does
//! distorts less than wall time.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;

use support::{Row, cargo, cargo_program, conclude};

/// Who is built, and how: package, what it is called, features.
const VARIANTS: [(&str, &str, &[&str]); 4] = [
    ("bare", "bare lambda_runtime", &[]),
    ("bare", "bare, with graceful-shutdown", &["--features", "graceful-shutdown"]),
    ("reused", "rewarm", &[]),
    ("reused", "rewarm, without local and graceful-shutdown", &["--no-default-features"]),
];

fn main() {
    let folder = std::env::temp_dir().join(format!("rewarm-builds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut rows = Vec::new();
    let mut add = |what: &str, who, value: f64, unit| {
        rows.push(Row { what: what.to_owned(), who, value, unit, ratio: f64::NAN });
    };
    for (package, who, features) in VARIANTS {
        add("crates", who, crates(package, features), "crates");
    }
    for (n, (package, who, features)) in VARIANTS.into_iter().enumerate() {
        let target = folder.join(format!("clean-{n}"));
        let program = format!("{package}-none");
        let arguments = ["build", "--release", "--package", package, "--bin", &program];
        let cpu =
            cargo(Path::new(env!("CARGO_MANIFEST_DIR")), &target, &[&arguments, features].concat());
        add("a clean release build, CPU time", who, cpu, "s");
        let size =
            std::fs::metadata(target.join("release").join(program)).map_or(0, |file| file.len());
        add("release binary", who, size as f64 / 1024.0, "KiB");
        let _ = std::fs::remove_dir_all(target);
    }
    let _ = std::fs::remove_dir_all(folder);
    conclude("builds", rows);
}

/// How many crates a package is made of on Linux, the compiler's plugins included and itself not.
fn crates(package: &str, features: &[&str]) -> f64 {
    let output = Command::new(cargo_program())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--package", package, "--edges", "normal,build", "--prefix", "none"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--no-dedupe", "--format", "{p}"])
        .args(features)
        .output()
        .expect("cargo tree");
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: std::collections::BTreeSet<&str> = text.lines().collect();
    crates.len().saturating_sub(1) as f64
}
