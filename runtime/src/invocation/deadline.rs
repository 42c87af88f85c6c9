//! The deadline guard: ends an invocation a margin ahead of Lambda's deadline, at which Lambda would
//! end the container with all that it keeps.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::limit::run_until;
use crate::container::lifecycle;
use crate::invocation::error::InvocationError;

/// The end of the error of a response that may have waited for deferred work.
pub(crate) const DEFERRED: &str = "; deferred work runs after the response, so a response that waits \
                                   for deferred work never ends";

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

    /// Awaits `work` and drops it; `None` if it was not done in time.
    pub(crate) async fn hold<F: Future>(self, work: Pin<&mut Option<F>>) -> Option<F::Output> {
        run_until(self.end, work).await
    }

    /// True if there is a limit.
    pub(crate) fn is_limit(self) -> bool {
        self.end.is_some()
    }

    /// The error of a response that was not done in time, in an invocation with or without deferred
    /// work.
    pub(crate) fn exceeded(self, has_deferred: bool) -> InvocationError {
        let margin = self.margin;
        let building = lifecycle::building();
        let building = match building.is_empty() {
            true => String::new(),
            false => format!(", while this was being built: {}", building.join(", ")),
        };
        let deferred = if has_deferred { DEFERRED } else { "" };
        let text = format!(
            "the handler was cancelled {margin:?} before Lambda's deadline{building}{deferred}"
        );
        InvocationError::new("DeadlineExceeded", text)
    }
}
