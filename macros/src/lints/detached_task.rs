//! `detached_task`: a task or thread whose handle is dropped.

use syn::Expr;

use super::body::{Body, Part};
use super::paths::show;
use super::{Attribute, Found, Lint};

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
    if body.attribute == Attribute::Init {
        return;
    }
    for part in &body.parts {
        let Part::Dropped(expr) = part else { continue };
        let Expr::Call(call) = expr else { continue };
        let Expr::Path(path) = &*call.func else {
            continue;
        };
        let named = |known, least| body.scope.is_one_of(&path.path, known, least);
        if named(SPAWNS, 2) || named(&["tokio::task::spawn_blocking"], 1) {
            let (unit, work, wait) = match named(&["std::thread::spawn"], 2) {
                true => ("thread", "tokio::task::spawn_blocking(…).await", ".join()"),
                false => ("task", "…", ".await"),
            };
            found.add(
                path,
                format_args!("`{}` starts a {unit} whose handle is dropped", show(&path.path)),
                format_args!(
                    "Lambda freezes the container once the response is sent: the {unit} stops half \
                     way and continues during a later invocation, or never"
                ),
                format_args!(
                    "`rewarm::defer(async {{ {work} }})` runs after the response and before the \
                     freeze; or keep the handle and write `handle{wait}`"
                ),
            );
        }
    }
}
