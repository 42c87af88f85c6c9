//! Spans without the panics of their subscriber. One at the border of a span would cut off the work in
//! it, and end the process if the work itself is unwinding from a panic.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;

use tracing::Span;

use super::panic::{catch, drop_caught};

/// A span to be entered only by [`within`](Self::within) and [`carry`](Self::carry).
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

    /// Awaits `work` in this span.
    pub(crate) async fn carry<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| self.within(|| work.as_mut().poll(cx))).await
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
