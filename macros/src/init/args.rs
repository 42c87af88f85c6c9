//! The options of `#[init]`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::Path;

use crate::args::Args;
use crate::diag::Diag;
use crate::lints::Allowed;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) lazy: Option<Ident>,
    pub(super) timeout: Option<(Duration, TokenStream)>,
    pub(super) retry_after: Option<(Duration, TokenStream)>,
    pub(super) check: Option<Path>,
    /// Whether a `check` is given, right or wrong.
    pub(super) checks: bool,
    pub(super) idle: Option<(Duration, TokenStream)>,
    pub(super) close: Option<Path>,
    pub(super) restore: Option<(Restore, Ident)>,
}

/// What a SnapStart restore does with the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Restore {
    Keep,
    Check,
    Rebuild,
}

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        Self {
            lazy: args.flag("lazy", diag),
            timeout: args.duration("timeout = \"3s\"", false, diag),
            retry_after: args.duration("retry_after = \"60s\"", false, diag),
            check: args.path("check = path", diag),
            checks: args.has("check"),
            idle: args.duration("idle = \"30s\"", false, diag),
            close: args.path("close = path", diag),
            restore: restore(args, diag),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }
}

fn restore(args: &mut Args, diag: &mut Diag) -> Option<(Restore, Ident)> {
    let word = args.word("restore = keep | check | rebuild", diag)?;
    let restore = match word.to_string().as_str() {
        "keep" => Restore::Keep,
        "check" => Restore::Check,
        "rebuild" => Restore::Rebuild,
        other => {
            let what = format!("a restore cannot `{other}` the value");
            diag.error(&word, what, "", "write `keep`, `check` or `rebuild`");
            return None;
        }
    };
    Some((restore, word))
}
