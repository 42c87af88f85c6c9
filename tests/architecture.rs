//! The one-way rules of docs/architecture.md, held against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// All Rust files below a folder of this repository, as paths relative to it, without comments.
fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
    fn read(root: &Path, folder: &Path, sources: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(root, &path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code: Vec<_> =
                    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                let name = path.strip_prefix(root).unwrap().to_owned();
                sources.insert(name, code.join("\n"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut sources = BTreeMap::new();
    read(&root, &root, &mut sources);
    assert!(sources.len() > 10, "{} has sources", root.display());
    sources
}

/// The module of a crate's root that a file is a part of.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of the crate's root that a file names.
fn named(code: &str) -> BTreeSet<&str> {
    let after = code.split("crate::").skip(1);
    after
        .map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect()
}

/// Which module names which. The surface for expansions names all, and is named by none.
fn arrows(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(folder);
    let modules: BTreeSet<_> = sources.keys().map(|path| module(path)).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in &sources {
        let from = module(path);
        if ["lib", "private"].contains(&&*from) {
            continue;
        }
        let to = named(code).into_iter().filter(|to| *to != from && modules.contains(*to));
        arrows.entry(from.clone()).or_default().extend(to.map(str::to_owned));
    }
    arrows
}

#[test]
fn no_two_modules_of_the_runtime_need_each_other() {
    let arrows = arrows("runtime/src");
    let reached = |from: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for to in arrows.get(module).into_iter().flatten() {
                if seen.insert(to.as_str()) {
                    next.push(to);
                }
            }
        }
        seen
    };
    for module in arrows.keys() {
        assert!(!reached(module).contains(module.as_str()), "{module} is part of a circle");
    }
    assert!(reached("run").contains("clock"), "arrows are found");
}

#[test]
fn attributes_never_name_each_other() {
    let arrows = arrows("macros/src");
    for attribute in ["init", "cached", "handler"] {
        for other in ["init", "cached", "handler"].iter().filter(|other| **other != attribute) {
            assert!(!arrows[attribute].contains(*other), "{attribute} names {other}");
        }
    }
}

#[test]
fn the_world_outside_is_read_in_few_places() {
    let allowed = |word: &str, modules: &[&str]| {
        for (path, code) in sources("runtime/src") {
            let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
            let module = module(&path);
            assert!(
                !code.contains(word) || modules.contains(&&*module),
                "{} names {word}",
                path.display()
            );
        }
    };
    allowed("lambda_runtime::", &["run", "event"]);
    allowed("env::var", &["entry", "run", "local", "testing"]);
    allowed("SystemTime::now", &["clock", "run"]);
}
