//! `detached_task`: a task or thread whose handle is dropped, and that the function does not wait for
//! in another way.

use syn::{Expr, ExprCall, ExprPath};

use super::body::{Body, Part};
use super::paths::show;
use super::{Attribute, Found, Lint, waited_for};

pub(super) const LINT: Lint = Lint { name: "detached_task", can_be_allowed: true, find };

pub(super) const WORDS: &[&str] = &["spawn", "spawn_blocking", "spawn_local"];

const SPAWNS: &[&str] = &[
    "tokio::spawn",
    "tokio::task::spawn",
    "tokio::task::spawn_blocking",
    "tokio::task::spawn_local",
    "std::thread::spawn",
];

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    let streams = match body.attribute {
        Attribute::Init => return,
        Attribute::Cached { .. } => false,
        Attribute::Handler { streams } | Attribute::Called { streams } => streams,
    };
    let dropped = body.parts.iter().filter_map(|part| match part {
        Part::Dropped(Expr::Call(call)) => Some(call),
        _ => None,
    });
    let calls = dropped.filter(|call| spawned(body, call).is_some()).collect();
    for path in waited_for::detached(body, calls).into_iter().filter_map(|it| spawned(body, it)) {
        let is_thread = body.scope.is_one_of(&path.path, &["std::thread::spawn"], 2);
        let (unit, work, wait) = match is_thread {
            true => ("thread", "tokio::task::spawn_blocking(…).await", ".join()"),
            false => ("task", "…", ".await"),
        };
        let help = match streams {
            // Deferred work runs after the body: one that feeds it waits for itself.
            true => format!(
                "return a stream that does the work, await it in a `tokio::task::JoinSet`, or keep the \
                 handle and write `handle{wait}`; if the {unit} ends before the body does, write \
                 `allow(detached_task)`"
            ),
            false => format!(
                "`rewarm::defer(async {{ {work} }})` runs after the response and before the freeze; \
                 or keep the handle and write `handle{wait}`"
            ),
        };
        found.add(
            path,
            format_args!("`{}` starts a {unit} whose handle is dropped", show(&path.path)),
            format_args!(
                "Lambda freezes the container once the response is sent: the {unit} stops half way and \
                 continues during a later invocation, or never"
            ),
            help,
        );
    }
}

/// The function that a call starts a task with.
fn spawned<'a>(body: &Body<'_>, call: &'a ExprCall) -> Option<&'a ExprPath> {
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let named = |known, least| body.scope.is_one_of(&path.path, known, least);
    let is_spawn = named(SPAWNS, 2) || named(&["tokio::task::spawn_blocking"], 1);
    is_spawn.then_some(path)
}
