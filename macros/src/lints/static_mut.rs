//! `static_mut`: a `static mut` as a resource or in a body.

use super::body::{Body, Part};
use super::{Found, Lint};
use crate::item::Item;

pub(super) const LINT: Lint = Lint { name: "static_mut", can_be_allowed: false, find };

pub(crate) const WHY: &str = "later invocations see what this one writes, and access from two \
                              threads at once is undefined behaviour";

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    if let Item::Static(item) = body.item {
        if let Some(mutability) = &item.mutability {
            found.add(
                mutability,
                "a container resource cannot be `static mut`",
                WHY,
                "write `static` for a value that is only read, and keep what belongs to one \
                 invocation in a local variable; what invocations are meant to share, such as a \
                 counter, is an atomic or a lock under `#[init(allow(global_state))]`",
            );
        }
    }
    for part in &body.parts {
        let Part::Static(item) = part else { continue };
        let syn::StaticMutability::Mut(mutability) = &item.mutability else {
            continue;
        };
        found.add(
            mutability,
            format_args!("`{}` is a `static mut`", item.ident),
            WHY,
            "keep what belongs to one invocation in a local variable (`let mut`), and build what \
             is only read with `#[init]`",
        );
    }
}
