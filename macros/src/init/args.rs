//! The options of `#[init]`.

use std::time::Duration;

use syn::Path;

use crate::args::{Args, Given};
use crate::diag::Diag;
use crate::lints::Allowed;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) lazy: bool,
    pub(super) timeout: Option<Given<Duration>>,
    pub(super) retry_after: Option<Given<Duration>>,
    pub(super) check: Option<Path>,
    /// True if a `check` is given, right or wrong.
    has_check: bool,
    pub(super) idle: Option<Given<Duration>>,
    pub(super) close: Option<Path>,
    pub(super) restore: Option<Given<Restore>>,
}

/// The effect of a SnapStart restore on the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Restore {
    Keep,
    Check,
    Rebuild,
}

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        let restore =
            [("keep", Restore::Keep), ("check", Restore::Check), ("rebuild", Restore::Rebuild)];
        Self {
            lazy: args.flag("lazy", diag).is_some(),
            timeout: args.duration("timeout = \"3s\"", false, diag),
            retry_after: args.duration("retry_after = \"60s\"", false, diag),
            check: args.path("check = path", diag),
            has_check: args.has("check"),
            idle: args.duration("idle = \"30s\"", false, diag),
            close: args.path("close = path", diag),
            restore: args.choice("restore = keep | check | rebuild", &restore, diag),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }

    /// Removes and reports options that do not fit each other, or an initialiser that does not
    /// await. `make_it_await` is the help for the latter.
    pub(super) fn check(&mut self, awaits: bool, make_it_await: &str, diag: &mut Diag) {
        if let Some((_, at)) = self.timeout.take_if(|_| !awaits) {
            diag.error(
                &at,
                "`timeout` requires an `async fn`",
                "an initialiser without `.await` cannot be stopped before it ends",
                format_args!("{make_it_await}, or remove `timeout`"),
            );
        }
        if let Some(check) = self.check.take_if(|_| !awaits) {
            diag.error(
                &check,
                "`check` requires an `async fn`",
                "a check is awaited before each use, and this value is used without `.await`",
                format_args!("{make_it_await}, or remove `check`"),
            );
        }
        if self.has_check {
            return;
        }
        // Without `.await` there is no `check` to add.
        let add = if awaits { "add `check = path`, or " } else { "" };
        if let Some((_, at)) = self.idle.take() {
            diag.error(
                &at,
                "`idle` requires a `check`",
                "it is the idle gap after which the value is checked",
                format_args!("{add}remove `idle`"),
            );
        }
        if let Some((_, at)) = self.restore.take_if(|(restore, _)| *restore == Restore::Check) {
            diag.error(
                &at,
                "`restore = check` requires a `check`",
                "a restore has no function to check the value with",
                format_args!("{add}write `restore = rebuild`"),
            );
        }
    }
}
