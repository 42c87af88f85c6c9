//! Work with a time limit, and with a panic guard around its end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};

use super::panic::{catch, log_caught};

/// Awaits `work` until `end`, and drops it; `None` if it was not done in time. A panic of what it
/// drops is logged.
///
/// The future is polled before the time is looked at: work that does not wait needs no timer, and
/// none where the tokio runtime has none.
pub(crate) async fn run_until<F: Future>(
    end: Option<Instant>,
    mut work: Pin<&mut Option<F>>,
) -> Option<F::Output> {
    let done = {
        let poll = |cx: &mut Context<'_>| match work.as_mut().as_pin_mut() {
            Some(work) => work.poll(cx),
            None => unreachable!("the work is dropped when this has returned"),
        };
        poll_until(end, pin!(poll_fn(poll))).await
    };
    if let Err(panic) = catch(|| work.set(None)) {
        log_caught(|| tracing::error!(%panic, "panic while dropping cancelled work"));
    }
    done
}

/// Awaits `work` until `end`; `None` if it was not done in time, and can be awaited further.
pub(crate) async fn poll_until<F: Future>(
    end: Option<Instant>,
    mut work: Pin<&mut F>,
) -> Option<F::Output> {
    let Some(end) = end else {
        return Some(work.await);
    };
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        return Some(done);
    }
    let Ok(sleep) = catch(|| sleep_until(end)) else {
        return Some(work.await);
    };
    let mut sleep = pin!(unconstrained(sleep));
    // Work that yields is not polled a second time before it is woken.
    let mut is_polled = true;
    poll_fn(|cx| {
        if !std::mem::take(&mut is_polled)
            && let Poll::Ready(done) = work.as_mut().poll(cx)
        {
            return Poll::Ready(Some(done));
        }
        sleep.as_mut().poll(cx).map(|()| None)
    })
    .await
}
