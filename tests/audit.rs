//! The audit of a crate, in a workspace that cargo builds: what `tests/ui/audit` cannot show.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rewarm_tests::runs_all;

const COUNTS: &str = "use std::sync::atomic::{AtomicU64, Ordering};
static N: AtomicU64 = AtomicU64::new(0);
pub fn next() -> u64 { N.fetch_add(1, Ordering::Relaxed) }
";

/// A handler that reaches `common::next` of a file beside the package.
fn function(name: &str) -> String {
    format!(
        "#[path = \"../../../common.rs\"]
        mod common;
        #[rw::handler(crate = rw)]
        async fn {name}(event: u64) -> u64 {{ event + common::next() }}
        fn main() -> std::process::ExitCode {{ {name}::run() }}
        "
    )
}

fn package(name: &str, dependency: &str) -> String {
    let rewarm = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n\
         {dependency} = {{ package = \"rewarm\", path = {rewarm:?}, default-features = false }}\n"
    )
}

fn workspace() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audited");
    let _ = fs::remove_dir_all(&folder);
    let library = "//! ```
//! use rw::handler;
//! static N: std::sync::Mutex<u8> = std::sync::Mutex::new(0);
//! fn next() -> u8 { *N.lock().unwrap() }
//! #[handler(crate = rw)]
//! async fn answer(event: u8) -> u8 { event + next() }
//! ```
#[cfg(windows)]
mod off;
pub mod ids;
";
    let test = function("test").replace("../../../", "../../");
    let test = test.replace("fn main", "#[test]\nfn it");
    let test = test.replace("test::run()", "std::process::ExitCode::SUCCESS");
    for (path, text) in [
        ("Cargo.toml", "[workspace]\nmembers = [\"app\", \"library\"]\nresolver = \"3\"\n"),
        ("app/Cargo.toml", &package("app", "rw")),
        ("app/src/bin/one.rs", &function("one")),
        ("app/src/bin/two.rs", &function("two")),
        ("common.rs", COUNTS),
        ("library/Cargo.toml", &package("library", "rw")),
        ("library/src/lib.rs", library),
        ("library/src/ids.rs", COUNTS),
        ("library/tests/test.rs", &test),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    folder
}

/// Runs cargo in the workspace. Returns its output, and true if it succeeded.
fn cargo(folder: &Path, args: &[&str]) -> (String, bool) {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(args)
        .arg("--offline")
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(folder)
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.success())
}

#[test]
fn a_workspace_is_audited_crate_by_crate() {
    if !runs_all("it builds a workspace of its own") {
        return;
    }
    let folder = workspace();
    // A renamed dependency, and two binaries with a file in common: each reports its own.
    let (errors, _) = cargo(&folder, &["check", "-p", "app", "--bins", "--keep-going"]);
    for name in ["one", "two"] {
        let way = format!(
            "--> app/src/bin/../../../common.rs:2:8: reached from `#[handler] {name}` through \
             `common::next`"
        );
        assert_eq!(errors.matches(&way).count(), 1, "{errors}");
    }
    // A library that does not ask for its audit, its tests, and its doc tests.
    let (errors, passed) = cargo(&folder, &["check", "-p", "library", "--all-targets"]);
    assert!(passed, "{errors}");
    let (errors, passed) = cargo(&folder, &["test", "-p", "library", "--doc"]);
    assert!(passed, "{errors}");
    // One that does.
    let root = folder.join("library/src/lib.rs");
    fs::write(&root, "rw::audit!(crate = rw);\npub mod ids;\n").unwrap();
    let (errors, passed) = cargo(&folder, &["check", "-p", "library"]);
    assert!(!passed, "{errors}");
    assert!(errors.contains("--> library/src/ids.rs:2:8: named in `pub fn ids::next`"), "{errors}");
    assert_eq!(errors.matches("error: ").count(), 2, "{errors}"); // it, and that of cargo
}
