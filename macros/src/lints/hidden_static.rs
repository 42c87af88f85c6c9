//! `hidden_static`: a static in a body that holds state, which survives the invocation unseen.

use syn::TypePath;

use super::body::{Part, Subject};
use super::paths::{Scope, is_generic, show};
use super::types::{self, LOCKS};
use super::{Found, Lint};

pub(super) const LINT: Lint = Lint { name: "hidden_static", can_be_allowed: true, find };

/// Known by their name alone, if they have angle brackets.
const GENERIC: &[&str] = &[
    "std::sync::OnceLock",
    "std::sync::LazyLock",
    "std::sync::atomic::AtomicPtr",
    "once_cell::sync::OnceCell",
    "once_cell::sync::Lazy",
    "once_cell::sync::OnceBox",
    "once_cell::race::OnceBox",
    "tokio::sync::OnceCell",
    "async_lock::OnceCell",
    "arc_swap::ArcSwap",
    "arc_swap::ArcSwapOption",
    "arc_swap::ArcSwapAny",
    "crossbeam_utils::atomic::AtomicCell",
    "crossbeam::atomic::AtomicCell",
    "dashmap::DashMap",
    "dashmap::DashSet",
    "spin::Lazy",
];

/// Known only with a module before them. As a `static` of its own, a bare `Cell` cannot be the one
/// of the standard library, which is not `Sync`; the others have names that many types have.
const QUALIFIED: &[&str] = &[
    "std::cell::Cell",
    "std::cell::RefCell",
    "std::cell::UnsafeCell",
    "std::cell::OnceCell",
    "std::cell::LazyCell",
    "std::sync::Once",
    "std::sync::Condvar",
    "tokio::sync::Semaphore",
    "tokio::sync::Notify",
    "spin::Once",
    "parking_lot::Once",
    "parking_lot::Condvar",
];

const ATOMICS: &[&str] = &[
    "std::sync::atomic::AtomicBool",
    "std::sync::atomic::AtomicI8",
    "std::sync::atomic::AtomicI16",
    "std::sync::atomic::AtomicI32",
    "std::sync::atomic::AtomicI64",
    "std::sync::atomic::AtomicIsize",
    "std::sync::atomic::AtomicU8",
    "std::sync::atomic::AtomicU16",
    "std::sync::atomic::AtomicU32",
    "std::sync::atomic::AtomicU64",
    "std::sync::atomic::AtomicU128",
    "std::sync::atomic::AtomicI128",
    "std::sync::atomic::AtomicUsize",
];

const MACROS: &[&str] = &["std::thread_local", "lazy_static::lazy_static"];

const WHY: &str = "what one invocation leaves in it, every later one in the same container finds";
const HELP: &str = "declare it at module level with `#[init]`, or with `#[cached(ttl = \"…\")]` if it \
                    gets old; what belongs to one invocation goes into a local variable";

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    let scope = &subject.scope;
    for part in &subject.parts {
        match part {
            // `static_mut` reports the others.
            Part::Static(item) if matches!(item.mutability, syn::StaticMutability::None) => {
                let holds_state = |ty: &TypePath| holds_state(ty, scope);
                if let Some(ty) = types::find(&item.ty, &holds_state, &|_| true) {
                    let what = format!(
                        "the static `{}` holds state (`{}`) that nobody sees from outside",
                        item.ident,
                        show(&ty.path)
                    );
                    found.add(ty, what, WHY, HELP);
                }
            }
            Part::Macro(mac) if scope.is_one_of(&mac.path, MACROS, 1) => {
                let what =
                    format!("`{}!` keeps state that nobody sees from outside", show(&mac.path));
                found.add(&mac.path, what, WHY, HELP);
            }
            _ => {}
        }
    }
}

fn holds_state(ty: &TypePath, scope: &Scope) -> bool {
    let is = |known, least| scope.is_one_of(&ty.path, known, least);
    is(ATOMICS, 1) || is(QUALIFIED, 2) || is_generic(&ty.path) && (is(LOCKS, 1) || is(GENERIC, 1))
}
