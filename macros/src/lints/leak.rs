//! `leak`: memory that is given up in code that runs again and again.

use super::Lint;
use super::calls::{self, Calls};

pub(super) const LINT: Lint = Lint {
    name: "leak",
    can_be_allowed: true,
    find: |subject, found| calls::find(subject, found, &[LEAKS]),
};

const LEAKS: Calls = Calls {
    functions: &[
        "std::boxed::Box::leak",
        "std::boxed::Box::into_raw",
        "std::vec::Vec::leak",
        "std::string::String::leak",
        "std::mem::forget",
        "std::mem::ManuallyDrop::new",
    ],
    what: "leaks a little each time this runs",
    why: "a container runs it thousands of times, until Lambda kills it for its memory",
    help: "own the value or share it with an `Arc`; what has to live as long as the container is a \
           resource (`#[init]`)",
};
