//! How a resource is built and kept.

use std::time::Duration;

use crate::base::erased::{BoxFuture, Erased};
use crate::error::BoxError;
use crate::resource::RegistryEntry;

/// How a resource is built and kept. Made by the expansion of `#[init]`.
pub struct Spec {
    pub(super) name: &'static str,
    pub(super) depth: usize,
    pub(super) dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
    pub(super) build: Build,
    pub(super) lazy: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) retry_after: Option<Duration>,
    pub(super) check: Option<CheckFn>,
    pub(super) idle: Duration,
    pub(super) close: Option<CloseFn>,
    pub(super) restore: Option<Restore>,
}

/// Whether a value is still good.
pub type CheckFn = for<'a> fn(&'a Erased) -> BoxFuture<'a, Result<(), BoxError>>;

/// Ends a value's life in good order.
pub type CloseFn = for<'a> fn(&'a Erased) -> BoxFuture<'a, ()>;

/// What a SnapStart restore does with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restore {
    /// Nothing.
    Keep,
    /// Checks it, and builds the next if that fails.
    Check,
    /// Builds the next.
    Rebuild,
}

/// The limit of a check where no `timeout` is set. A check that hangs, as on a dead connection,
/// would otherwise hold every later invocation up.
pub(super) const CHECK_LIMIT: Duration = Duration::from_secs(5);

pub(super) enum Build {
    /// Awaits: runs in a task.
    Async(fn() -> BoxFuture<'static, Result<Erased, BoxError>>),
    /// Computes: runs on tokio's blocking pool, or where it is first called.
    Blocking(fn() -> Result<Erased, BoxError>),
}

impl Spec {
    /// A resource whose initialiser awaits.
    pub const fn waiting(
        name: &'static str,
        depth: usize,
        dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
        build: fn() -> BoxFuture<'static, Result<Erased, BoxError>>,
    ) -> Self {
        Self::new(name, depth, dependencies, Build::Async(build))
    }

    /// A resource whose initialiser does not await. It has no dependencies.
    pub const fn computing(name: &'static str, build: fn() -> Result<Erased, BoxError>) -> Self {
        Self::new(name, 0, Vec::new, Build::Blocking(build))
    }

    const fn new(
        name: &'static str,
        depth: usize,
        dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
        build: Build,
    ) -> Self {
        Self {
            name,
            depth,
            dependencies,
            build,
            lazy: false,
            timeout: None,
            retry_after: None,
            check: None,
            idle: Duration::from_secs(30),
            close: None,
            restore: None,
        }
    }

    /// Leaves it to the first use.
    pub const fn lazy(mut self) -> Self {
        self.lazy = true;
        self
    }

    /// Limits one attempt.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Remembers a failed attempt this long.
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Checks the value after building it, after an idle gap longer than `idle`, and after a
    /// restore.
    pub const fn check(mut self, check: CheckFn) -> Self {
        self.check = Some(check);
        self
    }

    /// See [`check`](Self::check). 30 seconds if not set.
    pub const fn idle(mut self, gap: Duration) -> Self {
        self.idle = gap;
        self
    }

    /// Closes a value that was replaced, and the last one at SHUTDOWN.
    pub const fn close(mut self, close: CloseFn) -> Self {
        self.close = Some(close);
        self
    }

    /// What a restore does with the value, if not what follows from its kind.
    pub const fn restore(mut self, restore: Restore) -> Self {
        self.restore = Some(restore);
        self
    }

    /// What a restore does: a check where there is one; a rebuild where building awaited, since the
    /// connections that it made are dead; else nothing.
    pub(super) fn on_restore(&self) -> Restore {
        match (self.restore, self.check, &self.build) {
            (Some(restore), ..) => restore,
            (None, Some(_), _) => Restore::Check,
            (None, None, Build::Async(_)) => Restore::Rebuild,
            (None, None, Build::Blocking(_)) => Restore::Keep,
        }
    }
}
