//! Functions that a handler or a cached function must not call, matched by their paths.

use quote::ToTokens;
use syn::Expr;

use super::body::{Body, Part};
use super::paths::show;
use super::{Attribute, Found};

/// Functions that are flagged for the same reason, with the message.
pub(super) struct Calls {
    /// Full paths. At least two segments must match: `process::exit`, not `exit`.
    pub(super) functions: &'static [&'static str],
    /// Functions whose bare name matches in a call with this number of arguments.
    pub(super) unmistakable: &'static [(&'static str, usize)],
    /// The rest of the first line, after the name of the function.
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

/// Reports each use of these functions in a handler or a cached function.
pub(super) fn find(body: &Body<'_>, found: &mut Found<'_>, table: &[Calls]) {
    if body.attribute == Attribute::Init {
        return;
    }
    for (written, path) in body.expression_paths() {
        let is = |calls: &&Calls| body.scope.is_one_of(&path, calls.functions, 2);
        if let Some(calls) = table.iter().find(is) {
            calls.report(written, &show(&path), found);
        }
    }
    for part in &body.parts {
        let Part::Expr(Expr::Call(call), _) = part else {
            continue;
        };
        let Expr::Path(path) = &*call.func else {
            continue;
        };
        let is = |(name, arguments): &(&str, usize)| {
            body.scope.is_bare(&path.path, name) && call.args.len() == *arguments
        };
        if let Some(calls) = table.iter().find(|calls| calls.unmistakable.iter().any(is)) {
            calls.report(path, &show(&path.path), found);
        }
    }
}
