//! `static_mut`: a `static mut`, as a resource or in a body.

use super::body::{Part, Subject};
use super::{Found, Lint};
use crate::item::Item;

pub(super) const LINT: Lint = Lint { name: "static_mut", can_be_allowed: false, find };

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    if let Item::Static(item) = subject.item {
        if let Some(mutability) = &item.mutability {
            found.add(
                mutability,
                "a container resource cannot be `static mut`",
                "every later invocation would see what this one left in it, and two threads at a \
                 time would be undefined behaviour",
                "write `static`, and put what changes into a `Mutex` or an atomic",
            );
        }
    }
    for part in &subject.parts {
        let Part::Static(item) = part else { continue };
        let syn::StaticMutability::Mut(mutability) = &item.mutability else {
            continue;
        };
        found.add(
            mutability,
            format_args!("`{}` is a `static mut`", item.ident),
            "it survives from one invocation to the next, and two threads at a time would be \
             undefined behaviour",
            "keep it in a local variable, or declare what the container is to keep with `#[init]`",
        );
    }
}
