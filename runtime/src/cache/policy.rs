//! How long answers are kept, and what has to be known of their types.

use std::time::Duration;

use crate::base::erased::Erased;
use crate::error::{BoxError, ResourceError};

/// How long answers are kept, in nanoseconds. Made by the expansion of `#[cached]`.
pub struct Policy {
    pub(super) name: &'static str,
    pub(super) depth: usize,
    pub(super) ttl: u64,
    pub(super) stale_while_revalidate: u64,
    pub(super) stale_if_error: u64,
    pub(super) negative_ttl: u64,
    pub(super) jitter: u8,
    pub(super) timeout: Option<Duration>,
}

impl Policy {
    /// Answers are kept for `ttl`.
    pub const fn new(name: &'static str, depth: usize, ttl: Duration) -> Self {
        Self {
            name,
            depth,
            ttl: ttl.as_nanos() as u64,
            stale_while_revalidate: 0,
            stale_if_error: 0,
            negative_ttl: 0,
            jitter: 10,
            timeout: None,
        }
    }

    /// RFC 5861, §3: so long after its TTL an answer is given while it is fetched again.
    pub const fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window.as_nanos() as u64;
        self
    }

    /// RFC 5861, §4: so long after its TTL an answer is given where fetching fails.
    pub const fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window.as_nanos() as u64;
        self
    }

    /// `Err` and `None` are kept too, this long.
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = ttl.as_nanos() as u64;
        self
    }

    /// Each lifetime is shortened by a random part of up to so many percent.
    pub const fn jitter(mut self, percent: u8) -> Self {
        self.jitter = percent;
        self
    }

    /// Limits one fetch.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }
}

/// What the answer's types can do, found out by [`Probe`](crate::diagnostics::probe::Probe).
pub struct Facts<E> {
    /// Whether a value says that there is none.
    pub is_none: fn(&Erased) -> bool,
    /// An error of a fetch as the source of another.
    pub report: fn(&Erased) -> BoxError,
    /// How an error is shared, if it can be.
    pub clone_error: Option<fn(&E) -> E>,
    /// How an error says that a resource cannot be had, if it can.
    pub from_resource_error: Option<fn(ResourceError) -> E>,
}
