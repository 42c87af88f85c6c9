//! Calls that code should not make which runs again and again in one container: a table of functions,
//! known by their paths.

use quote::ToTokens;
use syn::Expr;

use super::body::{Part, Subject};
use super::paths::show;
use super::{Attribute, Found};

/// Functions that are flagged for the same reason.
pub(super) struct Calls {
    /// As in `use`. They are known by two segments at least: `process::exit`, not `exit`.
    pub(super) functions: &'static [&'static str],
    /// Those that are known by their name alone where they are called, with how many arguments.
    pub(super) unmistakable: &'static [(&'static str, usize)],
    /// What comes after the function's name.
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) help: &'static str,
}

impl Calls {
    /// Reports a use of one of the functions.
    pub(super) fn report(&self, at: &dyn ToTokens, name: &str, found: &mut Found<'_>) {
        found.add(at, format_args!("`{name}` {}", self.what), self.why, self.help);
    }
}

/// Reports every use of one of these functions in a handler or a cached function.
pub(super) fn find(subject: &Subject<'_>, found: &mut Found<'_>, table: &[Calls]) {
    if subject.attribute == Attribute::Init {
        return;
    }
    for (written, path) in subject.expression_paths() {
        let is = |calls: &&Calls| subject.scope.is_one_of(&path, calls.functions, 2);
        if let Some(calls) = table.iter().find(is) {
            calls.report(written, &show(&path), found);
        }
    }
    for part in &subject.parts {
        let Part::Expr(Expr::Call(call), _) = part else {
            continue;
        };
        let Expr::Path(path) = &*call.func else {
            continue;
        };
        let is = |(name, arguments): &(&str, usize)| {
            subject.scope.is_bare(&path.path, name) && call.args.len() == *arguments
        };
        if let Some(calls) = table.iter().find(|calls| calls.unmistakable.iter().any(is)) {
            calls.report(path, &show(&path.path), found);
        }
    }
}
