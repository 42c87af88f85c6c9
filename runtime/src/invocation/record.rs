//! What became of an invocation, kept where it is asked for: in the container's record, in its span, and
//! until it is over in its scope.

use std::time::Duration;

use crate::container::container;
use crate::invocation::context::{InvocationContext, InvocationOutcome};
use crate::invocation::error::InvocationError;
use crate::invocation::span;

/// Keeps what became of an invocation.
pub(crate) fn record_outcome(
    invocation: &InvocationContext,
    error: Option<&InvocationError>,
    deadline_exceeded: bool,
) {
    container().invocation_answered(error.is_some(), deadline_exceeded);
    // Where no sink is told, nobody asks for it.
    let duration =
        invocation.request_id.as_ref().map_or(Duration::ZERO, |_| invocation.started.elapsed());
    if let Some(error) = error {
        span::fail(&invocation.span, error);
    }
    let error = error.map(|error| error.error_type.clone());
    let _ = invocation.record_outcome.set(InvocationOutcome { duration, error, deadline_exceeded });
}
