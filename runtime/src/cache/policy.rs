//! The options of a cache, and the facts about its types.

use std::time::Duration;

use crate::base::erased::{Erased, lent};
use crate::diagnostics::Lifetime;
use crate::error::{BoxError, ResourceError};
use crate::resource::RegistryEntry;

/// The options of a cache, as the expansion of `#[cached]` states them. Durations are in
/// nanoseconds.
pub struct Policy {
    pub(super) name: &'static str,
    pub(super) depth: usize,
    pub(super) dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
    pub(super) ttl: u64,
    pub(super) stale_while_revalidate: u64,
    pub(super) stale_if_error: u64,
    pub(super) stale_if_slow: Option<Duration>,
    pub(super) negative_ttl: u64,
    pub(super) lifetime: Option<fn(&Erased) -> Duration>,
    pub(super) jitter: u8,
    pub(super) timeout: Option<Duration>,
    pub(super) runs: Runs,
}

/// The place where a fetch runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// A task of its own: a caller that is cancelled does not stop it.
    InATask,
    /// The thread of the caller: a function that is not async waits for nothing.
    Here,
}

impl Policy {
    /// Keeps values for `ttl`.
    pub const fn new(name: &'static str, depth: usize, ttl: Duration) -> Self {
        Self {
            name,
            depth,
            dependencies: Vec::new,
            ttl: ttl.as_nanos() as u64,
            stale_while_revalidate: 0,
            stale_if_error: 0,
            stale_if_slow: None,
            negative_ttl: 0,
            lifetime: None,
            jitter: 10,
            timeout: None,
            runs: Runs::InATask,
        }
    }

    /// Sets the resources that a fetch uses.
    pub const fn built_from(
        mut self,
        dependencies: fn() -> Vec<&'static dyn RegistryEntry>,
    ) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// Serves a value this long after its TTL while it is fetched again (RFC 5861, §3).
    pub const fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window.as_nanos() as u64;
        self
    }

    /// Serves a value this long after its TTL where a fetch fails (RFC 5861, §4).
    pub const fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window.as_nanos() as u64;
        self
    }

    /// Serves a stale value where a fetch takes longer than this.
    pub const fn stale_if_slow(mut self, limit: Duration) -> Self {
        self.stale_if_slow = Some(limit);
        self
    }

    /// Keeps a value no longer than this function of it returns.
    pub const fn lifetime(mut self, lifetime: fn(&Erased) -> Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Keeps `Err` and `None` this long.
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = ttl.as_nanos() as u64;
        self
    }

    /// Shortens each lifetime by a random part of up to this percentage.
    pub const fn jitter(mut self, percent: u8) -> Self {
        self.jitter = percent;
        self
    }

    /// The function is not async. Its fetches run on the threads of their callers, also where it is a
    /// resource: a caller that blocks its thread must not wait for a task on that thread.
    pub const fn blocking(mut self) -> Self {
        self.runs = Runs::Here;
        self
    }

    /// Limits one fetch.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }
}

/// Returns the time for which a value may be kept, by the function of its option `lifetime`.
pub fn lifetime_of<V: 'static, F: Lifetime<V>>(value: &Erased, lifetime: F) -> Duration {
    lifetime.of(lent::<V>(value))
}

/// The same for an `Option`. Without a value there is nothing to ask.
pub fn lifetime_of_some<V: IsOption, F: Lifetime<V::Some>>(
    value: &Erased,
    lifetime: F,
) -> Duration {
    lent::<V>(value).as_some().map_or(Duration::MAX, |value| lifetime.of(value))
}

/// An `Option`, also behind an alias.
pub trait IsOption: 'static {
    /// The type of the value.
    type Some;
    /// Returns the value.
    fn as_some(&self) -> Option<&Self::Some>;
}

impl<T: 'static> IsOption for Option<T> {
    type Some = T;

    fn as_some(&self) -> Option<&T> {
        self.as_ref()
    }
}

/// Facts about the types of a function, as [`Probe`](crate::diagnostics::probe::Probe) finds them.
pub struct Facts<E> {
    /// Returns true for a value that stands for none.
    pub is_none: fn(&Erased) -> bool,
    /// Makes the error of a fetch the source of another error.
    pub report: fn(&Erased) -> BoxError,
    /// Formats an error with its sources.
    pub chain: fn(&Erased) -> String,
    /// Clones an error, if it can be cloned.
    pub clone_error: Option<fn(&E) -> E>,
    /// Makes an error of an unavailable resource, if the type has a place for it.
    pub from_resource_error: Option<fn(ResourceError) -> E>,
}
