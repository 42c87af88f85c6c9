//! The deadline guard: an invocation ends by itself a margin ahead of the moment at which Lambda would
//! end it with its container, and all that it holds.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};

use crate::container;
use crate::invocation::error::InvocationError;

/// Ends what runs a margin ahead of Lambda's deadline.
#[derive(Clone, Copy)]
pub struct Guard {
    end: Option<Instant>,
    margin: Duration,
}

impl Guard {
    pub(crate) fn new(deadline: Option<Instant>, margin: Duration) -> Self {
        let end = deadline.filter(|_| !margin.is_zero());
        let end = end.map(|end| end.checked_sub(margin).unwrap_or_else(Instant::now));
        Self { end, margin }
    }

    /// Drops `work` if it is not done in time.
    pub(crate) async fn hold<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let Some(end) = self.end else {
            return Some(work.await);
        };
        let mut work = pin!(work);
        // What does not wait needs no timer.
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return Some(done);
        }
        let mut end = pin!(unconstrained(sleep_until(end)));
        // One that yields is not polled again before it is woken.
        let mut is_polled = true;
        poll_fn(|cx| {
            if !std::mem::take(&mut is_polled) {
                if let Poll::Ready(done) = work.as_mut().poll(cx) {
                    return Poll::Ready(Some(done));
                }
            }
            end.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// The error of what was dropped.
    pub(crate) fn exceeded(self) -> InvocationError {
        let margin = self.margin;
        let building = container::building();
        let building = match building.is_empty() {
            true => String::new(),
            false => format!(", while this was being built: {}", building.join(", ")),
        };
        let text =
            format!("the handler was cancelled {margin:?} before Lambda's deadline{building}");
        InvocationError::new("DeadlineExceeded", text)
    }
}
