//! `static_mut`: a resource that is a `static mut`.

use super::Attribute;
use crate::diag::Diag;
use crate::item::Item;

pub(super) fn check(_: Attribute, item: &Item, diag: &mut Diag) {
    let Item::Static(item) = item else { return };
    let Some(mutability) = &item.mutability else {
        return;
    };
    diag.error(
        mutability,
        "a container resource cannot be `static mut`",
        "every later invocation would see what this one left in it, and two threads at a time would \
         be undefined behaviour (lint `static_mut`, see docs/lints.md)",
        "write `static`, and put what changes into a `Mutex` or an atomic",
    );
}
