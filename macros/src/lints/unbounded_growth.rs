//! `unbounded_growth`: a resource that every invocation can add to and nothing bounds.

use syn::{Expr, Path, Type, TypePath};

use super::body::{Part, Subject};
use super::paths::{is_generic, show};
use super::types;
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "unbounded_growth", can_be_allowed: true, find };

/// Collections that are shared without a lock, and queues that never say no.
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

/// The same, where less than the whole path may also be something else.
const SHARED_WHOLE: &[&str] =
    &["std::sync::mpsc::Sender", "scc::HashMap", "scc::HashSet", "papaya::HashMap", "boxcar::Vec"];

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    if subject.attribute != Attribute::Init {
        return;
    }
    let value = subject.value();
    let scope = &subject.scope;
    let grows = |ty: &TypePath| {
        let whole = SHARED_WHOLE.iter().any(|known| show(&ty.path) == *known);
        let shared = whole || scope.is_one_of(&ty.path, SHARED, 1) || is_std_channel(ty, subject);
        let shared = is_generic(&ty.path) && shared;
        shared || locked(ty, subject).is_some()
    };
    let Some(ty) = types::find(&value, &grows, &|_| true) else {
        return;
    };
    let what = match locked(ty, subject) {
        Some(inner) => {
            format!(
                "the `{}` in this `{}` can grow without a bound",
                show(&inner.path),
                show(&ty.path)
            )
        }
        None => format!("`{}` can grow without a bound", show(&ty.path)),
    };
    found.add(
        ty,
        what,
        "a container serves thousands of invocations: what each adds stays, until Lambda kills it \
         for its memory",
        "keep answers with `#[cached(ttl = \"…\", max_entries = …)]`, bound it, or say that you do \
         with `allow(unbounded_growth)`",
    );
}

/// Whether it is an end of the standard library's channel: `mpsc::Sender`, in a body that makes a
/// channel without saying how much it holds, as no other `mpsc::channel` is made.
fn is_std_channel(ty: &TypePath, subject: &Subject<'_>) -> bool {
    let is = |path: &Path, known: &str| subject.scope.is_one_of(path, &[known], 2);
    let makes = |part: &Part<'_>| match part {
        Part::Expr(Expr::Call(call), _) if call.args.is_empty() => {
            matches!(&*call.func, Expr::Path(path) if is(&path.path, "std::sync::mpsc::channel"))
        }
        _ => false,
    };
    is(&ty.path, "std::sync::mpsc::Sender") && subject.parts.iter().any(makes)
}

/// The collection in a lock.
fn locked(ty: &TypePath, subject: &Subject<'_>) -> Option<TypePath> {
    let scope = &subject.scope;
    if !types::is_lock(ty, scope) {
        return None;
    }
    let grows = |ty: &TypePath| types::is_growing(ty, scope);
    let into = |ty: &TypePath| types::is_wrapper(ty, scope);
    let whole = Type::Path(ty.clone());
    let parts = types::parts(&whole);
    let inner = parts.into_iter().find_map(|part| types::find(part, &grows, &into));
    inner.cloned()
}
