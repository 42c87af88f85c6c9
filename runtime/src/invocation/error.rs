//! The error of a failed invocation, as Lambda shows it.

use serde::Serialize;

use crate::base::panic::Panic;
use crate::diagnostics::Reportable;
use crate::error::{ResourceError, chain, short_type_name};

/// The error of a failed invocation, as Lambda shows it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InvocationError {
    /// The short name of the handler's error type, or `Panic`, `DeadlineExceeded`, `InvalidEvent`,
    /// `InvalidAnswer`, `ResourceUnavailable`.
    pub error_type: String,
    /// The error and its chain of sources.
    pub error_message: String,
}

impl InvocationError {
    pub(crate) fn new(error_type: &str, error_message: impl ToString) -> Self {
        Self { error_type: error_type.to_owned(), error_message: error_message.to_string() }
    }

    /// The error of a user's function: the short name of its type, and its chain of sources.
    pub(crate) fn of<E: Reportable>(error: E) -> Self {
        Self::new(short_type_name::<E>(), chain(&*error.report()))
    }
}

impl std::fmt::Display for InvocationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.error_message)
    }
}

/// Prints the error like `Display`, as logs want it.
impl std::fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvocationError {}

impl From<ResourceError> for InvocationError {
    fn from(error: ResourceError) -> Self {
        Self::new("ResourceUnavailable", chain(&error))
    }
}

impl From<Panic> for InvocationError {
    fn from(panic: Panic) -> Self {
        match panic.resource_error() {
            Some(error) => error.clone().into(),
            None => Self::new("Panic", panic),
        }
    }
}
