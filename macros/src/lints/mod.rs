//! What must not stand in an annotated item, because reuse would make it unsafe. One file a lint;
//! this one lists them.

mod allowed;
mod body;
mod calls;
mod detached_task;
mod global_write;
mod hidden_static;
mod leak;
mod macro_args;
mod paths;
mod process_state;
mod request_in_key;
mod secret_forever;
mod static_mut;
mod types;
mod unbounded_growth;

pub(crate) use allowed::Allowed;

use crate::diag::Diag;
use crate::item::Item;
use body::Subject;

/// The attribute that an item stands under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Init,
    Cached,
    Handler,
}

/// One thing to look for.
struct Lint {
    name: &'static str,
    /// Whether `allow(name)` switches it off.
    can_be_allowed: bool,
    find: fn(&Subject<'_>, &mut Found<'_>),
}

const LINTS: &[Lint] = &[
    static_mut::LINT,
    hidden_static::LINT,
    global_write::LINT,
    process_state::LINT,
    leak::LINT,
    detached_task::LINT,
    unbounded_growth::LINT,
    secret_forever::LINT,
    request_in_key::LINT,
];

/// Those that the compiler finds through the traits of the runtime, and nobody can allow.
const BY_THE_COMPILER: [&str; 2] = ["not_shareable", "guard_across_await"];

/// Runs all lints over an item, but for those that are allowed. Gives the names of those that found
/// something.
pub(crate) fn check(
    attribute: Attribute,
    item: &Item,
    allowed: &Allowed,
    diag: &mut Diag,
) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let body = body::Body::read(item);
    let inside = macro_args::Inside::default();
    let subject = Subject::new(attribute, item, body.as_ref(), &inside);
    for lint in LINTS.iter().filter(|lint| !allowed.has(lint.name)) {
        let name = lint.name;
        let faults = &mut faults;
        (lint.find)(&subject, &mut Found { name, diag, faults });
    }
    faults
}

/// Takes what a lint finds.
struct Found<'a> {
    name: &'static str,
    diag: &'a mut Diag,
    faults: &'a mut Vec<&'static str>,
}

impl Found<'_> {
    /// Reports it, and where to read on.
    fn add(
        &mut self,
        at: &dyn quote::ToTokens,
        what: impl std::fmt::Display,
        why: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) {
        let name = self.name;
        let why = format!("{why} (lint `{name}`, see docs/lints.md#{name})");
        self.diag.error(at, what, why, help);
        self.faults.push(name);
    }
}
