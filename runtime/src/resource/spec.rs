//! The options of a resource.

use std::time::Duration;

use crate::base::erased::{BoxFuture, Erased};
use crate::error::{BoxError, ResourceError};
use crate::resource::RegistryEntry;

/// The options of a resource, as the expansion of `#[init]` states them.
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

/// A `check` hook.
pub type CheckFn = for<'a> fn(&'a Erased) -> BoxFuture<'a, Result<(), BoxError>>;

/// A `close` hook.
pub type CloseFn = for<'a> fn(&'a Erased) -> BoxFuture<'a, ()>;

/// The handling of a value in a SnapStart restore, and of a stale value in general.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restore {
    /// The value is used as it is.
    Keep,
    /// The value is checked, and rebuilt if it fails.
    Check,
    /// The value is rebuilt.
    Rebuild,
}

pub(super) enum Build {
    /// An initialiser that awaits. It runs in a task.
    Async(fn() -> BoxFuture<'static, Result<Erased, BoxError>>),
    /// An initialiser that does not. It runs on tokio's blocking pool, or on the thread of a caller
    /// that does not await.
    Blocking(fn() -> Result<Erased, BoxError>),
    /// The same, with the resources that it takes.
    BlockingFrom(fn(Hold) -> BoxFuture<'static, Result<Call, ResourceError>>),
}

/// The way in which a plain initialiser gets the resources that it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It waits for them.
    Await,
    /// Its caller blocks a thread, on which one that awaits may have to run: only those that are
    /// ready, and those that do not await.
    Now,
}

/// The call of a plain initialiser, with the resources that it takes.
pub type Call = Box<dyn FnOnce() -> Result<Erased, BoxError> + Send>;

impl Spec {
    /// Options of a resource whose initialiser awaits.
    pub const fn waiting(
        name: &'static str,
        depth: usize,
        dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
        build: fn() -> BoxFuture<'static, Result<Erased, BoxError>>,
    ) -> Self {
        Self::new(name, depth, dependencies, Build::Async(build))
    }

    /// Options of a resource whose initialiser does not await. It has no dependencies.
    pub const fn computing(name: &'static str, build: fn() -> Result<Erased, BoxError>) -> Self {
        Self::new(name, 0, Vec::new, Build::Blocking(build))
    }

    /// Options of a resource whose initialiser does not await, and takes resources.
    pub const fn computing_from(
        name: &'static str,
        depth: usize,
        dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
        build: fn(Hold) -> BoxFuture<'static, Result<Call, ResourceError>>,
    ) -> Self {
        Self::new(name, depth, dependencies, Build::BlockingFrom(build))
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

    /// Builds it at its first use and not in INIT.
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

    /// Sets the handling in a restore.
    pub const fn restore(mut self, restore: Restore) -> Self {
        self.restore = Some(restore);
        self
    }

    /// Returns the handling in a restore: a check where there is one; a rebuild after an initialiser
    /// that awaits, since no connection survives a snapshot; else none.
    pub(super) fn on_restore(&self) -> Restore {
        match (self.restore, self.check, &self.build) {
            (Some(restore), ..) => restore,
            (None, Some(_), _) => Restore::Check,
            (None, None, Build::Async(_)) => Restore::Rebuild,
            (None, None, Build::Blocking(_) | Build::BlockingFrom(_)) => Restore::Keep,
        }
    }
}
