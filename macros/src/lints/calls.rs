//! Calls that code should not make which runs again and again in one container: a table of functions,
//! known by their paths.

use super::paths::show;
use super::subject::Subject;
use super::{Attribute, Found};

/// Functions that are flagged for the same reason.
pub(super) struct Calls {
    /// As in `use`. They are known by two segments at least: `process::exit`, not `exit`.
    pub(super) functions: &'static [&'static str],
    /// What comes after the function's name.
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) help: &'static str,
}

/// Reports every use of one of these functions in a handler or a cached function.
pub(super) fn find(subject: &Subject<'_>, found: &mut Found<'_>, table: &[Calls]) {
    if subject.attribute == Attribute::Init {
        return;
    }
    for path in subject.expression_paths() {
        for calls in table {
            if subject.scope.is_one_of(&path.path, calls.functions, 2) {
                let what = format_args!("`{}` {}", show(&path.path), calls.what);
                found.add(path, what, calls.why, calls.help);
            }
        }
    }
}
