//! The rules of docs/architecture.md, checked against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Returns all Rust files below a folder of this repository, by their paths relative to it, without
/// line comments.
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

/// Returns the path of a file's module: `base::clock` for `base/clock.rs`, `base` for `base/mod.rs`,
/// the empty path for `lib.rs`.
fn module(path: &Path) -> String {
    let path = path.with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    match parts.split_last() {
        Some((&"mod" | &"lib", folders)) => folders.join("::"),
        _ => parts.join("::"),
    }
}

/// Returns every path that begins with `crate`, `super` or `self`, with groups expanded and from the
/// crate's root.
fn paths(code: &str, module: &str, is_folder: bool) -> BTreeSet<String> {
    let mut folder: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    if !is_folder {
        folder.pop();
    }
    let mut found = BTreeSet::new();
    for (start, base) in
        [("crate::", String::new()), ("super::", String::new()), ("self::", module.to_owned())]
    {
        let base = if start == "super::" { folder_of(&folder, is_folder) } else { base };
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '$') {
                expand(&base, &code[at + start.len()..], &mut found);
            }
        }
    }
    found
}

/// Returns the module that `super` names.
fn folder_of(folder: &[&str], is_folder: bool) -> String {
    let up = if is_folder { folder.len().saturating_sub(1) } else { folder.len() };
    folder[..up].join("::")
}

/// Adds the paths that `rest` begins with, such as `a::{b, c::d}`.
fn expand(base: &str, rest: &str, found: &mut BTreeSet<String>) {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let path = match (base, name) {
        (base, "" | "self") => base.to_owned(),
        ("", name) => name.to_owned(),
        (base, name) => format!("{base}::{name}"),
    };
    if let Some(group) = rest.strip_prefix('{').filter(|_| name.is_empty()) {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    expand(base, group[start..at].trim_start(), found);
                    start = at + 1;
                    if c == '}' {
                        return;
                    }
                }
                _ => {}
            }
        }
    } else if let Some(rest) = rest.strip_prefix("::") {
        expand(&path, rest, found);
    } else {
        found.insert(path);
    }
}

/// Returns which module names which, at the level of files. `private` names everything for
/// expansions, and the crate's root re-exports it for users; neither counts.
fn arrows(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(folder);
    let modules: BTreeSet<_> = sources.keys().map(|path| module(path)).collect();
    let mut arrows = BTreeMap::new();
    for (path, code) in &sources {
        let from = module(path);
        if from.is_empty() || from == "private" {
            continue;
        }
        let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
        let is_folder = path.file_stem().is_some_and(|name| name == "mod");
        let to = paths(code, &from, is_folder).into_iter().filter_map(|path| {
            // The longest prefix that is a module.
            let mut parts: Vec<_> = path.split("::").collect();
            while !modules.contains(&parts.join("::")) {
                parts.pop()?;
            }
            Some(parts.join("::"))
        });
        arrows.insert(from.clone(), to.filter(|to| *to != from).collect::<BTreeSet<_>>());
    }
    arrows
}

/// Returns the modules that `from` names, directly or through others.
fn reached<'a>(arrows: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for to in arrows.get(module).into_iter().flatten() {
            if seen.insert(to.as_str()) {
                next.push(to);
            }
        }
    }
    seen
}

#[test]
fn paths_are_found() {
    let code = "use super::b::{C, d::{E, F}};\ncrate::x::y();\nuse crate::{p, q::R};";
    let found = paths(code, "a::here", false);
    let expected = ["a::b::C", "a::b::d::E", "a::b::d::F", "p", "q::R", "x::y"];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(paths("use super::b;", "a", true).contains("b"));
}

#[test]
fn no_two_files_of_the_runtime_need_each_other() {
    let arrows = arrows("runtime/src");
    for module in arrows.keys() {
        assert!(
            !reached(&arrows, module).contains(module.as_str()),
            "{module} is part of a circle"
        );
    }
    assert!(reached(&arrows, "lambda").contains("base::clock"), "arrows are found");
}

#[test]
fn no_file_of_the_runtime_needs_the_root_of_the_crate() {
    for (from, to) in arrows("runtime/src") {
        assert!(!to.contains(""), "{from} names what `lib.rs` re-exports");
    }
}

#[test]
fn the_local_runner_needs_nothing_of_lambda_but_its_types() {
    let arrows = arrows("runtime/src");
    let mut named = arrows.iter().filter(|(from, _)| from.starts_with("local"));
    let of_lambda = |to: &&String| to.starts_with("lambda") && *to != "lambda::types";
    assert!(named.all(|(_, to)| to.iter().find(of_lambda).is_none()));
}

#[test]
fn attributes_never_name_each_other() {
    let arrows = arrows("macros/src");
    for (from, to) in &arrows {
        let folder = from.split("::").next().unwrap();
        for other in ["init", "cached", "handler"].iter().filter(|other| **other != folder) {
            let is_attribute = ["init", "cached", "handler"].contains(&folder);
            let names_other = to.iter().any(|to| to.split("::").next() == Some(other));
            assert!(!is_attribute || !names_other, "{from} names {other}");
        }
    }
}

#[test]
fn the_audit_has_one_direction() {
    let arrows = arrows("macros/src");
    for module in arrows.keys().filter(|module| module.starts_with("audit")) {
        assert!(
            !reached(&arrows, module).contains(module.as_str()),
            "{module} is part of a circle"
        );
    }
    assert!(reached(&arrows, "audit::findings").contains("audit::lexer"), "arrows are found");
}

#[test]
fn the_environment_is_read_in_few_files() {
    let allowed = |word: &str, files: &[&str]| {
        for (path, code) in sources("runtime/src") {
            let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
            let name = path.to_str().unwrap();
            let is_allowed = files.iter().any(|file| name.starts_with(file));
            assert!(!code.contains(word) || is_allowed, "{name} names {word}");
        }
    };
    allowed("lambda_runtime::", &["lambda/", "base/logging.rs"]);
    let files =
        ["base/logging.rs", "lambda/environment.rs", "local/", "testing/", "metrics/emf.rs"];
    allowed("env::var", &files);
    allowed("SystemTime::now", &["base/clock.rs", "lambda/"]);
}

#[test]
fn links_to_the_documentation_are_those_of_this_version() {
    let this = concat!("docs.rs/rewarm/", env!("CARGO_PKG_VERSION"), "/rewarm/guide/lints/");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src");
    let mut links = 0;
    for file in sources("runtime/src").keys() {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for link in text.match_indices("docs.rs/rewarm/").map(|(at, _)| &text[at..]) {
            assert!(link.starts_with(this), "{}: not {this}", file.display());
            links += 1;
        }
    }
    assert!(links > 0);
}
