//! What became of an invocation, kept where it is asked for: in the container's record, in its span, and
//! until it is over in its scope.

use std::time::Duration;

use crate::container::container;
use crate::failure::InvocationError;
use crate::scope::{Answered, Scope};
use crate::span;

/// Keeps what became of an invocation.
pub(crate) fn answered(scope: &Scope, error: Option<&InvocationError>, deadline_exceeded: bool) {
    container().invocation_answered(error.is_some(), deadline_exceeded);
    // Where no sink is told, nobody asks for it.
    let duration = scope.request_id.as_ref().map_or(Duration::ZERO, |_| scope.started.elapsed());
    if let Some(error) = error {
        span::fail(&scope.span, error);
    }
    let error = error.map(|error| error.error_type.clone());
    let _ = scope.answered.set(Answered { duration, error, deadline_exceeded });
}
