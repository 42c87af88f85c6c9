//! `process_state`: a change to process-wide state, or an end of the process.

use super::Lint;
use super::calls::{self, Calls};

pub(super) const LINT: Lint = Lint {
    name: "process_state",
    can_be_allowed: true,
    find: |body, found| calls::find(body, found, &[CHANGES, ENDS]),
};

pub(super) const WORDS: &[&str] =
    &["set_var", "remove_var", "set_current_dir", "set_hook", "take_hook", "exit", "abort"];

const CHANGES: Calls = Calls {
    functions: &[
        "std::env::set_var",
        "std::env::remove_var",
        "std::env::set_current_dir",
        "std::panic::set_hook",
        "std::panic::take_hook",
    ],
    unmistakable: &[("set_var", 2), ("remove_var", 1), ("set_current_dir", 1), ("set_hook", 1)],
    what: "changes process-wide state",
    why: "the change stays for every later invocation in this container, and for those that run \
          concurrently",
    help: "call it once in `main`, before `run()`, or pass the value as an argument to the code \
           that needs it",
};

const ENDS: Calls = Calls {
    functions: &["std::process::exit", "std::process::abort"],
    unmistakable: &[],
    what: "ends the container",
    why: "this invocation fails, and the next one waits until every resource is built again",
    help: "return an error: `return Err(error)`",
};
