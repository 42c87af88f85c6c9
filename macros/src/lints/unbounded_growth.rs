//! `unbounded_growth`: a resource that every invocation can add to, without a limit.

use syn::{Expr, Path, Type, TypePath};

use super::body::{Body, Part};
use super::paths::{is_generic, show};
use super::types;
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "unbounded_growth", can_be_allowed: true, find };

/// Concurrent collections, and queues without a limit.
const SHARED: &[&str] = &[
    "dashmap::DashMap",
    "dashmap::DashSet",
    "crossbeam_queue::SegQueue",
    "crossbeam::queue::SegQueue",
    "crossbeam_skiplist::SkipMap",
    "crossbeam_skiplist::SkipSet",
    "tokio::sync::mpsc::UnboundedSender",
    "tokio::sync::mpsc::UnboundedReceiver",
    "futures::channel::mpsc::UnboundedSender",
    "futures::channel::mpsc::UnboundedReceiver",
];

/// The same, matched only by the full path since other types end in the same segments.
const SHARED_WHOLE: &[&str] =
    &["std::sync::mpsc::Sender", "scc::HashMap", "scc::HashSet", "papaya::HashMap", "boxcar::Vec"];

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    if body.attribute != Attribute::Init {
        return;
    }
    let value = body.value();
    let scope = &body.scope;
    let grows = |ty: &TypePath| {
        let whole = SHARED_WHOLE.iter().any(|known| show(&ty.path) == *known);
        let shared = whole || scope.is_one_of(&ty.path, SHARED, 1) || is_std_channel(ty, body);
        let shared = is_generic(&ty.path) && shared;
        shared || locked(ty, body).is_some()
    };
    let Some(ty) = types::find(&value, &grows, &|_| true) else {
        return;
    };
    let (name, outer) = (body.name(), show(&ty.path));
    let what = match locked(ty, body) {
        Some(inner) => {
            let inner = show(&inner.path);
            format!("`{name}` can grow without a limit: it holds a `{inner}` in a `{outer}`")
        }
        None => format!("`{name}` can grow without a limit: it holds a `{outer}`"),
    };
    found.add(
        ty,
        what,
        "what each invocation adds stays, until the container is out of memory and Lambda kills it",
        "keep fetched values with `#[cached(ttl = \"5m\", max_entries = 1000)]`, and what belongs \
         to one invocation in a local variable; if your code limits the size, write \
         `allow(unbounded_growth, global_state)`",
    );
}

/// True for the standard library's `mpsc::Sender`: the body calls `mpsc::channel()` without a
/// capacity, which the channels of other crates require.
fn is_std_channel(ty: &TypePath, body: &Body<'_>) -> bool {
    let is = |path: &Path, known: &str| body.scope.is_one_of(path, &[known], 2);
    let makes = |part: &Part<'_>| match part {
        Part::Expr(Expr::Call(call), _) if call.args.is_empty() => {
            matches!(&*call.func, Expr::Path(path) if is(&path.path, "std::sync::mpsc::channel"))
        }
        _ => false,
    };
    is(&ty.path, "std::sync::mpsc::Sender") && body.parts.iter().any(makes)
}

/// The growing collection inside a lock.
fn locked(ty: &TypePath, body: &Body<'_>) -> Option<TypePath> {
    let scope = &body.scope;
    if !types::is_lock(ty, scope) {
        return None;
    }
    let grows = |ty: &TypePath| types::is_growing(ty, scope);
    let descend = |ty: &TypePath| types::is_wrapper(ty, scope);
    let whole = Type::Path(ty.clone());
    let parts = types::parts(&whole);
    let inner = parts.into_iter().find_map(|part| types::find(part, &grows, &descend));
    inner.cloned()
}
