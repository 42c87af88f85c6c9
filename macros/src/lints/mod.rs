//! Lints: code that an annotated item must not contain, because it is unsafe in a container that
//! serves more than one invocation. Each lint has its own file; this one lists them.

mod allowed;
mod body;
mod calls;
mod detached_task;
mod global_state;
mod global_write;
mod guard_across_await;
mod leak;
mod macro_args;
mod paths;
mod process_state;
mod request_in_key;
mod secret_forever;
mod static_mut;
mod types;
mod unbounded_growth;
mod waited_for;

pub(crate) use allowed::{Allowed, lint};
pub(crate) use secret_forever::is_secret_name;
pub(crate) use static_mut::WHY as STATIC_MUT_WHY;

use crate::diag::Diag;
use crate::item::{Function, Item};
use crate::tokens;
use body::Body;

/// The attribute on an item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Init,
    /// `is_stored`: with a second tier.
    Cached {
        is_stored: bool,
    },
    /// `streams` if its response is streamed.
    Handler {
        streams: bool,
    },
    /// A function that request code calls. `streams` if that may be a handler whose response is
    /// streamed.
    Called {
        streams: bool,
    },
}

/// A lint and the function that runs it.
struct Lint {
    name: &'static str,
    /// True if `allow(name)` switches the lint off.
    can_be_allowed: bool,
    find: fn(&Body<'_>, &mut Found<'_>),
}

const LINTS: &[Lint] = &[
    static_mut::LINT,
    global_write::LINT,
    process_state::LINT,
    leak::LINT,
    detached_task::LINT,
    unbounded_growth::LINT,
    secret_forever::LINT,
    secret_forever::IN_STORE,
    global_state::LINT, // after those that flag the same types
    request_in_key::LINT,
    guard_across_await::LINT,
];

/// Lints that only the audit of a crate reports. All of them can be allowed.
const AUDITED: &[&str] = &["lazy_client", "client_per_invocation", "tmp_file", "snapshot_unique"];

/// Lints that the compiler alone checks, by the traits of the runtime. They cannot be allowed.
const CHECKED_BY_COMPILER: [&str; 1] = ["not_shareable"];

/// Runs all lints that are not allowed, and returns the names of those that reported a fault.
pub(crate) fn check(
    attribute: Attribute,
    item: &Item,
    allowed: &Allowed,
    diag: &mut Diag,
) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let parsed = body::Parsed::read(item);
    let macro_args = macro_args::MacroArgs::default();
    let body = Body::new(attribute, item, parsed.as_ref(), &macro_args);
    for lint in LINTS.iter().filter(|lint| !allowed.has(lint.name)) {
        let name = lint.name;
        let faults = &mut faults;
        (lint.find)(&body, &mut Found { name, diag, faults });
    }
    faults
}

/// True if the compiler would report one of these faults, too, in its own words.
pub(crate) fn is_compile_error(faults: &[&'static str]) -> bool {
    faults.contains(&guard_across_await::LINT.name)
}

/// True for the name of a collection that can grow.
pub(crate) fn is_growing(name: &str) -> bool {
    types::GROWING.iter().any(|known| known.rsplit("::").next() == Some(name))
}

/// The address of the documentation of a lint.
fn url(name: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("https://docs.rs/rewarm/{version}/rewarm/guide/lints/index.html#{name}")
}

/// Adds checks of the globals that the body of a handler or a cached function names, but for those
/// that the audit has judged.
pub(crate) fn check_globals(function: &mut Function, allowed: &Allowed, krate: &syn::Path) {
    if !allowed.has(global_state::LINT.name) {
        global_state::check_globals(function, &tokens::private_path(krate));
    }
}

/// True unless state in a resource is allowed, or one of these faults is that of its type.
pub(crate) fn checks_state(allowed: &Allowed, faults: &[&'static str]) -> bool {
    !global_state::is_reported(faults) && !allowed.has(global_state::LINT.name)
}

/// The lints that hold in every function that request code calls, with the words without which they
/// find nothing.
const CALLED: &[(Lint, &[&str])] = &[
    (process_state::LINT, process_state::WORDS),
    (leak::LINT, leak::WORDS),
    (detached_task::LINT, detached_task::WORDS),
];

/// True for a word that a lint of called functions looks for.
pub(crate) fn is_word(word: &str) -> bool {
    CALLED.iter().any(|(_, words)| words.contains(&word))
}

/// Asks the lints of a function without an attribute, in a program with or without a handler whose
/// response is streamed. Returns their names and their messages.
pub(crate) fn check_called(function: Function, streams: bool) -> Vec<(&'static str, String)> {
    let item = Item::Fn(function);
    let (mut diag, mut faults) = (Diag::default(), Vec::new());
    let parsed = body::Parsed::read(&item);
    let macro_args = macro_args::MacroArgs::default();
    let body = Body::new(Attribute::Called { streams }, &item, parsed.as_ref(), &macro_args);
    for (lint, _) in CALLED {
        (lint.find)(&body, &mut Found { name: lint.name, diag: &mut diag, faults: &mut faults });
    }
    faults.into_iter().zip(diag.into_messages()).collect()
}

/// The second part of a message, with a pointer to the documentation of the lint.
pub(crate) fn with_link(name: &str, why: impl std::fmt::Display) -> String {
    format!("{why} (lint `{name}`, {})", url(name))
}

/// Collects the faults that a lint reports.
struct Found<'a> {
    name: &'static str,
    diag: &'a mut Diag,
    faults: &'a mut Vec<&'static str>,
}

impl Found<'_> {
    /// Reports a fault at these tokens, with a pointer to the documentation of the lint.
    fn add(
        &mut self,
        at: &dyn quote::ToTokens,
        what: impl std::fmt::Display,
        why: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) {
        self.diag.error(at, what, with_link(self.name, why), help);
        self.faults.push(self.name);
    }
}
