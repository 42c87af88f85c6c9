//! The deadline guard: ends an invocation a margin ahead of Lambda's deadline, at which Lambda would
//! end the container with all that it keeps.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};

use crate::base::panic::{catch, log_caught};
use crate::container::lifecycle;
use crate::invocation::error::InvocationError;

/// Bounds work by a deadline less a margin.
#[derive(Clone, Copy)]
pub struct Guard {
    end: Option<Instant>,
    margin: Duration,
}

impl Guard {
    /// A guard without a limit if there is no deadline or the margin is zero.
    pub(crate) fn new(deadline: Option<Instant>, margin: Duration) -> Self {
        let end = deadline.filter(|_| !margin.is_zero());
        let end = end.map(|end| end.checked_sub(margin).unwrap_or_else(Instant::now));
        Self { end, margin }
    }

    /// Awaits `work` and drops it, whether or not it is done in time; `None` if it is not. A panic of
    /// what it drops is logged.
    pub(crate) async fn hold<F: Future>(self, mut work: Pin<&mut Option<F>>) -> Option<F::Output> {
        let done = self.run(work.as_mut()).await;
        if let Err(panic) = catch(|| work.set(None)) {
            log_caught(|| tracing::error!(%panic, "panic while dropping cancelled work"));
        }
        done
    }

    async fn run<F: Future>(self, mut work: Pin<&mut Option<F>>) -> Option<F::Output> {
        let mut poll = move |cx: &mut Context<'_>| match work.as_mut().as_pin_mut() {
            Some(work) => work.poll(cx),
            None => unreachable!("the work is dropped when this has returned"),
        };
        let Some(end) = self.end else {
            return Some(poll_fn(poll).await);
        };
        // Work that does not wait needs no timer.
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(poll(cx))).await {
            return Some(done);
        }
        let mut end = pin!(unconstrained(sleep_until(end)));
        // Work that yields is not polled a second time before it is woken.
        let mut is_polled = true;
        poll_fn(|cx| {
            if !std::mem::take(&mut is_polled) {
                if let Poll::Ready(done) = poll(cx) {
                    return Poll::Ready(Some(done));
                }
            }
            end.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// The error of work that was not done in time.
    pub(crate) fn exceeded(self) -> InvocationError {
        let margin = self.margin;
        let building = lifecycle::building();
        let building = match building.is_empty() {
            true => String::new(),
            false => format!(", while this was being built: {}", building.join(", ")),
        };
        let text =
            format!("the handler was cancelled {margin:?} before Lambda's deadline{building}");
        InvocationError::new("DeadlineExceeded", text)
    }
}
