//! `process_state`: a change to what the whole process has one of.

use super::paths::show;
use super::subject::Subject;
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "process_state", can_be_allowed: true, find };

const CHANGES: &[&str] = &[
    "std::env::set_var",
    "std::env::remove_var",
    "std::env::set_current_dir",
    "std::panic::set_hook",
    "std::panic::take_hook",
];
const ENDS: &[&str] = &["std::process::exit", "std::process::abort"];

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    if subject.attribute == Attribute::Init {
        return;
    }
    for path in subject.expression_paths() {
        if subject.scope.is_one_of(&path.path, CHANGES, 2) {
            found.add(
                path,
                format_args!(
                    "`{}` changes the process, not this invocation",
                    show(&path.path)
                ),
                "it stays so for every later invocation in this container, and for those that run \
                 at the time",
                "do it once, in a resource (`#[init]`) or in `main`, or pass the value as an argument",
            );
        }
        if subject.scope.is_one_of(&path.path, ENDS, 2) {
            found.add(
                path,
                format_args!("`{}` ends the container", show(&path.path)),
                "this invocation fails, and the next one has to build every resource again",
                "return an error",
            );
        }
    }
}
