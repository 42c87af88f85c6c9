//! Spans without the panics of their subscriber. One at the border of a span would cut off the work in
//! it, and end the process if the work itself is unwinding from a panic.

use std::ops::Deref;

use tracing::Span;

use super::panic::{catch, drop_caught};

/// A span to be entered only by [`within`](Self::within).
pub(crate) struct GuardedSpan(Span);

impl GuardedSpan {
    pub(crate) fn new(span: Span) -> Self {
        Self(span)
    }

    /// The span of the caller.
    pub(crate) fn current() -> Self {
        Self(catch(Span::current).unwrap_or_else(|_| Span::none()))
    }

    /// Calls `work` in this span.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let entered = catch(|| self.0.enter());
        let done = catch(work);
        drop_caught(entered, "the scope of a span");
        done.unwrap_or_else(|panic| panic.resume())
    }
}

impl Deref for GuardedSpan {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.0
    }
}

impl Drop for GuardedSpan {
    fn drop(&mut self) {
        drop_caught(std::mem::replace(&mut self.0, Span::none()), "a span");
    }
}
