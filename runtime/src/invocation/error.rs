//! The error of a failed invocation, as Lambda shows it.

use std::any::type_name;
use std::marker::PhantomData;

use serde::Serialize;

use crate::base::panic::Panic;
use crate::diagnostics::Reportable;
use crate::error::{ResourceError, chain, short_type_name};
use crate::lambda::types::Diagnostic;

/// The error of a failed invocation, as Lambda shows it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InvocationError {
    /// The error type that the handler's error chooses by its conversion into a [`Diagnostic`], or
    /// the short name of its type; or `Panic`, `DeadlineExceeded`, `InvalidEvent`, `InvalidAnswer`,
    /// `UnreadableBody`, `BodyStalled`, `ResourceUnavailable`.
    pub error_type: String,
    /// The error and its chain of sources.
    pub error_message: String,
}

impl InvocationError {
    pub(crate) fn new(error_type: &str, error_message: impl ToString) -> Self {
        Self { error_type: error_type.to_owned(), error_message: error_message.to_string() }
    }

    /// The error of a user's function: the short name of its type, and its chain of sources.
    ///
    /// A layer may have put the error of the handler into a box.
    pub(crate) fn of<E: Reportable>(error: E) -> Self {
        match error.report().downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::new(short_type_name::<E>(), chain(&*error)),
        }
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

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self { error_type: error.error_type, error_message: error.error_message }
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

/// The error type of a handler's `Result`, of a service or of a streamed body. Its method `convert` is
/// chosen by the compiler: the one of the type, else that of [`ByDiagnostic`], else that of
/// [`ByReport`].
pub struct ErrorOf<E>(PhantomData<fn(E)>);

/// Makes an [`InvocationError`] of a handler's error.
pub type Convert<E> = fn(E) -> InvocationError;

/// Returns the error type of a `Result`.
pub fn error_of<T, E>(_: &Result<T, E>) -> ErrorOf<E> {
    ErrorOf(PhantomData)
}

/// Returns the type of an error.
pub fn error_type<E>(_: &E) -> ErrorOf<E> {
    ErrorOf(PhantomData)
}

impl<E: Into<Diagnostic> + Reportable> ErrorOf<E> {
    /// An error that is both: its own conversion wins over the name of its type.
    pub fn convert(self) -> Convert<E> {
        if has_only_a_type_name::<E>() { InvocationError::of } else { by_diagnostic }
    }
}

/// The conversion of errors that are no `std::error::Error`, but choose their error type.
pub trait ByDiagnostic<E> {
    /// See `ErrorOf`.
    fn convert(self) -> Convert<E>;
}

impl<E: Into<Diagnostic>> ByDiagnostic<E> for ErrorOf<E> {
    fn convert(self) -> Convert<E> {
        by_diagnostic
    }
}

/// The conversion of all other errors, which must be [`Reportable`].
pub trait ByReport<E> {
    /// See `ErrorOf`.
    fn convert(self) -> Convert<E>
    where
        E: Reportable;
}

impl<E> ByReport<E> for &ErrorOf<E> {
    fn convert(self) -> Convert<E>
    where
        E: Reportable,
    {
        InvocationError::of
    }
}

fn by_diagnostic<E: Into<Diagnostic>>(error: E) -> InvocationError {
    let Diagnostic { error_type, error_message } = error.into();
    let error_type = match has_only_a_type_name::<E>() {
        true => short_type_name::<E>().to_owned(),
        false => error_type,
    };
    InvocationError { error_type, error_message }
}

/// True if lambda_runtime itself converts the type: it does so for types of these crates, and the
/// error type that it chooses is the path of the type.
fn has_only_a_type_name<E>() -> bool {
    const CRATES: [&str; 7] = ["alloc", "anyhow", "core", "eyre", "miette", "std", "str"];
    let krate = type_name::<E>().trim_start_matches('&').split("::").next();
    krate.is_some_and(|krate| CRATES.contains(&krate))
}
