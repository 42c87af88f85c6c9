//! `leak`: memory that is given up in code that runs again and again.

use super::paths::show;
use super::subject::Subject;
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "leak", can_be_allowed: true, find };

const LEAKS: &[&str] = &[
    "std::boxed::Box::leak",
    "std::boxed::Box::into_raw",
    "std::vec::Vec::leak",
    "std::string::String::leak",
    "std::mem::forget",
    "std::mem::ManuallyDrop::new",
];

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    if subject.attribute == Attribute::Init {
        return;
    }
    for path in subject.expression_paths() {
        if subject.scope.is_one_of(&path.path, LEAKS, 2) {
            found.add(
                path,
                format_args!("`{}` leaks a little each time this runs", show(&path.path)),
                "a container runs it thousands of times, until Lambda kills it for its memory",
                "own the value or share it with an `Arc`; what has to live as long as the container \
                 is a resource (`#[init]`)",
            );
        }
    }
}
