//! `process_state`: a change to what the whole process has one of.

use super::Lint;
use super::calls::{self, Calls};

pub(super) const LINT: Lint = Lint {
    name: "process_state",
    can_be_allowed: true,
    find: |subject, found| calls::find(subject, found, &[CHANGES, ENDS]),
};

const CHANGES: Calls = Calls {
    functions: &[
        "std::env::set_var",
        "std::env::remove_var",
        "std::env::set_current_dir",
        "std::panic::set_hook",
        "std::panic::take_hook",
    ],
    unmistakable: &[("set_var", 2), ("remove_var", 1), ("set_current_dir", 1), ("set_hook", 1)],
    what: "changes the process, not this invocation",
    why: "it stays so for every later invocation in this container, and for any that runs at the same time",
    help: "do it once, in a resource (`#[init]`) or in `main`, or pass the value as an argument",
};

const ENDS: Calls = Calls {
    functions: &["std::process::exit", "std::process::abort"],
    unmistakable: &[],
    what: "ends the container",
    why: "this invocation fails, and the next one has to build every resource again",
    help: "return an error",
};
