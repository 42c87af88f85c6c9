//! `detached_task`: a task or thread that nobody waits for.

use syn::Expr;

use super::body::{Part, Subject};
use super::paths::show;
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "detached_task", can_be_allowed: true, find };

const SPAWNS: &[&str] = &[
    "tokio::spawn",
    "tokio::task::spawn",
    "tokio::task::spawn_blocking",
    "tokio::task::spawn_local",
    "std::thread::spawn",
];

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    if subject.attribute == Attribute::Init {
        return;
    }
    for part in &subject.parts {
        let Part::Dropped(expr) = part else { continue };
        let Expr::Call(call) = expr else { continue };
        let Expr::Path(path) = &*call.func else {
            continue;
        };
        let named = |known, least| subject.scope.is_one_of(&path.path, known, least);
        if named(SPAWNS, 2) || named(&["tokio::task::spawn_blocking"], 1) {
            let (work, wait) = match named(&["std::thread::spawn"], 2) {
                true => ("tokio::task::spawn_blocking(…).await", ".join()"),
                false => ("…", ".await"),
            };
            found.add(
                path,
                format_args!("nobody waits for what `{}` starts here", show(&path.path)),
                "once the response is sent, Lambda freezes the container: it stops half way, and \
                 goes on in some later invocation or never",
                format_args!(
                    "`rewarm::defer(async {{ {work} }})` runs after the response and before the \
                     freeze; or keep the handle and `{wait}` it"
                ),
            );
        }
    }
}
