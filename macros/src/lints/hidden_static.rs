//! `hidden_static`: a static with state that is declared in a body.

use syn::TypePath;

use super::body::{Body, Part};
use super::paths::{Scope, is_generic, show};
use super::types::{self, LOCKS};
use super::{Found, Lint};

pub(super) const LINT: Lint = Lint { name: "hidden_static", can_be_allowed: true, find };

/// Matched by name alone, if the path has type arguments.
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

/// Matched only with their module. A bare `Cell` in a `static` cannot be the one of the standard
/// library, which is not `Sync`; the other names are common in other crates.
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

const WHY: &str = "later invocations in the same container see what this one stores there";
const HELP: &str = "keep what belongs to one invocation in a local variable, build what is only \
                    read with `#[init]`, and fetch what gets old with `#[cached(ttl = \"5m\")]`; \
                    if invocations are meant to share it, write `allow(hidden_static)`";

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    let scope = &body.scope;
    for part in &body.parts {
        match part {
            // A `static mut` is reported by the lint of that name.
            Part::Static(item) if matches!(item.mutability, syn::StaticMutability::None) => {
                let holds_state = |ty: &TypePath| holds_state(ty, scope);
                if let Some(ty) = types::find(&item.ty, &holds_state, &|_| true) {
                    let what = format!(
                        "the static `{}` keeps state (`{}`) between invocations",
                        item.ident,
                        show(&ty.path)
                    );
                    found.add(ty, what, WHY, HELP);
                }
            }
            Part::Macro(mac) if scope.is_one_of(&mac.path, MACROS, 1) => {
                let what = format!("`{}!` keeps state between invocations", show(&mac.path));
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
