//! The audit of the programs in `tests/corpus`, which are reduced from public repositories: 38 with
//! state that an invocation leaves to the next, and 15 with globals that are harmless.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::Crate;
use super::findings::{self, Report};
use super::index::Index;

fn audit(path: &Path) -> Report {
    findings::find(&Index::new(&Crate::read(path)))
}

fn programs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(folder);
    let mut programs: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.sort();
    programs
}

/// The unsafe programs that the audit does not flag, with the reason.
const MISSED: &[(&str, &str)] = &[
    ("63-toolchain_spawn", "in the handler's body: the lint `detached_task` reports it there"),
    ("68-output_tif", "no lint knows files in `/tmp`"),
];

#[test]
fn the_corpus_is_told_apart() {
    for program in programs("unsafe") {
        let name = program.file_stem().unwrap().to_str().unwrap();
        let found = audit(&program).findings;
        let is_missed = MISSED.iter().any(|(missed, _)| *missed == name);
        assert_eq!(found.is_empty(), is_missed, "{name}: {found:?}");
        // One has a global and a task.
        assert!(found.len() < 2 || name == "27-merge_scans", "{name}: {found:?}");
    }
    for program in programs("harmless") {
        let found = audit(&program).findings;
        assert!(found.is_empty(), "{}: {found:?}", program.display());
    }
}

/// The lint that flags each kind of program, as its header names it.
#[test]
fn each_kind_has_its_lint() {
    let mut kinds = BTreeMap::<String, BTreeMap<&str, usize>>::new();
    for program in programs("unsafe") {
        let text = fs::read_to_string(&program).unwrap();
        let kind = text.split_once("kind: ").and_then(|(_, rest)| rest.split_once(';')).unwrap().0;
        for finding in audit(&program).findings {
            *kinds.entry(kind.to_owned()).or_default().entry(finding.lint).or_default() += 1;
        }
    }
    let counted: Vec<_> = kinds
        .iter()
        .flat_map(|(kind, lints)| lints.iter().map(move |(lint, n)| format!("{kind}: {lint} {n}")))
        .collect();
    let expected = [
        "background: detached_task 2",
        "background: global_state 4",
        "counter: global_state 7",
        "lazy_client: global_state 3",
        "lazy_client: lazy_client 4",
        "request_data: global_state 1",
        "secret: global_state 2",
        "secret: secret_forever 1",
        "stale_cache: global_state 5",
        "static_mut: static_mut 1",
        "thread_local: global_state 2",
        "unbounded_cache: global_state 5",
    ];
    assert_eq!(counted, expected);
}

/// Each finding names the global, its place as the compiler prints it, and the way to it.
#[test]
fn a_finding_tells_the_way() {
    let found = |name: &str| {
        let path = programs("unsafe").into_iter().find(|it| it.ends_with(name)).unwrap();
        let folder = format!("{}/", path.parent().unwrap().display());
        audit(&path).findings.remove(0).message.replace(&folder, "")
    };
    let way = |name: &str| found(name).lines().nth(1).unwrap().to_owned();
    assert!(found("36-xid_counter.rs").starts_with(
        "the static `COUNTER` keeps state (`AtomicU32`) between invocations\n\
         --> 36-xid_counter.rs:7:43: reached from `#[handler] answer` through `id::xid`\n\
         what one invocation stores there, later invocations in the same container see"
    ));
    assert!(found("64-webhook_spawn.rs").starts_with(
        "`tokio::spawn` starts a task whose handle is dropped\n\
         --> 64-webhook_spawn.rs:7:31: reached from `#[handler] answer` through `run_webhook`"
    ));
    assert_eq!(
        way("54-buffer_count.rs"),
        "--> 54-buffer_count.rs:7:67: reached from `#[handler] answer` through \
         `pool::Buffer::checkout`"
    );
    assert_eq!(
        way("53-metrics_tls.rs"),
        "--> 53-metrics_tls.rs:10:32: reached from `#[handler] answer` through `incr!`"
    );
    assert_eq!(way("31-punch_reqs.rs"), "--> 31-punch_reqs.rs:8:8: named in `#[handler] answer`");
}
