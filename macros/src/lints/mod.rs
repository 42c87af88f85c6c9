//! What must not stand in an annotated item, because reuse would make it unsafe. One file a lint;
//! this one lists them.

mod static_mut;

use crate::diag::Diag;
use crate::item::Item;

/// The attribute that an item stands under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Init,
    Cached,
    Handler,
}

/// Runs all lints over an item.
pub(crate) fn check(attribute: Attribute, item: &Item, diag: &mut Diag) {
    for lint in LINTS {
        lint(attribute, item, diag);
    }
}

const LINTS: [fn(Attribute, &Item, &mut Diag); 1] = [static_mut::check];
